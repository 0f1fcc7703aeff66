-- Functions that Redshift has and PostgreSQL lacks, or has with other argument types.
-- https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html
-- They live in their own schema, the last on every search path, so that a user's schema never shows them.
create schema redshift;

-- Dates ---------------------------------------------------------------------------------------------------------------

-- The time the transaction began.
create function redshift.sysdate() returns timestamp language sql stable
as $$ select transaction_timestamp() at time zone 'UTC' $$;

-- The time the statement began, in whole seconds.
create function redshift.getdate() returns timestamp language sql stable
as $$ select date_trunc('second', statement_timestamp() at time zone 'UTC') $$;

-- One spelling for each of Redshift's names of a date part.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html
create function redshift.date_unit(part text) returns text language sql immutable strict
as $$
    select case
        when lower(part) in ('millennium', 'millennia', 'mil', 'mils') then 'millennium'
        when lower(part) in ('century', 'centuries', 'c', 'cent', 'cents') then 'century'
        when lower(part) in ('decade', 'decades', 'dec', 'decs') then 'decade'
        when lower(part) in ('epoch') then 'epoch'
        when lower(part) in ('year', 'years', 'y', 'yr', 'yrs') then 'year'
        when lower(part) in ('quarter', 'quarters', 'qtr', 'qtrs') then 'quarter'
        when lower(part) in ('month', 'months', 'mon', 'mons') then 'month'
        when lower(part) in ('week', 'weeks', 'w') then 'week'
        when lower(part) in ('dayofweek', 'dow', 'dw', 'weekday') then 'dow'
        when lower(part) in ('dayofyear', 'doy', 'dy', 'yearday') then 'doy'
        when lower(part) in ('day', 'days', 'd') then 'day'
        when lower(part) in ('hour', 'hours', 'h', 'hr', 'hrs') then 'hour'
        when lower(part) in ('minute', 'minutes', 'm', 'min', 'mins') then 'minute'
        when lower(part) in ('second', 'seconds', 's', 'sec', 'secs') then 'second'
        when lower(part) in ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs', 'msecond', 'mseconds',
                             'millisec', 'millisecs', 'millisecon') then 'milliseconds'
        when lower(part) in ('microsecond', 'microseconds', 'microsec', 'microsecs', 'microsecond', 'usecond',
                             'useconds', 'us', 'usec', 'usecs') then 'microseconds'
        else lower(part)
    end
$$;

create function redshift.date_step(part text, amount numeric) returns interval language sql immutable strict
as $$
    select case redshift.date_unit(part)
        when 'millennium' then amount * interval '1000 years'
        when 'century' then amount * interval '100 years'
        when 'decade' then amount * interval '10 years'
        when 'quarter' then amount * interval '3 months'
        when 'dow' then amount * interval '1 day'
        when 'doy' then amount * interval '1 day'
        when 'milliseconds' then amount * interval '1 millisecond'
        when 'microseconds' then amount * interval '1 microsecond'
        else amount * ('1 ' || redshift.date_unit(part))::interval
    end
$$;

create function redshift.dateadd(part text, amount numeric, value timestamp) returns timestamp
language sql immutable strict as $$ select value + redshift.date_step(part, trunc(amount)) $$;
create function redshift.dateadd(part text, amount numeric, value date) returns timestamp
language sql immutable strict as $$ select value::timestamp + redshift.date_step(part, trunc(amount)) $$;
create function redshift.dateadd(part text, amount numeric, value timestamptz) returns timestamptz
language sql stable strict as $$ select value + redshift.date_step(part, trunc(amount)) $$;
create function redshift.dateadd(part text, amount numeric, value time) returns time
language sql immutable strict as $$ select value + redshift.date_step(part, trunc(amount)) $$;

-- How many boundaries of the part lie between two times: 23:59 to 00:01 is one day.
create function redshift.datediff(part text, first timestamp, last timestamp) returns bigint
language sql immutable strict
as $$
    select case redshift.date_unit(part)
        when 'millennium' then floor(extract(year from last) / 1000) - floor(extract(year from first) / 1000)
        when 'century' then floor(extract(year from last) / 100) - floor(extract(year from first) / 100)
        when 'decade' then floor(extract(year from last) / 10) - floor(extract(year from first) / 10)
        when 'year' then extract(year from last) - extract(year from first)
        when 'quarter' then 4 * (extract(year from last) - extract(year from first))
                            + extract(quarter from last) - extract(quarter from first)
        when 'month' then 12 * (extract(year from last) - extract(year from first))
                          + extract(month from last) - extract(month from first)
        -- Redshift's weeks start on Sunday here.
        when 'week' then (((last::date - date '1899-12-31') - extract(dow from last)::int)
                          - ((first::date - date '1899-12-31') - extract(dow from first)::int)) / 7
        when 'hour' then floor(extract(epoch from last) / 3600) - floor(extract(epoch from first) / 3600)
        when 'minute' then floor(extract(epoch from last) / 60) - floor(extract(epoch from first) / 60)
        when 'second' then floor(extract(epoch from last)) - floor(extract(epoch from first))
        when 'milliseconds' then floor(extract(epoch from last) * 1000) - floor(extract(epoch from first) * 1000)
        when 'microseconds' then floor(extract(epoch from last) * 1000000) - floor(extract(epoch from first) * 1000000)
        else last::date - first::date
    end::bigint
