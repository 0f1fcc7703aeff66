-- Dates and times: https://docs.aws.amazon.com/redshift/latest/dg/Date_functions_header.html
-- DATEADD, DATEDIFF, DATE_PART and EXTRACT name their part as a word, so the rewriter names a function for each part
-- (dateadd_month …). All of them are single expressions, which PostgreSQL puts in the place of the call.

-- The time the transaction began.
create function redshift.sysdate() returns timestamp stable return transaction_timestamp()::timestamp;
-- The time the statement began, in whole seconds.
create function redshift.getdate() returns timestamp stable return date_trunc('second', statement_timestamp()::timestamp);

do $$
declare
    part text;
    step text;
begin
    for part, step in values
        ('millennium', '1000 years'), ('century', '100 years'), ('decade', '10 years'), ('year', '1 year'),
        ('quarter', '3 months'), ('month', '1 month'), ('week', '7 days'), ('day', '1 day'), ('dow', '1 day'),
        ('doy', '1 day'), ('hour', '1 hour'), ('minute', '1 minute'), ('second', '1 second'),
        ('milliseconds', '1 millisecond'), ('microseconds', '1 microsecond')
    loop
        execute format($f$
            create function redshift.dateadd_%1$s(amount float8, moment timestamp) returns timestamp immutable
            return moment + pg_catalog.trunc(amount) * interval %2$L;
            create function redshift.dateadd_%1$s(amount float8, moment timestamptz) returns timestamptz stable
            return moment + pg_catalog.trunc(amount) * interval %2$L;
            create function redshift.dateadd_%1$s(amount float8, moment date) returns timestamp immutable
            return moment + pg_catalog.trunc(amount) * interval %2$L;
            create function redshift.dateadd_%1$s(amount float8, moment time) returns time immutable
            return moment + pg_catalog.trunc(amount) * interval %2$L;
            create function redshift.dateadd_%1$s(amount float8, moment timetz) returns timetz immutable
            return (moment at time zone 'UTC') + pg_catalog.trunc(amount) * interval %2$L;
        $f$, part, step);
        -- A year after 29 February is 1 March, unlike twelve months after it.
        if step like '%year%' then
            execute format($f$
                create or replace function redshift.dateadd_%1$s(amount float8, moment timestamp) returns timestamp immutable
                return moment + case when date_part('day', moment) = 29
                    and date_part('day', moment + pg_catalog.trunc(amount) * interval %2$L) = 28
                    then interval '1 day' else interval '0' end + pg_catalog.trunc(amount) * interval %2$L;
                create or replace function redshift.dateadd_%1$s(amount float8, moment date) returns timestamp immutable
                return redshift.dateadd_%1$s(amount, moment::timestamp);
                create or replace function redshift.dateadd_%1$s(amount float8, moment timestamptz) returns timestamptz stable
                return redshift.dateadd_%1$s(amount, moment::timestamp)::timestamptz;
            $f$, part, step);
        end if;
    end loop;
end
$$;

-- How many boundaries of the part lie between two times: 23:59 to 00:01 is one day. Weeks begin on Sunday here.
do $$
declare
    part text;
    place text;
begin
    for part, place in values
        ('millennium', 'floor((date_part(''year'', %1$s) - 1) / 1000)'),
        ('century', 'floor((date_part(''year'', %1$s) - 1) / 100)'),
        ('decade', 'floor(date_part(''year'', %1$s) / 10)'),
        ('year', 'date_part(''year'', %1$s)'),
        ('quarter', '(date_part(''year'', %1$s) * 4 + date_part(''quarter'', %1$s))'),
        ('month', '(date_part(''year'', %1$s) * 12 + date_part(''month'', %1$s))'),
        ('week', '((%1$s::date - date ''0001-01-07'') / 7)'),
        ('day', '%1$s::date'), ('dow', '%1$s::date'), ('doy', '%1$s::date'),
        ('hour', 'floor(date_part(''epoch'', %1$s) / 3600)'),
        ('minute', 'floor(date_part(''epoch'', %1$s) / 60)'),
        ('second', 'floor(date_part(''epoch'', %1$s))'),
        ('milliseconds', 'floor(extract(epoch from %1$s) * 1000)'),
        ('microseconds', 'floor(extract(epoch from %1$s) * 1000000)')
    loop
        execute format($f$
            create function redshift.datediff_%1$s(timestamp, timestamp) returns bigint immutable return (%3$s - %2$s)::bigint;
            create function redshift.datediff_%1$s(date, date) returns bigint immutable return (%3$s - %2$s)::bigint;
            create function redshift.datediff_%1$s(timestamptz, timestamptz) returns bigint stable
            return redshift.datediff_%1$s($1::timestamp, $2::timestamp);
            create function redshift.datediff_%1$s(time, time) returns bigint immutable
            return redshift.datediff_%1$s(date '2000-01-01' + $1, date '2000-01-01' + $2);
            create function redshift.datediff_%1$s(timetz, timetz) returns bigint immutable
            return redshift.datediff_%1$s(($1 at time zone 'UTC')::time, ($2 at time zone 'UTC')::time);
        $f$, part, format(place, '$1'), format(place, '$2'));
    end loop;
