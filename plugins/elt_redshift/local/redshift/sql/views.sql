-- Views WITH NO SCHEMA BINDING: https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html
-- PostgreSQL binds a view to its tables. So the text of such a view is kept; before a table changes, the views that read it
-- are taken away, and behind every such statement those are put back whose tables are there.

create table redshift.late_views (schema_name name, view_name name, definition text not null, path text not null,
                                  rights aclitem[], primary key (schema_name, view_name));
grant select, insert, update, delete on redshift.late_views to public;

create function redshift.late_view(schema_name name, view_name name) returns regclass stable
return to_regclass(format('%I.%I', schema_name, view_name));
-- Schema and name of what a statement names, there or not.
create function redshift.qualified(named text) returns name[] stable
return case when cardinality(parse_ident(named)) > 1 then parse_ident(named)::name[]
            else array[coalesce((select relnamespace::regnamespace::text::name from pg_catalog.pg_class where oid = to_regclass(named)),
                                (select v.schema_name from redshift.late_views v where v.view_name = (parse_ident(named))[1]
                                 order by array_position(current_schemas(false), v.schema_name) limit 1),
                                current_schema()), (parse_ident(named))[1]::name] end;

create function redshift.grant_again(target regclass, rights aclitem[]) returns void language plpgsql as $$
declare
    entry record;
begin
    for entry in select privilege_type, grantee from aclexplode(rights) where grantee <> grantor loop
        execute format('grant %s on %s to %s', entry.privilege_type, target,
                       case entry.grantee when 0 then 'public' else entry.grantee::regrole::text end);
    end loop;
end
$$;

-- Puts back the views whose tables are there: the ones that other ones read come first.
create function redshift.rebind() returns void language plpgsql as $$
declare
    path constant text := current_setting('search_path');
    missing redshift.late_views;
    bound int;
begin
    delete from redshift.late_views v where to_regnamespace(quote_ident(v.schema_name)) is null;
    loop
        bound := 0;
        for missing in select * from redshift.late_views v where redshift.late_view(v.schema_name, v.view_name) is null loop
            begin
                perform set_config('search_path', missing.path, true);
                execute format('create view %I.%I %s', missing.schema_name, missing.view_name, missing.definition);
                perform redshift.grant_again(redshift.late_view(missing.schema_name, missing.view_name), missing.rights);
                bound := bound + 1;
            exception when others then
                null; -- read, it says that it is not there
            end;
        end loop;
        exit when bound = 0;
    end loop;
    perform set_config('search_path', path, true);
end
$$;

-- Takes away the late binding views that read a table, and what it is called from now on, when it is one of them itself.
create function redshift.unbind(named text, renamed text default null) returns void language plpgsql as $$
declare
    target constant regclass := to_regclass(named);
    reader record;
begin
    if not exists (select from redshift.late_views) then
        return;
    end if;
    for reader in
        with recursive readers(oid, depth) as (
            select target::oid, 0
            union
            select r.ev_class, readers.depth + 1 from readers
            join pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = readers.oid and d.classid = 'pg_rewrite'::regclass
            join pg_rewrite r on r.oid = d.objid and r.ev_class <> readers.oid
        )
        select v.schema_name, v.view_name from readers
        join redshift.late_views v on redshift.late_view(v.schema_name, v.view_name) = readers.oid
        where readers.depth > 0 group by 1, 2 order by max(readers.depth) desc
    loop
        update redshift.late_views v set rights = (
            select relacl from pg_catalog.pg_class where oid = redshift.late_view(v.schema_name, v.view_name))
        where v.schema_name = reader.schema_name and v.view_name = reader.view_name;
        execute format('drop view if exists %I.%I', reader.schema_name, reader.view_name);
    end loop;
    if renamed is not null then
        update redshift.late_views v set view_name = (parse_ident(renamed))[1]
        where array[v.schema_name, v.view_name] = redshift.qualified(named);
    end if;
end
$$;

create function redshift.create_late_view(named text, definition text, replacing boolean) returns void language plpgsql as $$
declare
    place constant name[] := case when cardinality(parse_ident(named)) > 1 then parse_ident(named)::name[]
                                  else array[current_schema(), (parse_ident(named))[1]::name] end;
begin
    if not replacing and (redshift.late_view(place[1], place[2]) is not null
                          or exists (select from redshift.late_views v where array[v.schema_name, v.view_name] = place)) then
        raise exception 'relation "%" already exists', place[2] using errcode = 'duplicate_table';
    elsif to_regnamespace(quote_ident(place[1])) is null then
        raise exception 'schema "%" does not exist', place[1] using errcode = 'invalid_schema_name';
    end if;
    perform redshift.unbind(format('%I.%I', place[1], place[2]));
    insert into redshift.late_views (schema_name, view_name, definition, path)
    values (place[1], place[2], definition, current_setting('search_path'))
    on conflict (schema_name, view_name) do update set definition = excluded.definition, path = excluded.path;
    execute format('drop view if exists %I.%I', place[1], place[2]);
    begin
        execute format('create view %I.%I %s', place[1], place[2], definition);
    exception when undefined_table or undefined_column or undefined_function then
        null; -- what it reads is not there yet; anything else is wrong with the view itself
    end;
    perform redshift.rebind();
end
$$;

-- A view of this name is bound from now on.
create function redshift.bound(named text) returns void language sql as $$
    delete from redshift.late_views v where array[v.schema_name, v.view_name] = redshift.qualified(named)
$$;
create function redshift.drop_view(named text, optional boolean, behaviour text) returns void language plpgsql as $$
declare
    place constant name[] := redshift.qualified(named);
begin
    perform redshift.unbind(named);
    delete from redshift.late_views v where array[v.schema_name, v.view_name] = place;
    execute format('drop view %s %s %s', case when found or optional then 'if exists' end, named, behaviour);
end
$$;

create function redshift.rebind_late_views() returns event_trigger language plpgsql as $$
begin
    if exists (select from redshift.late_views v where redshift.late_view(v.schema_name, v.view_name) is null)
       and coalesce(current_setting('redshift.rebinding', true), '') <> 'on' then
        perform set_config('redshift.rebinding', 'on', true);
        perform redshift.rebind();
        perform set_config('redshift.rebinding', 'off', true);
    end if;
end
$$;
create event trigger late_views on ddl_command_end
when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'ALTER VIEW', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW',
             'CREATE SCHEMA', 'ALTER SCHEMA', 'DROP SCHEMA', 'CREATE FUNCTION')
execute function redshift.rebind_late_views();

-- What late binding views have: https://docs.aws.amazon.com/redshift/latest/dg/PG_GET_LATE_BINDING_VIEW_COLS.html
create function redshift.pg_get_late_binding_view_cols() returns setof record language sql stable as $$
    select c.nspname, c.relname, c.attname, c.kind::varchar, c.attnum::int
    from redshift.columns_ c join redshift.late_views v on v.schema_name = c.nspname and v.view_name = c.relname
    order by 1, 2, 5
$$;
create function redshift.pg_get_cols(named text) returns setof record language sql stable as $$
    select c.nspname, c.relname, c.attname, c.kind::varchar, c.attnum::int
    from redshift.columns_ c where c.relation = named::regclass order by 5
$$;