$$;
create function redshift.datediff(part text, first date, last date) returns bigint
language sql immutable strict as $$ select redshift.datediff(part, first::timestamp, last::timestamp) $$;
create function redshift.datediff(part text, first timestamptz, last timestamptz) returns bigint
language sql immutable strict
as $$ select redshift.datediff(part, first at time zone 'UTC', last at time zone 'UTC') $$;
create function redshift.datediff(part text, first time, last time) returns bigint
language sql immutable strict as $$ select redshift.datediff(part, date '2000-01-01' + first, date '2000-01-01' + last) $$;

-- PostgreSQL would turn a date into a timestamp with time zone first.
create function redshift.date_trunc(part text, value date) returns timestamp language sql immutable strict
as $$ select pg_catalog.date_trunc(redshift.date_unit(part), value::timestamp) $$;

create function redshift.trunc(value timestamp) returns date language sql immutable strict
as $$ select value::date $$;

create function redshift.last_day(value timestamp) returns date language sql immutable strict
as $$ select (date_trunc('month', value) + interval '1 month - 1 day')::date $$;
create function redshift.last_day(value date) returns date language sql immutable strict
as $$ select redshift.last_day(value::timestamp) $$;

-- The last day of a month stays the last day: 28 February plus one month is 31 March.
create function redshift.add_months(value timestamp, months bigint) returns timestamp language sql immutable strict
as $$
    select case when value::date = redshift.last_day(value)
        then redshift.last_day(date_trunc('month', value) + months * interval '1 month') + value::time
        else value + months * interval '1 month' end
$$;
create function redshift.add_months(value date, months bigint) returns timestamp language sql immutable strict
as $$ select redshift.add_months(value::timestamp, months) $$;

create function redshift.months_between(later timestamp, earlier timestamp) returns double precision
language sql immutable strict
as $$
    select redshift.datediff('month', earlier, later) + case
        when extract(day from later) = extract(day from earlier) then 0
        when later::date = redshift.last_day(later) and earlier::date = redshift.last_day(earlier) then 0
        else (extract(day from later) - extract(day from earlier)
              + extract(epoch from later::time - earlier::time) / 86400) / 31
    end
$$;
create function redshift.months_between(later date, earlier date) returns double precision
language sql immutable strict as $$ select redshift.months_between(later::timestamp, earlier::timestamp) $$;

create function redshift.next_day(value timestamp, weekday text) returns date language sql immutable strict
as $$
    select value::date + ((array_position(array['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'], left(lower(weekday), 2)) - 1
                           - extract(dow from value)::int + 6) % 7) + 1
$$;

create function redshift.convert_timezone(target text, value timestamp) returns timestamp language sql immutable strict
as $$ select value at time zone 'UTC' at time zone target $$;
create function redshift.convert_timezone(source text, target text, value timestamp) returns timestamp
language sql immutable strict as $$ select value at time zone source at time zone target $$;

create function redshift.date_cmp(a date, b date) returns int language sql immutable strict
as $$ select sign(a - b)::int $$;
create function redshift.timestamp_cmp(a timestamp, b timestamp) returns int language sql immutable strict
as $$ select case when a > b then 1 when a < b then -1 else 0 end $$;

-- Strings -------------------------------------------------------------------------------------------------------------

create function redshift.len(value text) returns int language sql immutable strict as $$ select length(value) $$;
create function redshift.charindex(part text, value text) returns int language sql immutable strict
as $$ select strpos(value, part) $$;
create function redshift.replicate(value text, times int) returns text language sql immutable strict
as $$ select repeat(value, times) $$;
create function redshift.strtol(value text, base int) returns bigint language plpgsql immutable strict
as $$
declare
    digits text := lower(trim(value));
    negative boolean := left(digits, 1) = '-';
    result bigint := 0;
    digit int;
