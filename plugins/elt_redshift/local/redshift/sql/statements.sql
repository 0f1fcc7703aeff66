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

-- Asks the process that owns this server (see exchange.py) and waits for its answer, lines of JSON. The first may be an
-- error.
create function redshift.ask(kind text, request jsonb, patience interval default '10 minutes') returns text language plpgsql as $$
declare
    id constant uuid := gen_random_uuid();
    deadline constant timestamptz := clock_timestamp() + patience;
    answer text;
begin
    raise notice using message = 'elt.ask', detail = request || jsonb_build_object('id', id, 'kind', kind);
    loop
        answer := redshift.answer(id);
        exit when answer is not null;
        if clock_timestamp() > deadline then
            raise exception 'The process that owns this server did not answer in time.'
                using hint = 'Only what comes through the Data API can ask it.';
        end if;
        perform pg_sleep(0.001);
    end loop;
    if answer like '{"error": %' then
        raise exception '%', split_part(answer, chr(10), 1)::jsonb ->> 'error';
    end if;
    return answer;
end
$$;

-- The columns of a query as JSON, [name, type]; NULL when it cannot be run.
create function redshift.described(query text) returns jsonb language plpgsql as $$
declare
    columns jsonb;
begin
    execute 'create temp view elt_described as ' || query;
    select jsonb_agg(jsonb_build_array(attname, atttypid::bigint) order by attnum) into columns
    from pg_attribute where attrelid = 'pg_temp.elt_described'::regclass and attnum > 0;
    drop view pg_temp.elt_described;
    return columns;
exception when others then
    return null;
end
$$;

-- The text of an EXECUTE that is put together at run time, in PostgreSQL's words.
create function redshift.dynamic_sql(statement text) returns text language plpgsql as $$
declare
    known jsonb := '{}';
    answer jsonb;
begin
    loop
        answer := redshift.ask('translate', jsonb_build_object('statement', statement, 'known', known));
        exit when answer ? 'sql';
        known := known || jsonb_build_object(answer ->> 'describe', redshift.described(answer ->> 'describe'));
    end loop;
    return answer ->> 'sql';
end
$$;

-- COPY from S3 inside a procedure: inserts, with the caller's rights, the rows that this process's owner reads. The answer is
-- a line of JSON about the load, then one for each row.
create function redshift.copy_into(target text, statement text) returns void language plpgsql as $$
declare
    columns jsonb;
    answer text;
    head text;
begin
    select jsonb_agg(jsonb_build_array(attname, format_type(atttypid, atttypmod), attidentity, attnotnull) order by attnum)
    into columns
    from pg_attribute where attrelid = target::regclass and attnum > 0 and not attisdropped;
    answer := redshift.ask('copy', jsonb_build_object('statement', statement, 'columns', columns));
    head := split_part(answer, chr(10), 1);
    execute redshift.insertion(target::regclass, head::jsonb -> 'columns') using substr(answer, length(head) + 2);
exception when data_exception then
    raise exception 'Load into table ''%'' failed.  Check ''stl_load_errors'' system table for details.', target
        using detail = sqlerrm;
end
$$;

-- UNLOAD inside a procedure: runs the query, and hands on its rows.
create function redshift.unload_from(statement text) returns void language plpgsql as $$
declare
    query constant text := redshift.dynamic_sql(redshift.ask('unload', jsonb_build_object('statement', statement))::jsonb ->> 'query');
    found jsonb;
begin
    execute format('select jsonb_agg(rows_::text) from (%s) as rows_', query) into found;
    perform redshift.ask('unload', jsonb_build_object('statement', statement, 'rows', found, 'columns', redshift.described(query)));
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

-- REFRESH MATERIALIZED VIEW … CASCADE: the materialized views that it reads go first.
create function redshift.refresh_cascade(view regclass) returns void language plpgsql as $$
declare
    parent regclass;
begin
    for parent in
        select distinct c.oid from pg_rewrite r
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
        join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind = 'm'
        where r.ev_class = view and c.oid <> view
    loop
        perform redshift.refresh_cascade(parent);
    end loop;
    execute format('refresh materialized view %s', view);
end
$$;

-- Everybody may create in the schema public: https://docs.aws.amazon.com/redshift/latest/dg/r_Schemas_and_tables.html
grant create on schema public to public;
