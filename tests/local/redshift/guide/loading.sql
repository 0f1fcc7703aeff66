-- page: copy-parameters-data-format
-- feature: option delimiter, csv, fixedwidth
create table nation (id int, name varchar(10), amount decimal(8,2), d date, ts timestamp, ok boolean);

-- object: plain = 1|ALGERIA|1.259|2008-01-05|2008-01-05 10:11:12|t|\n2|BRAZIL||||
copy nation from 's3://guide/plain' iam_role default;
-- changed: 2

-- was: wrong
select * from nation order by id;
-- 1 | ALGERIA | 1.25 | 2008-01-05 | 2008-01-05 10:11:12 | true
-- 2 | BRAZIL | null | null | null | null

truncate nation;

-- object: quoted.csv = id,name\n1,"a, ""b"""\n2,
copy nation (id, name) from 's3://guide/quoted.csv' iam_role 'arn:aws:iam::123456789012:role/r' format as csv ignoreheader 1;
-- changed: 2

select id, name from nation order by id;
-- 1 | a, "b"
-- 2 | ''

truncate nation;

-- object: fixed = 00001abc  \n00002de
copy nation (id, name) from 's3://guide/fixed' iam_role default fixedwidth 'id:5,name:5';
-- changed: 2

select id, name || '.' from nation order by id;
-- 1 | abc.
-- 2 | de.

truncate nation;