begin
    digits := ltrim(digits, '+-');
    if base = 16 then
        digits := regexp_replace(digits, '^0x', '');
    end if;
    for place in 1 .. length(digits) loop
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, place, 1)) - 1;
        if digit < 0 or digit >= base then
            raise exception 'The input % is not valid to be converted to base %', value, base;
        end if;
        result := result * base + digit;
    end loop;
    return case when negative then -result else result end;
end
$$;

create function redshift.sha2(value text, bits int) returns text language sql immutable strict
as $$
    select case bits
        when 0 then encode(sha256(convert_to(value, 'UTF8')), 'hex')
        when 224 then encode(sha224(convert_to(value, 'UTF8')), 'hex')
        when 256 then encode(sha256(convert_to(value, 'UTF8')), 'hex')
        when 384 then encode(sha384(convert_to(value, 'UTF8')), 'hex')
        when 512 then encode(sha512(convert_to(value, 'UTF8')), 'hex')
    end
$$;

-- PostgreSQL has no SHA-1 without an extension: FIPS 180-4 in words of 32 bits, kept in bigint.
create function redshift.sha1(value text) returns text language plpgsql immutable strict
as $$
declare
    mask constant bigint := 4294967295;
    message bytea := convert_to(value, 'UTF8');
    bits bigint := length(message) * 8;
    h bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520]::bigint[];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; next bigint;
begin
    message := message || decode('80', 'hex')
        || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex') || int8send(bits);
    for block in 0 .. length(message) / 64 - 1 loop
        for t in 0 .. 15 loop
            w[t] := (get_byte(message, block * 64 + t * 4)::bigint << 24) | (get_byte(message, block * 64 + t * 4 + 1) << 16)
                | (get_byte(message, block * 64 + t * 4 + 2) << 8) | get_byte(message, block * 64 + t * 4 + 3);
        end loop;
        for t in 16 .. 79 loop
            next := w[t - 3] # w[t - 8] # w[t - 14] # w[t - 16];
            w[t] := ((next << 1) | (next >> 31)) & mask;
        end loop;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        for t in 0 .. 79 loop
            if t < 20 then f := (b & c) | ((~b & mask) & d); k := 1518500249;
            elsif t < 40 then f := b # c # d; k := 1859775393;
            elsif t < 60 then f := (b & c) | (b & d) | (c & d); k := 2400959708;
            else f := b # c # d; k := 3395469782;
            end if;
            next := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[t]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := next;
        end loop;
        h := array[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    end loop;
    return (select string_agg(lpad(to_hex(word), 8, '0'), '' order by place) from unnest(h) with ordinality as u(word, place));
end
$$;
create function redshift.func_sha1(value text) returns text language sql immutable strict
as $$ select redshift.sha1(value) $$;

-- Aggregates ----------------------------------------------------------------------------------------------------------

-- The first of each run of equal strings, in the given order: LISTAGG(DISTINCT …) WITHIN GROUP (ORDER BY …).
create function redshift.join_distinct(parts text[], separator text) returns text language sql immutable
as $$
    select string_agg(part, separator order by place)
    from (select part, min(place) as place from unnest(parts) with ordinality as u(part, place)
          where part is not null group by part) as firsts
$$;

create function redshift.median_of(parts numeric[]) returns numeric language sql immutable strict
as $$
    select case when low = high then low else trim_scale((low + high) / 2) end
    from (select percentile_disc(0.5) within group (order by part) as low,
                 percentile_disc(0.5) within group (order by part desc) as high
          from unnest(parts) as u(part)) as middle
$$;
create function redshift.median_of(parts double precision[]) returns double precision language sql immutable strict
as $$ select percentile_cont(0.5) within group (order by part) from unnest(parts) as u(part) $$;
create aggregate redshift.median(numeric) (sfunc = array_append, stype = numeric[], finalfunc = redshift.median_of);
create aggregate redshift.median(double precision) (
    sfunc = array_append, stype = double precision[], finalfunc = redshift.median_of
);

-- The average of integers is an integer; PostgreSQL's own, which is not, would be found first, so AVG is rewritten to this.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_AVG.html
create function redshift.avg_step(state numeric[], value bigint) returns numeric[] language sql immutable
as $$ select case when value is null then state else array[state[1] + value, state[2] + 1] end $$;
create function redshift.avg_end(state numeric[]) returns bigint language sql immutable
as $$ select trunc(state[1] / nullif(state[2], 0))::bigint $$;
create aggregate redshift.avg(bigint) (
    sfunc = redshift.avg_step, stype = numeric[], finalfunc = redshift.avg_end, initcond = '{0,0}'
);
create function redshift.avg_end(state bigint[]) returns bigint language sql immutable
as $$ select trunc(int8_avg(state))::bigint $$;
create aggregate redshift.avg(int) (
    sfunc = int4_avg_accum, stype = bigint[], finalfunc = redshift.avg_end, initcond = '{0,0}'
);
create aggregate redshift.avg(smallint) (
    sfunc = int2_avg_accum, stype = bigint[], finalfunc = redshift.avg_end, initcond = '{0,0}'
);
create aggregate redshift.avg(numeric) (sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_avg);
create aggregate redshift.avg(real) (
    sfunc = float4_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}'
);
create aggregate redshift.avg(double precision) (
    sfunc = float8_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}'
);
create aggregate redshift.avg(interval) (sfunc = interval_avg_accum, stype = internal, finalfunc = interval_avg);

