-- Behind rewritten statements.

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
