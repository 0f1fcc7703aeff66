-- page: r_Character_types
-- feature: type varchar
create table texts (v varchar(10), c char(5), t text);
insert into texts values ('x', 'x', 'x'), ('x  ', 'x', 'x '), ('y', 'y', null);

-- was: wrong
select count(*) from texts where v = 'x';
-- 2

-- was: wrong
select count(*) from texts where 'x    ' = v;
-- 2

-- was: wrong
select count(*) from texts where v in ('x', 'z');
-- 2

-- was: wrong
select count(*) from texts where v <> 'x ';
-- 1

-- was: wrong
select count(*) from texts a join texts b on a.v = b.t;
-- 4

-- was: wrong
select count(distinct v) from texts;
-- 2

-- was: wrong
select count(*) from (select v from texts group by v);
-- 2

-- was: wrong
select len(v), len(t) from texts where v = 'x' order by 1;
-- 1 | 1
-- 3 | 2

-- was: wrong
select case v when 'x' then 1 else 0 end from texts order by v;
-- 1
-- 1
-- 0

select count(*) from texts where v like 'x';
-- 1

select v || '.' from texts order by len(v), v;
-- x.
-- y.
-- x  .

-- was: wrong
select 'a' < 'a  ', 'a' < 'b ', max(v) from texts group by 1, 2;
-- false | true | y

insert into texts (v) values ('12345678901');
-- error: value too long for type character varying(10)

insert into texts (v) values ('1234567890   ');
-- changed: 1

select len(v) from texts where v like '123%';
-- 10

-- feature: type char
-- was: wrong
select len(c), c || '.', c = 'x', c = 'x         ' from texts where t = 'x' order by len(v);
-- 1 | x. | true | true
-- 1 | x. | true | true

select 'ab'::char(5) || '!', len('ab'::char(5)), octet_length('ab'::char(5));
-- ab! | 2 | 5

select cast(2008 as char(4)), 'abcdef'::char(3), 'abcdef'::varchar(3);
-- types: bpchar | bpchar | varchar
-- 2008 | abc | abc

-- page: c_Supported_data_types
-- feature: clause implicit conversion
create table pairs (i int, b bigint, v varchar(20), d date, ts timestamp, tz timestamptz, f float8, n decimal(10,2), t boolean);
insert into pairs values (1, 2, '1', '2008-01-05', '2008-01-05 10:00:00', '2008-01-05 10:00:00+00', 1.5, 1.50, true), (22, 3, 'abc', null, null, null, null, null, false);

-- was: refused
select i from pairs where v = 1;
-- 1

-- was: refused
select i from pairs where v in (1, 7);
-- 1

select i from pairs where i = '22';
-- 22

-- was: refused
select i from pairs where v = i;
-- 1

-- was: refused
select i from pairs where n = '1.5'::varchar;
-- 1

-- was: refused
select '1.50'::varchar = 1.5, '01'::varchar = 1, '1'::varchar = 1;
-- true | false | true

select i from pairs where d = '2008-01-05' and ts > '2008-01-05';
-- 1

-- was: refused
select i from pairs where ts like '2008-01%';
-- 1

select i from pairs where d between '2008-01-01' and ts;
-- 1

select i || '-' || v, 'n' || n, d || '!' from pairs where i = 1;
-- 1-1 | n1.50 | 2008-01-05!

-- was: refused
select substring(i, 1, 1), len(i), upper(n), left(d, 4), split_part(ts, ' ', 2) from pairs where i = 1;
-- 1 | 1 | 1.50 | 2008 | 10:00:00

-- was: refused
select strpos(n, '.'), replace(d, '-', ''), reverse(b) from pairs where i = 1;
-- 2 | 20080105 | 2

-- was: refused
insert into pairs (i, v, d, ts) select '7', 8, '2020-02-03'::varchar, d from pairs where i = 1;
-- changed: 1

-- was: wrong
select i, v, d, ts from pairs where i = 7;
-- 7 | 8 | 2020-02-03 | 2008-01-05 00:00:00