-- JSON and SUPER ------------------------------------------------------------------------------------------------------

create function redshift.json_parse(value text) returns jsonb language sql immutable strict as $$ select value::jsonb $$;
create function redshift.json_serialize(value jsonb) returns text language sql immutable strict as $$ select value::text $$;
create function redshift.is_valid_json(value text) returns boolean language sql immutable strict
as $$ select value is json object $$;
create function redshift.is_valid_json_array(value text) returns boolean language sql immutable strict
as $$ select value is json array $$;
create function redshift.can_json_parse(value text) returns boolean language sql immutable strict
as $$ select value is json $$;
create function redshift.json_extract_path_text(value text, variadic path text[]) returns text
language sql immutable strict as $$ select pg_catalog.json_extract_path_text(value::json, variadic path) $$;
-- With null_if_invalid, Redshift's last argument.
create function redshift.json_extract_path_text_or_null(value text, variadic path text[]) returns text
language plpgsql immutable strict
as $$
begin
    return case when value is json then pg_catalog.json_extract_path_text(value::json, variadic path) end;
end
$$;
create function redshift.json_array_length(value text) returns int language sql immutable strict
as $$ select pg_catalog.json_array_length(value::json) $$;
create function redshift.json_extract_array_element_text(value text, place int) returns text
language sql immutable strict as $$ select value::json ->> place $$;
create function redshift.json_typeof(value jsonb) returns text language sql immutable strict
as $$ select jsonb_typeof(value) $$;
create function redshift.get_array_length(value jsonb) returns int language sql immutable strict
as $$ select jsonb_array_length(value) $$;

-- Numbers -------------------------------------------------------------------------------------------------------------

create function redshift.dlog10(value double precision) returns double precision language sql immutable strict
as $$ select log(value) $$;
create function redshift.dlog1(value double precision) returns double precision language sql immutable strict
as $$ select ln(value) $$;
create function redshift.dexp(value double precision) returns double precision language sql immutable strict
as $$ select exp(value) $$;

-- Behind rewritten statements -----------------------------------------------------------------------------------------

-- ALTER TABLE … APPEND FROM: moves the rows, matching columns by name.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE_APPEND.html
create procedure redshift.append(target regclass, source regclass, ignore_extra boolean, fill_target boolean)
language plpgsql
as $$
declare
    shared text;
    extra text;
    missing text;
begin
    select string_agg(quote_ident(s.attname), ', ' order by s.attnum) filter (where t.attname is not null),
           min(s.attname) filter (where t.attname is null)
    into shared, extra
    from pg_attribute s
    left join pg_attribute t on t.attrelid = target and t.attname = s.attname and t.attnum > 0 and not t.attisdropped
    where s.attrelid = source and s.attnum > 0 and not s.attisdropped;
    select min(t.attname) into missing
    from pg_attribute t
    where t.attrelid = target and t.attnum > 0 and not t.attisdropped and not exists (
        select from pg_attribute s where s.attrelid = source and s.attname = t.attname and not s.attisdropped);
    if extra is not null and not ignore_extra then
        raise exception 'Column "%" of table "%" does not exist in table "%".', extra, source, target
            using hint = 'Use IGNOREEXTRA to discard it.';
    elsif missing is not null and not fill_target then
        raise exception 'Column "%" of table "%" does not exist in table "%".', missing, target, source
            using hint = 'Use FILLTARGET to fill it.';
    end if;
    execute format('with moved as (delete from %s returning *) insert into %s (%s) select %s from moved',
                   source, target, shared, shared);
end
$$;