end
$$;

-- DATE_PART gives a number with its fraction, EXTRACT the part alone and whole.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html
do $$
declare
    part text;
    moment text;
    found text;
    whole text;
begin
    for part in values ('millennium'), ('century'), ('decade'), ('year'), ('quarter'), ('month'), ('week'), ('day'), ('dow'),
        ('doy'), ('hour'), ('minute'), ('second'), ('milliseconds'), ('microseconds'), ('epoch'), ('timezone'),
        ('timezone_hour'), ('timezone_minute')
    loop
        foreach moment in array array['timestamp', 'timestamptz', 'date', 'time', 'timetz'] loop
            continue when part ~ '^(millennium|century|decade|year|quarter|month|week|day|dow|doy)$' and moment in ('time', 'timetz');
            continue when part like 'timezone%' and moment not in ('timestamptz', 'timetz');
            continue when part ~ '^(hour|minute|second|milliseconds|microseconds)$' and moment = 'date';
            found := format('pg_catalog.date_part(%L, $1)', part);
            -- The first decade began with the year 1; a second's parts do not hold the second.
            found := case part when 'decade' then found || ' + 1'
                               when 'milliseconds' then format('(%s::numeric %% 1000)::float8', found)
                               when 'microseconds' then format('(%s::bigint %% 1000000)::float8', found) else found end;
            whole := case part when 'epoch' then 'bigint' else 'int' end;
            execute format($f$
                create function redshift.pgdate_part_%1$s(%2$s) returns float8 immutable return %3$s;
                create function redshift.extract_%1$s(%2$s) returns %4$s immutable return %5$s;
            $f$, part, moment, found, case moment when 'timestamptz' then 'float8' else whole end,
                case moment when 'timestamptz' then found else format('floor(%s)::%s', found, whole) end);
        end loop;
    end loop;
end
$$;

-- PostgreSQL would turn a date into a timestamp with time zone first.
create function redshift.date_trunc(part text, value date) returns timestamp immutable
return pg_catalog.date_trunc(part, value::timestamp);

create function redshift.trunc(value timestamp) returns date immutable return value::date;

create function redshift.last_day(value timestamp) returns date immutable
return (date_trunc('month', value) + interval '1 month - 1 day')::date;

-- The last day of a month stays the last day: 28 February plus one month is 31 March, the day before the first of April.
-- Of any other day, the month after it and the month after the next day less a day are the same, or the second is earlier.
create function redshift.add_months(value timestamp, months bigint) returns timestamp immutable
return greatest(value + months * interval '1 month',
                value + interval '1 day' + months * interval '1 month' - interval '1 day');
create function redshift.add_months(value date, months bigint) returns timestamp immutable
return greatest(value + months * interval '1 month', (value + 1) + months * interval '1 month' - interval '1 day');

create function redshift.months_between(later timestamp, earlier timestamp) returns float8 immutable
return redshift.datediff_month(earlier, later) + case
    when date_part('day', later) = date_part('day', earlier) then 0
    when date_part('day', later) >= 28 and later::date = redshift.last_day(later) and earlier::date = redshift.last_day(earlier) then 0
    else (date_part('day', later) - date_part('day', earlier)
          + (date_part('epoch', later::time) - date_part('epoch', earlier::time)) / 86400) / 31
end;

create function redshift.next_day(value timestamp, weekday text) returns date immutable
return value::date + ((array_position(array['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'], left(lower(weekday), 2)) - 1
                       - date_part('dow', value)::int + 6) % 7) + 1;

create function redshift.date_part_year(value timestamp) returns int immutable return date_part('year', value)::int;

-- The same of timestamps with time zone.
create function redshift.trunc(value timestamptz) returns date stable return value::date;
create function redshift.last_day(value timestamptz) returns date stable return redshift.last_day(value::timestamp);
create function redshift.add_months(value timestamptz, months bigint) returns timestamp stable
return redshift.add_months(value::timestamp, months);
create function redshift.months_between(later timestamptz, earlier timestamptz) returns float8 stable
return redshift.months_between(later::timestamp, earlier::timestamp);
create function redshift.next_day(value timestamptz, weekday text) returns date stable
return redshift.next_day(value::timestamp, weekday);
create function redshift.date_part_year(value timestamptz) returns int stable
return redshift.date_part_year(value::timestamp);