-- object: semi = 1;'x'
copy nation (id, name) from 's3://guide/semi' iam_role default delimiter ';' quote as '''' csv;
-- changed: 1

select name from nation;
-- x

-- page: copy-parameters-data-conversion
-- feature: option null as, emptyasnull, blanksasnull, trimblanks
create table texts (id int, a varchar(10), b varchar(10));

-- object: blanks = 1||   \n2|NA|x  
copy texts from 's3://guide/blanks' iam_role default;
-- changed: 2

select id, a, b from texts order by id;
-- 1 | '' | '   '
-- 2 | NA | 'x  '

truncate texts;

copy texts from 's3://guide/blanks' iam_role default emptyasnull blanksasnull trimblanks null as 'NA';
-- changed: 2

select id, a, b from texts order by id;
-- 1 | null | null
-- 2 | null | x

truncate texts;

-- feature: option truncatecolumns, fillrecord, ignoreblanklines, removequotes, escape
-- object: long = 1|12345678901234|x\n\n2|short
-- was: refused
copy texts from 's3://guide/long' iam_role default truncatecolumns fillrecord ignoreblanklines;
-- changed: 2

-- was: wrong
select id, a, b from texts order by id;
-- 1 | 1234567890 | x
-- 2 | short | ''

truncate texts;

-- object: escaped = 1|a\|b|c
copy texts from 's3://guide/escaped' iam_role default escape;
-- changed: 1

select a, b from texts;
-- a|b | c

truncate texts;

-- object: quotes = 1|"a|b"|c
copy texts from 's3://guide/quotes' iam_role default removequotes;
-- changed: 1

select a, b from texts;
-- a|b | c

-- feature: option dateformat, timeformat, acceptanydate, roundec
create table moments (d date, ts timestamp, n decimal(8,2));

-- object: dates = 01/31/2008|01.31.2008 18:15:12|20.259
copy moments from 's3://guide/dates' iam_role default dateformat 'MM/DD/YYYY' timeformat 'MM.DD.YYYY HH24:MI:SS' roundec;
-- changed: 1

-- object: autos = Jan 31, 2008|2008-01-31T18:15:12|20.259
copy moments from 's3://guide/autos' iam_role default dateformat 'auto' timeformat 'auto';
-- changed: 1

-- object: epochs = 2008-01-31|1201803312|1
copy moments from 's3://guide/epochs' iam_role default timeformat as 'epochsecs';
-- changed: 1

-- object: anydate = 00/00/00|2008-01-31 18:15:12|2
-- was: refused
copy moments from 's3://guide/anydate' iam_role default dateformat 'YYYY-MM-DD' acceptanydate;
-- changed: 1

-- was: wrong
select * from moments order by n;
-- 2008-01-31 | 2008-01-31 18:15:12 | 1.00
-- null | 2008-01-31 18:15:12 | 2.00
-- 2008-01-31 | 2008-01-31 18:15:12 | 20.25
-- 2008-01-31 | 2008-01-31 18:15:12 | 20.26

-- object: baddate = 31.01.2008|2008-01-31 18:15:12|2
copy moments from 's3://guide/baddate' iam_role default;
-- error: Load into table 'moments' failed. Check 'stl_load_errors' system table for details.

-- was: refused
select trim(colname), trim(type), err_code, trim(err_reason) from stl_load_errors order by starttime desc limit 1;
-- d | date | 1205 | Invalid Date Format: expected YYYY-MM-DD

-- page: copy-parameters-data-load
-- feature: option maxerror, noload
truncate texts;

-- object: wrong = 1|a|b\nx|a|b\n3|only\n4|12345678901|b\n5|c|d
-- was: refused
copy texts from 's3://guide/wrong' iam_role default maxerror 4;
-- changed: 2

-- was: refused
select pg_last_copy_count();
-- 2

-- was: refused
select trim(filename), line_number, trim(colname), trim(type), trim(col_length), trim(raw_line), trim(raw_field_value), err_code, trim(err_reason)
from stl_load_errors where query = pg_last_copy_id() order by line_number;
-- s3://guide/wrong | 2 | id | int4 | '' | x|a|b | x | 1207 | Invalid digit, Value 'x', Pos 0, Type: Integer
-- s3://guide/wrong | 3 | '' | '' | '' | 3|only | '' | 1214 | Delimiter not found
-- s3://guide/wrong | 4 | a | varchar | 10 | 4|12345678901|b | 12345678901 | 1204 | String length exceeds DDL length

-- was: refused
copy texts from 's3://guide/wrong' iam_role default ignoreallerrors;
-- changed: 2

copy texts from 's3://guide/wrong' iam_role default maxerror 3;
-- error: Load into table 'texts' failed. Check 'stl_load_errors' system table for details.

copy texts from 's3://guide/wrong' iam_role default noload maxerror 10;
-- changed: 0

-- was: refused
select trim(filename), lines_scanned from stl_load_commits where query = pg_last_copy_id();
-- s3://guide/wrong | 2

-- was: refused
select table_name, loaded_rows, file_format from sys_load_history where table_name = 'nation' order by start_time limit 1;
-- nation | 2 | delimited

-- was: refused
select error_code, column_name, line_number from sys_load_error_detail where query_id = pg_last_copy_id() order by line_number limit 1;
-- 1207 | id | 2

-- page: copy-usage_notes-copy-from-json
-- feature: option json
create table events (id int, name varchar(20), tags super);

-- object: j1 = {"id": 1, "name": "a", "tags": {"b": [1, "x y"]}} {"id": 2, "Name": "b", "other": 1}
copy events from 's3://guide/j1' iam_role default json 'auto';
-- changed: 2

select id, name, tags from events order by id;
-- 1 | a | {"b":[1,"x y"]}
-- 2 | null | null

truncate events;

copy events from 's3://guide/j1' iam_role default format json as 'auto ignorecase';
-- changed: 2

select name from events order by id;
-- a
-- b

truncate events;

-- object: paths2 = {"jsonpaths": ["$.id", "$['tags']['b'][1]", "$.tags.b"]}
select 1;

-- object: jdata = {"id": 7, "tags": {"b": [1, "x y"]}}
-- was: refused
copy events from 's3://guide/jdata' iam_role default json 's3://guide/nopaths';
-- error: The specified key does not exist

-- was: refused
copy events from 's3://guide/jdata' iam_role default json 's3://guide/paths2';
-- changed: 1

-- was: wrong
select * from events where id = 7;
-- 7 | x y | [1,"x y"]

create table whole (v super);

copy whole from 's3://guide/jdata' iam_role default format json 'noshred';
-- changed: 1

-- was: refused
select v.tags.b[0] from whole;
-- 1

-- page: ingest-super
-- feature: option super from csv
truncate events;

-- object: s.csv = 1,a,"[1,2]"\n2,b,"""text"""\n3,c,
copy events from 's3://guide/s.csv' iam_role default csv;
-- changed: 3

select id, tags, json_typeof(tags) from events order by id;
-- 1 | [1,2] | array
-- 2 | "text" | string
-- 3 | null | null

-- page: loading-data-files-using-manifest
-- feature: option manifest
truncate texts;

-- object: the.manifest = {"entries": [{"url": "s3://guide/escaped2", "mandatory": true}, {"url": "s3://guide/nothere", "mandatory": false}]}
select 1;

-- object: escaped2 = 1|m|n
-- was: refused
copy texts from 's3://guide/the.manifest' iam_role default manifest;
-- changed: 1

-- page: s3serviceexception-error
-- feature: option bad buckets and prefixes
copy texts from 's3://no-such-bucket/k' iam_role default;
-- error: S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket

copy texts from 's3://guide/no-such-prefix' iam_role default;
-- error: The specified S3 prefix 'no-such-prefix' does not exist

-- was: refused
copy texts from 'emr://cluster/out' credentials 'c';
-- error: COPY from 'emr://cluster/out' is not emulated

-- was: refused
copy texts from '/tmp/texts' iam_role default;
-- error: LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)

-- was: refused
unload ('select 1') to '/tmp/texts' iam_role default;
-- error: UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)

-- was: refused
unload ('select 1') to '' iam_role default;
-- error: UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)

-- page: copy-usage_notes-copy-from-columnar
-- feature: option parquet, orc, avro
copy texts from 's3://guide/k' iam_role default format as parquet;
-- error: COPY from PARQUET is not emulated

copy texts from 's3://guide/k' iam_role default format avro 'auto';
-- error: COPY from AVRO is not emulated

-- page: r_UNLOAD
-- feature: option unload
-- was: wrong
unload ('select top 2 id, a, b from texts where a = \'m\' order by id') to 's3://guide/out/plain_' iam_role default;
-- changed: 1

unload ('select 1 as one, ''x,y'' as two, null as three, true as four, json_parse(''[1]'') as five') to 's3://guide/out/csv_' iam_role default csv header parallel off;
-- changed: 1

create table back (one int, two varchar(10), three int, four boolean, five super);

copy back from 's3://guide/out/csv_' iam_role default csv ignoreheader 1;
-- changed: 1

select * from back;
-- 1 | x,y | null | true | [1]

unload ('select 1') to 's3://guide/out/csv_' iam_role default;
-- error: Specified unload destination on S3 is not empty.

unload ($$ select 'again' $$) to 's3://guide/out/csv_' iam_role default allowoverwrite gzip;
-- changed: 1

unload ('select 1') to 's3://no-such-bucket/k' iam_role default;
-- error: S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket

unload ('select 1') to 's3://guide/p' iam_role default format parquet;
-- error: UNLOAD with PARQUET is not emulated

create or replace procedure unloads(t varchar) as $$
begin
    execute 'unload (''select * from ' || t || ''') to ''s3://guide/out/proc_'' iam_role default csv allowoverwrite';
    unload ('select dateadd(day, 1, date ''2020-02-28''), nvl(null, ''a "b"''), ''''') to 's3://guide/out/static_' iam_role default allowoverwrite;
end;
$$ language plpgsql;

call unloads('back');

create table again (a varchar(30), b varchar(10), c varchar(5));

-- was: refused
copy again from 's3://guide/out/static_' iam_role default;
-- changed: 1

-- was: wrong
select * from again;
-- 2020-02-29 00:00:00 | a "b" | ''

truncate back;

-- was: refused
copy back from 's3://guide/out/proc_' iam_role default csv;
-- changed: 1

-- was: wrong
select * from back;
-- 1 | x,y | null | true | [1]

unload ('select ''a|b'' as x, 1 as y') to 's3://guide/out/esc_' iam_role default escape addquotes allowoverwrite manifest;
-- changed: 1

create table escapes (x varchar(10), y int);

-- was: refused
copy escapes from 's3://guide/out/esc_manifest' iam_role default manifest removequotes escape;
-- changed: 1

-- was: wrong
select * from escapes;
-- a|b | 1

-- was: refused
unload ('select 7 as id, ''n'' as name, json_parse(''{"k":[1]}'') as tags, null as other') to 's3://guide/out/json_' iam_role default format json;
-- changed: 1

truncate events;

-- was: refused
copy events from 's3://guide/out/json_' iam_role default json 'auto';
-- changed: 1

-- was: refused
select id, name, tags.k[0] from events;
-- 7 | n | 1

-- was: refused
unload ('select 1, ''ab''') to 's3://guide/out/fixed_' iam_role default fixedwidth '0:3,1:5' allowoverwrite bzip2;
-- changed: 1

-- was: refused
copy escapes (y, x) from 's3://guide/out/fixed_' iam_role default fixedwidth 'y:3,x:5' bzip2;
-- changed: 1