-- Whether a procedure may end the transaction: it was called from outside of any, and no block that handles exceptions
-- is open around it. The caller of the procedure says so.
create function redshift.may_end_transaction() returns boolean language sql stable
as $$
    select coalesce(current_setting('elt.top_level', true), '') = 'on'
       and coalesce(nullif(current_setting('elt.guards', true), ''), '0') = '0'
$$;

-- Opens (1) or closes (-1) a block that handles exceptions around a CALL. An error undoes it with the block's savepoint.
create function redshift.guard(step int) returns void language sql volatile
as $$
    select set_config('elt.guards', (coalesce(nullif(current_setting('elt.guards', true), ''), '0')::int + step)::text, false)
$$;

-- COPY from S3 inside a procedure: asks the process that owns this server for the rows (see copy_exchange.py), and inserts
-- them with the caller's rights. The answer is a line of JSON about the load, then one for each row.
create function redshift.copy_into(target text, statement text) returns void language plpgsql
as $$
declare
    request constant uuid := gen_random_uuid();
    deadline constant timestamptz := clock_timestamp() + interval '10 minutes';
    columns jsonb;
    answer text;
    head text;
    load jsonb;
begin
    select jsonb_agg(jsonb_build_array(attname, format_type(atttypid, null), attidentity) order by attnum)
    into columns
    from pg_attribute where attrelid = target::regclass and attnum > 0 and not attisdropped;
    raise notice using message = 'elt.copy',
        detail = jsonb_build_object('id', request, 'statement', statement, 'columns', columns);
    loop
        answer := redshift.copy_answer(request);
        exit when answer is not null;
        if clock_timestamp() > deadline then
            raise exception 'Load into table ''%'' failed: the rows did not arrive in time', target;
        end if;
        perform pg_sleep(0.005);
    end loop;
    head := split_part(answer, chr(10), 1);
    load := head;
    if load ? 'error' then
        raise exception '%', load ->> 'error';
    end if;
    execute redshift.insertion(target::regclass, load -> 'columns') using substr(answer, length(head) + 2);
exception when data_exception then
    raise exception 'Load into table ''%'' failed.  Check ''stl_load_errors'' system table for details.', target
        using detail = sqlerrm;
end
$$;

-- The INSERT that does with $1, lines of JSON arrays, what COPY does: a value is read as its column's type, is not cut to
-- the column's length, and goes into identity columns too.
create function redshift.insertion(target regclass, names jsonb) returns text language sql stable
as $$
    select format('insert into %s (%s) overriding system value select %s'
                  ' from (select line::jsonb as row from string_to_table($1, chr(10)) as lines(line)) as rows',
                  target,
                  string_agg(quote_ident(name), ', ' order by place),
                  string_agg(format('(row ->> %s)::%s', place - 1, format_type(atttypid, -1)), ', ' order by place))
    from jsonb_array_elements_text(names) with ordinality as named(name, place)
    join pg_attribute on attrelid = target and attname = name
$$;

-- The text of an EXECUTE that is put together at run time: drops the table attributes that PostgreSQL does not know.
create function redshift.dynamic_sql(statement text) returns text language plpgsql immutable strict
set standard_conforming_strings to on
as $$
begin
    if statement ~* '^\s*copy\s' then
        return format('select redshift.copy_into(%L, %L)', substring(statement from '^\s*\w+\s+([^\s(]+)'), statement);
    elsif statement ~* '^\s*(create|alter)\s' then
        statement := regexp_replace(statement, '\mencode\s+\w+', '', 'gi');
        statement := regexp_replace(statement, '\m(compound\s+|interleaved\s+)?sortkey\M(\s*\([^)]*\)|\s+auto)?', '', 'gi');
        statement := regexp_replace(statement, '\mdistkey\M(\s*\([^)]*\))?', '', 'gi');
        statement := regexp_replace(statement, '\mdiststyle\s+\w+', '', 'gi');
        statement := regexp_replace(statement, '\mbackup\s+(yes|no)\M', '', 'gi');
        statement := regexp_replace(statement, '\mvarchar\s*\(\s*max\s*\)', 'varchar(65535)', 'gi');
        statement := regexp_replace(statement, '\midentity\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)',
                                    'generated always as identity (start with \1 increment by \2 minvalue \1)', 'gi');
        statement := regexp_replace(statement, '\msuper\M', 'jsonb', 'gi');
    end if;
    statement := regexp_replace(statement, '\msysdate\M(?!\s*\()', 'sysdate()', 'gi');
    statement := regexp_replace(statement, '\mnvl\s*\(', 'coalesce(', 'gi');
    return regexp_replace(statement, '(?<![\w"])(#\w+)', '"\1"', 'g');
end
$$;