-- was: refused
update pairs set v = i, b = v, d = ts where i = 7;
-- changed: 1

-- was: wrong
select v, b, d from pairs where i = 7;
-- 7 | 8 | 2008-01-05

insert into pairs (i, n) values (1.6, '2.345');
-- changed: 1

select i, n from pairs where n > 2;
-- 2 | 2.35

insert into pairs (i) values ('abc');
-- error: invalid input syntax for type integer

-- was: refused
insert into pairs (t) values (1);
-- changed: 1

-- was: refused
select count(*) from pairs where t = 1;
-- 2

select coalesce(i, b), coalesce(n, 0), nvl(d, ts) from pairs where i = 1;
-- 1 | 1.50 | 2008-01-05 00:00:00

select case when i = 1 then n else i end from pairs where i in (1, 22) order by 1;
-- 1.50
-- 22

select i from pairs where i = 1 union select n from pairs where i = 1 union select f from pairs where i = 1 order by 1;
-- 1.0
-- 1.5

select d from pairs where i = 1 union all select ts from pairs where i = 1 order by 1;
-- 2008-01-05 00:00:00
-- 2008-01-05 10:00:00

-- was: refused
select i from pairs where (i, n) in (select '1'::varchar, 1.5::numeric(5,1));
-- 1

-- was: refused
select i from pairs where (nvl(i, 0), nvl(v, 'x')) in (select nvl(n, 22), v from pairs);
-- 22

select ts = tz, d = tz::date, date_cmp_timestamptz(d, tz) from pairs where i = 1;
-- true | true | -1

-- was: refused
select last_day(tz), add_months(tz, 1), trunc(tz) from pairs where i = 1;
-- 2008-01-31 | 2008-02-05 10:00:00 | 2008-01-05

-- was: refused
select v + 'c', v + v from pairs where i = 1;
-- 1c | 11

select 1 + '2', '3' * 2, 10 / '4';
-- 3 | 6 | 2

select 1 = 1.0, 2::bigint > 1.5, 1::smallint = 1::real, 1.5::real < 2::bigint, 1.5 in (1, 1.5);
-- true | true | true | true | true

-- was: wrong
select sum(i) || ' rows' from pairs where i < 10;
-- 10 rows

-- page: r_CAST_function
-- feature: function cast
select cast(162.00 as integer) as price, 162::varchar, '8'::int + 1;
-- 162 | 162 | 9

select cast('2008-02-18 02:36:48' as date), '2008-02-18'::timestamp, cast(timestamp '2008-02-18 02:36:48' as date);
-- 2008-02-18 | 2008-02-18 00:00:00 | 2008-02-18

select cast(109.652 as decimal(4,1)), 1.6::int, 2.4::decimal(10,0);
-- 109.7 | 2 | 2

select 123.456::decimal(2,1);
-- error: numeric field overflow

select 12345678::smallint;
-- error: out of range

select 72.80::decimal(38,2) * 100000000000000000000;
-- 7280000000000000000000.00

select int '5', date '2020-01-01', timestamp '2020-01-01 10:00:00', '5'::numeric(5,2), float '1.5';
-- 5 | 2020-01-01 | 2020-01-01 10:00:00 | 5.00 | 1.5

-- page: r_CONVERT_function
-- feature: function convert
select convert(integer, 162.00), convert(char(4), 2008), convert(varchar(30), date '2023-02-02'), convert(time, timestamp '2008-02-18 02:36:48');
-- 162 | 2008 | 2023-02-02 | 02:36:48

-- page: r_Boolean_type
-- feature: type boolean
select 't'::boolean, 'yes'::boolean, '1'::boolean, 'f'::bool, 0::boolean, 1::bool, true and null, not false;
-- true | true | true | false | false | true | null | true

select t is true, t is not true, t is unknown from pairs where i = 22;
-- false | true | false