-- A zone may have a blank before its offset: 'NEWZONE +2'.
create function redshift.zone(name text) returns text immutable return replace(name, ' ', '');
create function redshift.convert_timezone(target text, value timestamp) returns timestamp immutable
return value at time zone 'UTC' at time zone redshift.zone(target);
create function redshift.convert_timezone(source text, target text, value timestamp) returns timestamp immutable
return value at time zone redshift.zone(source) at time zone redshift.zone(target);

do $$
declare
    first text;
    second text;
begin
    foreach first in array array['date', 'timestamp', 'timestamptz'] loop
        foreach second in array array['date', 'timestamp', 'timestamptz'] loop
            execute format('create function redshift.%1$s(%2$s, %3$s) returns int stable return
                               case when $1 > $2 then 1 when $1 < $2 then -1 when $1 = $2 then 0 end',
                           first || '_cmp' || case when first = second then '' else '_' || second end, first, second);
        end loop;
    end loop;
end
$$;
create function redshift.interval_cmp(interval, interval) returns int immutable
return case when $1 > $2 then 1 when $1 < $2 then -1 when $1 = $2 then 0 end;

-- Texts to dates and back ---------------------------------------------------------------------------------------------

-- A day that its month does not have, or an hour that the day does not have, runs on into the next.
create function redshift.overflowing(value text, format text) returns timestamp language plpgsql immutable as $$
declare
    pattern text := regexp_replace(format, '([.*+?()\[\]|^$\\/])', '\\\1', 'g');
    names text[] := '{}';
    fields text[];
    found jsonb := '{"yyyy": 1, "mm": 1, "dd": 1, "hh24": 0, "mi": 0, "ss": 0}';
    name text;
begin
    for name in select lower(part[1]) from regexp_matches(format, 'YYYY|MM|DD|HH24|MI|SS', 'gi') as parts(part) loop
        names := names || name;
        pattern := regexp_replace(pattern, name, case name when 'yyyy' then '(\\d{4})' else '(\\d{1,2})' end, 'i');
    end loop;
    fields := regexp_match(value, pattern);
    if fields is null then
        raise exception 'date/time field value out of range: "%"', value using errcode = 'datetime_field_overflow';
    end if;
    for place in 1 .. cardinality(names) loop
        found := found || jsonb_build_object(names[place], fields[place]::int);
    end loop;
    return make_timestamp((found ->> 'yyyy')::int, (found ->> 'mm')::int, 1, 0, 0, 0)
           + make_interval(days => (found ->> 'dd')::int - 1, hours => (found ->> 'hh24')::int,
                           mins => (found ->> 'mi')::int, secs => (found ->> 'ss')::int);
end
$$;
create function redshift.lenient_timestamp(value text, format text) returns timestamptz language plpgsql stable as $$
begin
    return pg_catalog.to_timestamp(value, format);
exception when datetime_field_overflow then
    return redshift.overflowing(value, format);
end
$$;
create function redshift.lenient_date(value text, format text) returns date language plpgsql stable as $$
begin
    return pg_catalog.to_date(value, format);
exception when datetime_field_overflow then
    return redshift.overflowing(value, format)::date;
end
$$;
create function redshift.to_date(value text, format text, is_strict boolean default false) returns date stable
return case
    when is_strict then pg_catalog.to_date(value, format)
    -- What is a date for certain needs no second try, which costs several times as much.
    when upper(format) = 'YYYYMMDD' and length(value) = 8 and pg_input_is_valid(value, 'date') then pg_catalog.to_date(value, format)
    when upper(format) = 'YYYY-MM-DD' and pg_input_is_valid(value, 'date') then pg_catalog.to_date(value, format)
    else redshift.lenient_date(value, format) end;
create function redshift.to_timestamp(value text, format text, is_strict boolean default false) returns timestamptz stable
return case
    when is_strict then pg_catalog.to_timestamp(value, format)
    when upper(format) = 'YYYY-MM-DD' and pg_input_is_valid(value, 'date') then pg_catalog.to_timestamp(value, format)
    when upper(format) = 'YYYY-MM-DD HH24:MI:SS' and pg_input_is_valid(value, 'timestamp') and substr(value, 12, 2) < '24'
         and substr(value, 18, 2) < '60' then pg_catalog.to_timestamp(value, format)
    else redshift.lenient_timestamp(value, format) end;

-- A timestamp's zone is the session's.
create function redshift.to_char(value timestamp, format text) returns text stable
return case when strpos(format, 'TZ') + strpos(format, 'tz') + strpos(format, 'OF') = 0 then pg_catalog.to_char(value, format)
            else pg_catalog.to_char(value::timestamptz, format) end;
create function redshift.to_char(value date, format text) returns text stable
return redshift.to_char(value::timestamp, format);