select 'true'::boolean::int, 'off'::boolean::int;
-- 1 | 0

-- page: r_Numeric_types201
-- feature: type smallint, integer, bigint, decimal, real, double precision
create table numbers (a smallint, b int2, c integer, d int4, e bigint, f int8, g decimal(8,2), h numeric, i real, j float4, k double precision, l float, m float8);
insert into numbers values (1, 2, 3, 4, 5, 6, 7.125, 8.6, 9.5, 10.25, 11.125, 12.5, 13.5);

select * from numbers;
-- types: int2 | int2 | int4 | int4 | int8 | int8 | numeric | numeric | float4 | float4 | float8 | float8 | float8
-- 1 | 2 | 3 | 4 | 5 | 6 | 7.13 | 9 | 9.5 | 10.25 | 11.125 | 12.5 | 13.5

insert into numbers (a) values (40000);
-- error: out of range

insert into numbers (g) values (1234567.5);
-- error: numeric field overflow

select 7 / 2, 7 % 2, 7.0 / 2 > 3.4, 2147483647 + 1;
-- error: out of range

select 7 / 2, -7 / 2, 7 % 2, mod(-7, 2), 7 / 2.0 = 3.5;
-- 3 | -3 | 1 | -1 | true

select 1 / 0;
-- error: division by zero

-- page: r_VARBYTE_type
-- feature: type varbyte
create table bytes (a varbyte(20), b varbinary, c binary varying(10));
insert into bytes values ('abc', from_hex('616263'), 'abc'::varbyte);

-- was: refused
select a = b, b = c, to_hex(a), a::varchar, octet_length(a), len(b) from bytes;
-- true | true | 616263 | abc | 3 | 3

-- page: r_COLLATE
-- feature: function collate
create table names (col1 varchar(20), col2 varchar(20) collate case_sensitive);
insert into names values ('john', 'x'), ('JOHN', 'X');

select col1 from names where col1 = 'john';
-- john

-- was: refused
select col1 from names where collate(col1, 'case_insensitive') = 'john' order by col1;
-- JOHN
-- john

-- was: refused
select count(*) from names where collate(col1, 'case_insensitive') like 'Jo%' or collate(col2, 'case_insensitive') in ('Y', 'Z');
-- 2

-- page: r_CREATE_TABLE_NEW
-- feature: clause collate
create table people (name varchar(20) collate case_insensitive, code char(4) collate case_insensitive);
insert into people values ('Ann', 'AB'), ('ANN', 'ab'), ('Bob', 'cd');

-- was: wrong
select count(*) from people where name = 'ann';
-- 2

-- was: wrong
select count(distinct name), count(distinct code) from people;
-- 2 | 2

-- was: wrong
select name, count(*) from people where name <> 'BOB' group by name having count(*) = 2;
-- Ann | 2

-- was: wrong
select count(*) from people a join people b on a.name = b.name;
-- 5

-- was: wrong
select count(*) from people where name in ('BOB', 'x') or name like 'b%' or code = 'CD';
-- 1

-- was: wrong
select upper(name), len(name) from people where name = 'bob';
-- types: varchar | int4
-- BOB | 3

-- was: refused
select collate(name, 'case_sensitive') from people where collate(name, 'case_sensitive') = 'ANN';
-- ANN

-- page: r_TRY_CAST
-- feature: function try_cast
create table tried (v varchar(20), n decimal(6,2));
insert into tried values ('7', 1.5), ('seven', 123.45), (null, null);

-- was: refused
select try_cast(v as int), try_cast(n as int), try_cast(n as decimal(4,2)), try_cast(n as varchar(20)) from tried order by n;
-- 7 | 2 | 1.50 | 1.50
-- null | 123 | null | 123.45
-- null | null | null | null

-- was: refused
select try_cast('2024-02-30' as date), try_cast('2024-02-29' as date), try_cast('x' as int), try_cast(null as int), try_cast('99999' as smallint);
-- null | 2024-02-29 | null | null | null
