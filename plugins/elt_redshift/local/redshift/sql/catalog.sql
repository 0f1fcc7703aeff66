-- What Redshift's scripts ask about the database and its work: functions, SHOW, and the system views.
-- https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html

create function redshift.version() returns text immutable
return 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (embedded)';
create function redshift.current_user_id() returns int stable
return (select oid::int from pg_roles where rolname = current_user);
create function redshift.setting(name text) returns text stable return nullif(current_setting(name, true), '');
create function redshift.pg_last_copy_count() returns int stable return coalesce(redshift.setting('elt.copy_count'), '0')::int;
create function redshift.pg_last_copy_id() returns int stable return coalesce(redshift.setting('elt.copy_id'), '-1')::int;
create function redshift.pg_last_unload_count() returns int stable return coalesce(redshift.setting('elt.unload_count'), '0')::int;
create function redshift.pg_last_unload_id() returns int stable return coalesce(redshift.setting('elt.unload_id'), '-1')::int;
create function redshift.pg_last_query_id() returns int language sql as $$ select redshift.ask('latest', '{}', '10 seconds')::int $$;
create function redshift.last_user_query_id() returns int language sql as $$ select redshift.pg_last_query_id() $$;
create function redshift.pg_get_session_roles() returns setof record language sql stable as $$
    select rolname, oid::int from pg_roles
    where not rolcanlogin and rolname not like 'pg\\_%' and rolname <> 'elt_exchange' and pg_has_role(oid, 'member')
$$;
create function redshift.user_is_member_of(member name, role name) returns boolean stable return pg_has_role(member, role, 'member');
create function redshift.role_is_member_of(member name, role name) returns boolean stable return pg_has_role(member, role, 'member');

-- What a table was created with and PostgreSQL has no place for.
create table redshift.physical (
    relation oid primary key, diststyle text, distkey text, sortstyle text, sortkeys text[] not null default '{}',
    encodings jsonb not null default '{}', backup boolean not null default true, created timestamp not null default current_timestamp
);
grant select, insert, update on redshift.physical to public;
-- Keeps it, or the parts of it that a later ALTER TABLE names.
create function redshift.keep(target regclass, attributes jsonb, changed boolean default false) returns void language plpgsql as $$
begin
    insert into redshift.physical (relation, diststyle, distkey, sortstyle, sortkeys, encodings, backup)
    values (target, attributes ->> 'diststyle', attributes ->> 'distkey', attributes ->> 'sortstyle',
            array(select jsonb_array_elements_text(coalesce(attributes -> 'sortkeys', '[]'))),
            coalesce(attributes -> 'encodings', '{}'), coalesce((attributes ->> 'backup')::boolean, true))
    on conflict (relation) do update
    set diststyle = case when attributes ? 'diststyle' then excluded.diststyle else physical.diststyle end,
        distkey = case when attributes ? 'distkey' or attributes ? 'diststyle' then excluded.distkey else physical.distkey end,
        sortstyle = case when attributes ? 'sortstyle' then excluded.sortstyle else physical.sortstyle end,
        sortkeys = case when attributes ? 'sortkeys' then excluded.sortkeys else physical.sortkeys end,
        encodings = physical.encodings || excluded.encodings
    where changed;
end
$$;

-- Redshift's own choice of an encoding: sort keys and what does not shrink are raw.
create function redshift.encoding(kind oid, sorts boolean, given text) returns text immutable
return coalesce(nullif(replace(given, 'raw', 'none'), 'auto'), case
    when sorts or kind in (16, 700, 701, 142, 17) then 'none' when kind in (25, 1042, 1043) then 'lzo' else 'az64' end);
create view redshift.columns_ as
select n.nspname, c.oid as relation, c.relname, c.relkind, a.attnum, a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod) as kind,
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid) as expression, a.attidentity,
       coalesce(p.distkey = a.attname, false) as distkey, coalesce(array_position(p.sortkeys, a.attname::text), 0) as sortkey,
       redshift.encoding(a.atttypid, a.attname = any (p.sortkeys), p.encodings ->> a.attname) as encoding,
       coalesce(information_schema._pg_char_max_length(a.atttypid, a.atttypmod), 0) as length, a.atttypmod
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join redshift.physical p on p.relation = c.oid
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm', 'p') and n.nspname not in ('redshift', 'pg_toast');

-- USE: of the database that the connection is to.
create function redshift.use_database(name text) returns void language plpgsql as $$
declare
    database constant text := btrim(name, '"');
begin
    if database <> current_database() then
        raise exception 'USE of another database is not emulated: connect to "%".', database;
    end if;
    perform set_config('redshift.use_', database, false);
end
$$;

-- SHOW ----------------------------------------------------------------------------------------------------------------

create function redshift.show_view(name regclass) returns table ("Show View DDL statement" text) language sql stable as $$
    select ltrim(pg_get_viewdef(name))
$$;
-- The procedure that a statement means. Those of its types that are at the end and only go out may be left out; no types at
-- all will do for a name that is there once.
create function redshift.procedure_named(name text, kinds text[]) returns regprocedure language plpgsql stable as $$
declare
    path constant text[] := parse_ident(name);
    given constant oid[] := kinds::regtype[]::oid[];
    found constant regprocedure[] := array(
        select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where p.prokind = 'p' and p.proname = path[cardinality(path)]
          and case cardinality(path) when 1 then pg_function_is_visible(p.oid) else n.nspname = path[cardinality(path) - 1] end
          and (given is null or cardinality(given) between p.pronargs - p.pronargdefaults and p.pronargs
               and (p.proargtypes::oid[])[0:cardinality(given) - 1] = given)
        order by p.pronargs);
    written constant text := name || coalesce('(' || array_to_string(kinds::regtype[], ', ') || ')', '');
begin
    if cardinality(found) = 0 then
        raise exception 'procedure % does not exist', written using errcode = 'undefined_function';
    elsif kinds is null and cardinality(found) > 1 then
        raise exception 'procedure name "%" is not unique', name using errcode = 'ambiguous_function';
    end if;
    return found[1];
end
$$;
create function redshift.show_procedure(name text, kinds text[]) returns table ("Show Stored Procedure DDL statement" text)
language sql stable as $$
    select replace(pg_get_functiondef(redshift.procedure_named(name, kinds)), e'#variable_conflict use_variable\n', '')
$$;
create function redshift.show_table(name regclass) returns table ("Show Table DDL statement" text) language sql stable as $$
    select format(e'CREATE TABLE %s (\n%s\n)\nDISTSTYLE %s%s%s;', name,
                  (select string_agg(format('    %s %s%s%s ENCODE %s%s', quote_ident(attname), kind,
                                            case when attnotnull then ' NOT NULL' else '' end,
                                            ' DEFAULT ' || expression, replace(encoding, 'none', 'raw'),
                                            case when distkey then ' distkey' else '' end), e',\n' order by attnum)
                   from redshift.columns_ where relation = name),
                  coalesce(upper(p.diststyle), case when p.distkey is null then 'AUTO' else 'KEY' end), e'\nDISTKEY (' || p.distkey || ')',
                  e'\nSORTKEY (' || nullif(array_to_string(p.sortkeys, ', '), '') || ')')
    from (select) as one left join redshift.physical p on p.relation = name
$$;
create function redshift.show_databases(scope text, pattern text) returns table (database_name name, database_owner int) language sql stable as $$
    select datname, datdba::int from pg_database where not datistemplate and datname <> 'postgres' and datname like pattern order by 1
$$;
create function redshift.show_schemas(scope text, pattern text)
returns table (database_name name, schema_name name, schema_owner int, schema_type text) language sql stable as $$
    select current_database(), nspname, nspowner::int, 'local' from pg_namespace
    where nspname not like 'pg\\_%' and nspname not in ('redshift', 'information_schema') and nspname like pattern order by 2
$$;
create function redshift.show_tables(scope text, pattern text)
returns table (database_name name, schema_name name, table_name name, table_type text) language sql stable as $$
    select current_database(), n.nspname, c.relname, case c.relkind when 'r' then 'TABLE' else 'VIEW' end
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = scope and c.relkind in ('r', 'v', 'm') and c.relname like pattern order by 3
$$;
create function redshift.show_columns(scope text, pattern text)
returns table (database_name name, schema_name name, table_name name, column_name name, ordinal_position int, column_default text,
               is_nullable text, data_type text) language sql stable as $$
    select current_database(), nspname, relname, attname, attnum::int, expression, case when attnotnull then 'NO' else 'YES' end, kind
    from redshift.columns_ where relation = scope::regclass and attname like pattern order by 5
$$;

-- Tables and columns --------------------------------------------------------------------------------------------------

create view pg_catalog.pg_table_def as
select nspname as schemaname, relname as tablename, attname as "column", kind as type, encoding, distkey, sortkey, attnotnull as "notnull"
from redshift.columns_
where relkind = 'r' and nspname::text = any (current_schemas(false));

create view pg_catalog.svv_tables as
select current_database() as table_catalog, n.nspname as table_schema, c.relname as table_name,
       case when c.relkind in ('v', 'm') then 'VIEW' when c.relpersistence = 't' then 'LOCAL TEMPORARY' else 'BASE TABLE' end as table_type,
       obj_description(c.oid, 'pg_class') as remarks
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm') and n.nspname not in ('redshift', 'pg_toast');

create view pg_catalog.svv_columns as
select current_database() as table_catalog, nspname as table_schema, relname as table_name, attname as column_name,
       attnum::int as ordinal_position, expression as column_default, case when attnotnull then 'NO' else 'YES' end as is_nullable,
       format_type(atttypid, null) as data_type, nullif(length, 0) as character_maximum_length,
       information_schema._pg_numeric_precision(atttypid, atttypmod)::int as numeric_precision,
       information_schema._pg_numeric_precision_radix(atttypid, atttypmod)::int as numeric_precision_radix,
       information_schema._pg_numeric_scale(atttypid, atttypmod)::int as numeric_scale,
       information_schema._pg_datetime_precision(atttypid, atttypmod)::int as datetime_precision,
       null::text as interval_type, null::text as interval_precision, null::text as character_set_catalog,
       null::text as character_set_schema, null::text as character_set_name, null::text as collation_catalog,
       null::text as collation_schema, null::text as collation_name, null::text as domain_name,
       col_description(relation, attnum) as remarks
from redshift.columns_;

create view pg_catalog.svv_redshift_databases as
select datname as database_name, datdba::int as database_owner, 'local' as database_type, null::text as database_acl,
       null::text as database_options, 'Snapshot Isolation' as database_isolation_level
from pg_database where not datistemplate and datname <> 'postgres';
create view pg_catalog.svv_redshift_schemas as
select current_database() as database_name, nspname as schema_name, nspowner::int as schema_owner, 'local' as schema_type,
       nspacl::text as schema_acl, null::text as schema_option
from pg_namespace where nspname not like 'pg\\_%' and nspname <> 'redshift';
create view pg_catalog.svv_all_schemas as
select database_name, schema_name, schema_owner, schema_type, schema_acl, null::text as source_database, schema_option
from pg_catalog.svv_redshift_schemas;
create view pg_catalog.svv_redshift_tables as
select table_catalog as database_name, table_schema as schema_name, table_name,
       case table_type when 'VIEW' then 'VIEW' else 'TABLE' end as table_type, null::text as table_acl, remarks
from pg_catalog.svv_tables where table_schema not like 'pg\\_%';
create view pg_catalog.svv_all_tables as select * from pg_catalog.svv_redshift_tables;
create view pg_catalog.svv_redshift_columns as
select current_database() as database_name, nspname as schema_name, relname as table_name, attname as column_name,
       attnum::int as ordinal_position, kind as data_type, expression as column_default,
       case when attnotnull then 'NO' else 'YES' end as is_nullable, encoding, distkey, sortkey, null::text as column_acl,
       col_description(relation, attnum) as remarks
from redshift.columns_ where nspname not like 'pg\\_%';
create view pg_catalog.svv_all_columns as
select database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
       null::int as character_maximum_length, null::int as numeric_precision, null::int as numeric_scale, remarks
from pg_catalog.svv_redshift_columns;

-- The rows of a table, counted.
create function redshift.row_count(relation oid) returns bigint language plpgsql stable as $$
declare
    found bigint;
begin
    execute format('select count(*) from %s', relation::regclass) into found;
    return found;
end
$$;
create view redshift.tables_ as
select n.nspname, c.oid, c.relname, redshift.row_count(c.oid) as rows, p.diststyle, p.distkey, p.sortkeys, p.created, p.encodings,
       greatest(1, ceil(pg_total_relation_size(c.oid) / 1048576.0))::bigint as size,
       case when p.diststyle is null and p.distkey is null then 'AUTO(ALL)' when p.distkey is not null then format('KEY(%s)', p.distkey)
            else upper(p.diststyle) end as style
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join redshift.physical p on p.relation = c.oid
where c.relkind = 'r' and n.nspname not like 'pg\\_%' and n.nspname not in ('redshift', 'information_schema');
-- A table without rows is not in it, as in Redshift's.
create view pg_catalog.svv_table_info as
select current_database() as database, nspname as schema, oid::int as table_id, relname as "table",
       case when encodings = '{}' then 'Y, AUTO(ENCODE)' else 'Y' end as encoded, style as diststyle,
       coalesce(sortkeys[1], 'AUTO(SORTKEY)') as sortkey1,
       (select max(length) from redshift.columns_ k where k.relation = t.oid and k.atttypid = 1043) as max_varchar,
       (select encoding from redshift.columns_ k where k.relation = t.oid and k.sortkey = 1) as sortkey1_enc,
       coalesce(cardinality(sortkeys), 0) as sortkey_num, size, 0.0::numeric(10,4) as pct_used, 0::bigint as empty,
       0::numeric(5,2) as unsorted, 0::numeric(5,2) as stats_off, rows::numeric(38,0) as tbl_rows, null::numeric(19,2) as skew_sortkey1,
       null::numeric(19,2) as skew_rows, rows::numeric(38,0) as estimated_visible_rows, null::text as risk_event,
       null::numeric(12,2) as vacuum_sort_benefit, created as create_time
from redshift.tables_ t where rows > 0;
create view pg_catalog.stv_tbl_perm as
select 0 as slice, oid::int as id, relname::char(72) as name, rows, rows as sorted_rows, 0 as temp,
       (select oid::int from pg_database where datname = current_database()) as db_id, 0 as insert_pristine, 0 as delete_pristine, 1 as backup
from redshift.tables_;
create view pg_catalog.pg_class_info as
select c.oid, c.relname, c.relnamespace, c.relowner, c.relkind, c.reltuples,
       case when p.distkey is not null then 1 when lower(p.diststyle) = 'even' then 0 when lower(p.diststyle) = 'all' then 8 else 10 end as reldiststyle,
       case when p.distkey is not null then 1 else 10 end as releffectivediststyle, p.created as relcreationtime
from pg_class c left join redshift.physical p on p.relation = c.oid;
create view pg_catalog.pg_attribute_info as
select relation as attrelid, attname, atttypid, attnum, attnotnull, distkey as attisdistkey, sortkey as attsortkeyord, null::aclitem[] as attacl
from redshift.columns_;
create view pg_catalog.pg_database_info as
select datname, oid as datid, datdba, 'UNLIMITED'::text as datconnlimit from pg_database;

-- Users and rights ----------------------------------------------------------------------------------------------------

create view pg_catalog.pg_user_info as
select usename, usesysid, usecreatedb, usesuper, false as usecatupd, passwd, valuntil, useconfig, 'UNLIMITED'::text as useconnlimit,
       'RESTRICTED'::text as syslogaccess, null::timestamp as last_ddl_ts, 0 as sessiontimeout, null::text as external_user_id
from pg_user;
create view pg_catalog.svl_user_info as
select usename, usesysid, usecreatedb, usesuper, usecatupd, useconnlimit, syslogaccess, last_ddl_ts, sessiontimeout, external_user_id
from pg_catalog.pg_user_info;
create view pg_catalog.svv_user_info as
select usesysid as user_id, usename as user_name, usecreatedb as createdb, usesuper as superuser, usecatupd as catalog_update,
       useconnlimit as connection_limit, syslogaccess as syslog_access, last_ddl_ts as last_ddl_timestamp, sessiontimeout as session_timeout,
       external_user_id
from pg_catalog.pg_user_info;
create view pg_catalog.svv_roles as
select oid::int as role_id, rolname as role_name, 'awsuser'::text as role_owner, null::text as external_id
from pg_roles where not rolcanlogin and rolname not like 'pg\\_%' and rolname not in ('postgres', 'elt_exchange');
create view pg_catalog.svv_user_grants as
select u.oid::int as user_id, u.rolname as user_name, r.oid::int as role_id, r.rolname as role_name, m.admin_option
from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member
where u.rolcanlogin and u.rolname <> 'awsuser' and r.rolname not like 'pg\\_%';
create view pg_catalog.svv_role_grants as
select u.oid::int as role_id, u.rolname as role_name, r.oid::int as granted_role_id, r.rolname as granted_role_name, m.admin_option
from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member
where not u.rolcanlogin and r.rolname not like 'pg\\_%';
create view redshift.rights_ as
select n.nspname as schema, c.relname as name, g.privilege_type as privilege, coalesce(u.oid, 0)::int as identity_id,
       coalesce(u.rolname, 'public') as identity_name, case when u.oid is null then 'public' when u.rolcanlogin then 'user' else 'role' end as identity_type,
       g.is_grantable as admin_option, c.relkind as kind
from (select oid, relnamespace, relname, relkind, relacl from pg_class where relkind in ('r', 'v', 'm')
      union all select oid, oid, nspname, 'n', nspacl from pg_namespace) as c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(c.relacl) as g
left join pg_roles u on u.oid = g.grantee
where n.nspname not like 'pg\\_%' and n.nspname not in ('redshift', 'information_schema') and coalesce(u.rolname, '') <> 'awsuser';
create view pg_catalog.svv_relation_privileges as
select schema as namespace_name, name as relation_name, privilege as privilege_type, identity_id, identity_name, identity_type, admin_option
from redshift.rights_ where kind <> 'n';
create view pg_catalog.svv_schema_privileges as
select schema as namespace_name, privilege as privilege_type, identity_id, identity_name, identity_type, admin_option
from redshift.rights_ where kind = 'n';

-- What is going on ----------------------------------------------------------------------------------------------------

create view pg_catalog.stv_sessions as
select backend_start::timestamp as starttime, pid as process, usename::char(50) as user_name, datname::char(50) as db_name, 0 as timeout
from pg_stat_activity where datname is not null;
create view pg_catalog.svv_transactions as
select a.usename as txn_owner, a.datname as txn_db, coalesce(l.transactionid::text::bigint, 0) as xid, l.pid, a.xact_start::timestamp as txn_start,
       l.mode as lock_mode, case l.locktype when 'relation' then 'relation' else 'transactionid' end as lockable_object_type,
       l.relation::int as relation, l.granted
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype in ('relation', 'transactionid') and a.datname is not null;
create view pg_catalog.stv_locks as
select l.relation::int as table_id, a.xact_start::timestamp as last_update, a.xact_start::timestamp as last_commit, l.pid as lock_owner_pid,
       l.pid::bigint as lock_owner, a.xact_start::timestamp as lock_owner_start_ts, null::timestamp as lock_owner_end_ts,
       case when l.granted then 'Holding write lock' else 'Waiting for lock' end as lock_status
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation' and l.mode like '%Exclusive%' and l.relation >= 16384;
create view pg_catalog.stv_slices as select 0 as node, 0 as slice, 0 as localslice, 'D'::char(1) as type;

-- The statements of the Data API: the process that runs them keeps them, and is asked.
create function redshift.history(kind text) returns setof jsonb language sql as $$
    select line::jsonb from string_to_table(redshift.ask(kind, '{}', '10 seconds'), chr(10)) as lines(line) where line <> ''
$$;
create view redshift.queries_ as
select (h ->> 'query')::int as query, (h ->> 'pid')::int as pid, h ->> 'database' as database, h ->> 'user' as user_name,
       (h ->> 'start')::timestamp as started, (h ->> 'end')::timestamp as ended, (h ->> 'elapsed')::bigint as elapsed, h ->> 'status' as status,
       h ->> 'sql' as sql, h ->> 'error' as error, (h ->> 'rows')::bigint as rows, h ->> 'label' as label, h ->> 'type' as type,
       (select oid::int from pg_roles where rolname = 'awsuser') as userid
from redshift.history('history') as h;
create view pg_catalog.sys_query_history as
select userid as user_id, query::bigint as query_id, label::varchar(320) as query_label, query::bigint as transaction_id, pid as session_id,
       database::varchar(128) as database_name, type::varchar(32) as query_type, status::varchar(10) as status, false as result_cache_hit,
       started as start_time, ended as end_time, elapsed as elapsed_time, 0::bigint as queue_time, elapsed as execution_time,
       error::varchar(512) as error_message, rows as returned_rows, 0::bigint as returned_bytes, left(sql, 4000)::varchar(4000) as query_text,
       'embedded'::varchar(256) as redshift_version, null::varchar(150) as usage_limit, 'primary'::varchar(256) as compute_type,
       0::bigint as compile_time, 0::bigint as planning_time, 0::bigint as lock_wait_time, 100 as service_class_id,
       'Default queue'::varchar(64) as service_class_name, 'normal'::varchar(20) as query_priority, 'false'::varchar(5) as short_query_accelerated
from redshift.queries_;
create view pg_catalog.sys_query_text as
select userid as user_id, query::bigint as query_id, query::bigint as transaction_id, pid as session_id, started as start_time, 0 as sequence,
       sql::varchar(65535) as text
from redshift.queries_;
create view pg_catalog.stl_query as
select userid, query, coalesce(label, 'default')::char(320) as label, query::bigint as xid, pid, database::char(32) as database,
       left(sql, 4000)::char(4000) as querytxt, started as starttime, ended as endtime, case when status in ('failed', 'canceled') then 1 else 0 end as aborted,
       0 as insert_pristine, 0 as concurrency_scaling_status
from redshift.queries_ where status not in ('running', 'queued');
create view pg_catalog.svl_qlog as
select userid, query, query::bigint as xid, pid, started as starttime, ended as endtime, elapsed,
       case when status in ('failed', 'canceled') then 1 else 0 end as aborted, coalesce(label, 'default')::char(320) as label,
       left(sql, 60)::char(60) as substring, null::int as source_query, null::text as concurrency_scaling_status_txt, 0 as from_sp_call
from redshift.queries_ where status not in ('running', 'queued');
create view redshift.texts_ as
select q.*, part as sequence, substr(sql, part * 200 + 1, 200)::char(200) as text
from redshift.queries_ q, generate_series(0, greatest(length(sql) - 1, 0) / 200) as parts(part);
create view pg_catalog.stl_querytext as select userid, query::bigint as xid, pid, query, sequence, text from redshift.texts_;
create view pg_catalog.svl_statementtext as
select userid, query::bigint as xid, pid, coalesce(label, 'default')::char(320) as label, started as starttime, ended as endtime, sequence,
       case when type = 'DDL' then 'DDL' when type in ('UTILITY', 'CALL') then 'UTILITY' else 'QUERY' end::char(10) as type, text
from redshift.texts_;
create view pg_catalog.stl_ddltext as
select userid, query::bigint as xid, pid, coalesce(label, 'default')::char(320) as label, started as starttime, ended as endtime, sequence, text
from redshift.texts_ where type = 'DDL';
create view pg_catalog.stl_utilitytext as
select userid, query::bigint as xid, pid, coalesce(label, 'default')::char(320) as label, started as starttime, ended as endtime, sequence, text
from redshift.texts_ where type in ('UTILITY', 'CALL');
create view pg_catalog.stv_recents as
select userid, case status when 'running' then 'Running' else 'Done' end::char(20) as status, started as starttime, elapsed as duration,
       user_name::char(50) as user_name, database::char(50) as db_name, left(sql, 600)::char(600) as query, case when status = 'running' then pid else -1 end as pid
from redshift.queries_;
create view pg_catalog.stv_inflight as
select userid, 0 as slice, query, coalesce(label, 'default')::char(320) as label, query::bigint as xid, pid, started as starttime,
       left(sql, 100)::char(100) as text, 0 as suspended, 0 as insert_pristine, 0 as concurrency_scaling_status
from redshift.queries_ where status = 'running';
create view pg_catalog.svl_stored_proc_call as
select userid, 0 as session_userid, query, coalesce(label, 'default')::char(320) as label, query::bigint as xid, pid, database::char(32) as database,
       sql::char(4000) as querytxt, started as starttime, ended as endtime, case when status in ('failed', 'canceled') then 1 else 0 end as aborted,
       null::int as from_sp_call
from redshift.queries_ where type = 'CALL';

-- Loads: what COPY read, and what it did not take.
create view redshift.load_errors_ as
select (h ->> 'query')::int as query, (h ->> 'pid')::int as pid, h ->> 'table' as target, (h ->> 'time')::timestamp as moment, h ->> 'file' as file,
       (h ->> 'line')::bigint as line, h ->> 'column' as attribute, h ->> 'type' as kind, h ->> 'length' as length, h ->> 'raw_line' as raw_line,
       h ->> 'raw_value' as raw_value, (h ->> 'code')::int as code, h ->> 'reason' as reason,
       (select oid::int from pg_roles where rolname = 'awsuser') as userid
from redshift.history('load_errors') as h;
create view pg_catalog.stl_load_errors as
select userid, 0 as slice, to_regclass(target)::oid::int as tbl, moment as starttime, pid as session, query, file::char(256) as filename,
       line as line_number, attribute::char(127) as colname, kind::char(10) as type, length::char(10) as col_length, 0 as position,
       left(raw_line, 1024)::char(1024) as raw_line, left(raw_value, 1024)::char(1024) as raw_field_value, code as err_code, reason::char(100) as err_reason,
       0 as is_partial, 0::bigint as start_offset, 0::bigint as copy_job_id
from redshift.load_errors_;
create view pg_catalog.stl_loaderror_detail as
select userid, 0 as slice, pid as session, query, file::char(256) as filename, line as line_number, 0 as field, attribute::char(1024) as colname,
       raw_value::char(1024) as value, 0 as is_null, kind::char(10) as type, length::char(10) as col_length
from redshift.load_errors_;
create view pg_catalog.sys_load_error_detail as
select userid as user_id, query::bigint as query_id, query::bigint as transaction_id, pid as session_id, current_database()::varchar(64) as database_name,
       to_regclass(target)::oid::int as table_id, moment as start_time, file::varchar(256) as file_name, line as line_number, attribute::varchar(127) as column_name,
       kind::varchar(10) as column_type, length::varchar(10) as column_length, 0 as position, code as error_code, reason::varchar(512) as error_message
from redshift.load_errors_;
create view redshift.loads_ as
select (h ->> 'query')::int as query, (h ->> 'pid')::int as pid, h ->> 'table' as target, (h ->> 'time')::timestamp as moment, h ->> 'file' as file,
       (h ->> 'rows')::bigint as rows, (h ->> 'bytes')::bigint as bytes, h ->> 'source' as source, h ->> 'format' as format,
       (select oid::int from pg_roles where rolname = 'awsuser') as userid
from redshift.history('loads') as h;
create view pg_catalog.stl_load_commits as
select userid, 0 as slice, query, file::char(256) as name, file::char(256) as filename, 0 as byte_offset, rows as lines_scanned, 0::bigint as errors,
       moment as curtime, 1 as status, format::char(16) as file_format, 0 as is_partial, 0::bigint as start_offset, 0::bigint as copy_job_id
from redshift.loads_;
create view pg_catalog.sys_load_history as
select userid as user_id, query::bigint as query_id, query::bigint as transaction_id, pid as session_id, current_database()::text as database_name,
       'completed'::text as status, target::text as table_name, min(moment) as start_time, max(moment) as end_time, 0::bigint as duration, source::text as data_source,
       format::text as file_format, sum(rows)::bigint as loaded_rows, sum(bytes)::bigint as loaded_bytes, count(*)::int as source_file_count,
       sum(bytes)::bigint as source_file_bytes, count(*)::int as file_count_scanned, sum(bytes)::bigint as file_bytes_scanned, 0::bigint as error_count
from redshift.loads_ group by userid, query, pid, target, source, format;
create view pg_catalog.sys_load_detail as
select userid as user_id, query::bigint as query_id, file::text as file_name, bytes as bytes_scanned, rows as lines_scanned, moment as record_time,
       1 as splits_scanned, moment as start_time, moment as end_time, null::char(256) as file_etag, null::timestamp as file_last_modified
from redshift.loads_;

-- Of what is not here these are empty: nothing external, no queues, no blocks, no steps of plans.
do $$
declare
    view text;
    columns text;
begin
    for view, columns in values
        ('svv_external_schemas', 'esoid oid, eskind int, schemaname name, esowner int, databasename text, esoptions text'),
        ('svv_external_tables', 'redshift_database_name text, schemaname text, tablename text, tabletype text, location text, input_format text, '
            'output_format text, serialization_lib text, serde_parameters text, compressed int, parameters text'),
        ('svv_external_columns', 'redshift_database_name text, schemaname text, tablename text, columnname text, external_type text, columnnum int, part_key int, is_nullable text'),
        ('svv_external_databases', 'eskind int, databasename text, esoptions text'),
        ('svv_external_partitions', 'schemaname text, tablename text, values text, location text, input_format text, output_format text, serialization_lib text, '
            'serde_parameters text, compressed int, parameters text'),
        ('svv_datashares', 'share_name text, share_id int, share_owner int, source_database text, consumer_database text, share_type text, createdate timestamp, '
            'is_publicaccessible boolean, share_acl text, producer_account text, producer_namespace text'),
        ('svv_identity_providers', 'uid int, name text, type text, instanceid text, namespc text, params char(1024), enabled boolean'),
        ('svv_mv_info', 'database_name char(128), schema_name char(128), user_name char(128), name char(128), is_stale char(1), owner_user_name char(128), state int, '
            'autorewrite char(1), autorefresh char(1)'),
        ('stv_mv_info', 'db_name char(128), schema char(128), name char(128), updated_upto_xid bigint, is_stale char(1), owner_user_name char(128), state int, '
            'autorewrite char(1), autorefresh char(1)'),
        ('svv_vacuum_progress', 'table_name text, status text, time_remaining_estimate text'),
        ('svv_vacuum_summary', 'table_name text, xid bigint, sort_partitions bigint, merge_increments bigint, elapsed_time bigint, row_delta bigint, '
            'sortedrow_delta bigint, block_delta int, max_merge_partitions int'),
        ('svv_interleaved_columns', 'tbl int, col int, interleaved_skew numeric(19,2), last_reindex timestamp'),
        ('svv_alter_table_recommendations', 'type text, database text, table_id int, group_id int, ddl text, auto_eligible text'),
        ('svv_diskusage', 'db_id int, name char(72), slice int, col int, tbl int, blocknum int, num_values int, minvalue bigint, maxvalue bigint, sb_pos int, '
            'pinned int, on_disk int, modified int, hdr_modified int, unsorted int, tombstone int, preferred_diskno int, temporary int, newblock int'),
        ('svv_query_state', 'userid int, query int, seg int, step int, maxtime interval, avgtime interval, rows bigint, bytes bigint, cpu bigint, memory bigint, '
            'rate_row double precision, rate_byte double precision, label char(25), is_diskbased char(1), workmem bigint, num_parts int, is_rrscan char(1), is_delayed_scan char(1)'),
        ('stl_alert_event_log', 'userid int, query int, slice int, segment int, step int, pid int, xid bigint, event char(1024), solution char(1024), event_time timestamp'),
        ('stl_wlm_query', 'userid int, xid bigint, task int, query int, service_class int, slot_count int, service_class_start_time timestamp, queue_start_time timestamp, '
            'queue_end_time timestamp, total_queue_time bigint, exec_start_time timestamp, exec_end_time timestamp, total_exec_time bigint, service_class_end_time timestamp, '
            'final_state char(16), est_peak_mem bigint, query_priority char(20), service_class_name char(64)'),
        ('stl_vacuum', 'userid int, xid bigint, table_id int, status char(30), rows bigint, sortedrows bigint, blocks int, max_merge_partitions int, eventtime timestamp, '
            'reclaimable_rows bigint, reclaimable_space_mb bigint, cutoff_xid bigint, is_recluster int'),
        ('stl_analyze', 'userid int, xid bigint, database char(30), table_id int, status char(15), rows double precision, modified_rows double precision, threshold_percent int, '
            'is_auto char(1), starttime timestamp, endtime timestamp, prevtime timestamp, num_predicate_cols int, num_new_predicate_cols int, is_background char(1), auto_analyze_phase char(100)'),
        ('stl_connection_log', 'event char(50), recordtime timestamp, remotehost char(45), remoteport char(32), pid int, dbname char(50), username char(50), authmethod char(32), '
            'duration int, sslversion char(50), sslcipher char(128), mtu int, sslcompression char(64), sslexpansion char(64), iamauthguid char(36), application_name char(250), '
            'os_version char(64), driver_version char(64), plugin_name char(32), protocol_version int, sessionid char(36), compression char(8)'),
        ('stl_userlog', 'userid int, username char(50), oldusername char(50), action char(10), usecreatedb int, usesuper int, usecatupd int, valuntil timestamp, pid int, xid bigint, recordtime timestamp'),
        ('stl_scan', 'userid int, query int, slice int, segment int, step int, starttime timestamp, endtime timestamp, tasknum int, rows bigint, bytes bigint, fetches bigint, '
            'type int, tbl int, is_rrscan char(1), is_delayed_scan char(1), rows_pre_filter bigint, rows_pre_user_filter bigint, perm_table_name char(136), '
            'is_rlf_scan char(1), is_rlf_scan_reason int, num_em_blocks int, checksum bigint, runtime_filtering char(1), scan_region int, num_sortkey_as_predicate int'),
        ('stl_dist', 'userid int, query int, slice int, segment int, step int, starttime timestamp, endtime timestamp, tasknum int, rows bigint, bytes bigint, packets int'),
        ('stl_bcast', 'userid int, query int, slice int, segment int, step int, starttime timestamp, endtime timestamp, tasknum int, rows bigint, bytes bigint, packets int'),
        ('stl_plan_info', 'userid int, query int, nodeid int, segment int, step int, locus int, plannode int, startupcost double precision, totalcost double precision, rows bigint, bytes bigint'),
        ('pg_conf', 'key text, value text'),
        ('stl_insert', 'userid int, query int, slice int, segment int, step int, starttime timestamp, endtime timestamp, tasknum int, rows bigint, tbl int, inserted_mega_value char(1), use_staging_table char(1)'),
        ('stl_delete', 'userid int, query int, slice int, segment int, step int, starttime timestamp, endtime timestamp, tasknum int, rows bigint, tbl int'),
        ('stl_explain', 'userid int, query int, nodeid int, parentid int, plannode char(400), info char(400)'),
        ('stl_commit_stats', 'xid bigint, node int, startqueue timestamp, startwork timestamp, endwork timestamp, queuelen bigint, permblocks bigint, newblocks bigint, dirtyblocks bigint, '
            'headers bigint, numxids int, oldestxid bigint, extwritelatency bigint, metadatawritten int, tombstonedblocks bigint, tossedblocks bigint, batched_by bigint, endtime timestamp'),
        ('stl_error', 'userid int, process char(12), recordtime timestamp, pid int, errcode int, file char(90), linenum int, context char(100), error char(512)'),
        ('stl_tr_conflict', 'xact_id bigint, process_id bigint, xact_start_ts timestamp, abort_time timestamp, table_id bigint'),
        ('stl_undone', 'userid int, xact_id bigint, xact_id_undone bigint, undo_start_ts timestamp, undo_end_ts timestamp, table_id bigint'),
        ('stl_s3client', 'userid int, query int, slice int, recordtime timestamp, pid int, http_method char(64), bucket char(64), key char(256), transfer_size bigint, data_size bigint, '
            'start_time bigint, end_time bigint, transfer_time bigint, compression_time bigint, connect_time bigint, app_connect_time bigint, retries bigint, request_id char(32)'),
        ('stl_s3client_error', 'userid int, query int, sliceid int, recordtime timestamp, pid int, http_method char(64), bucket char(64), key char(256), error char(1024), is_partial int'),
        ('stl_file_scan', 'userid int, query int, slice int, name char(90), lines bigint, bytes bigint, loadtime bigint, curtime timestamp, is_partial int, start_offset bigint'),
        ('stl_unload_log', 'userid int, query int, slice int, pid int, path char(1280), start_time timestamp, end_time timestamp, line_count bigint, transfer_size bigint, file_format char(10)'),
        ('stl_query_metrics', 'userid int, service_class int, query int, segment int, step_type int, starttime timestamp, slices int, max_rows bigint, rows bigint, max_cpu_time bigint, '
            'cpu_time bigint, max_blocks_read int, blocks_read bigint, max_run_time bigint, run_time bigint, max_blocks_to_disk bigint, blocks_to_disk bigint, step int, max_query_scan_size bigint, '
            'query_scan_size bigint, query_priority int, query_queue_time bigint, service_class_name char(64)'),
        ('stl_wlm_rule_action', 'userid int, query int, service_class int, rule char(256), action char(256), recordtime timestamp, action_value char(256), service_class_name char(64)'),
        ('svl_query_summary', 'userid int, query int, stm int, seg int, step int, maxtime bigint, avgtime bigint, rows bigint, bytes bigint, rate_row double precision, '
            'rate_byte double precision, label text, is_diskbased char(1), workmem bigint, is_rrscan char(1), is_delayed_scan char(1), rows_pre_filter bigint'),
        ('svl_query_report', 'userid int, query int, slice int, segment int, step int, start_time timestamp, end_time timestamp, elapsed_time bigint, rows bigint, bytes bigint, label char(256), '
            'is_diskbased char(1), workmem bigint, is_rrscan char(1), is_delayed_scan char(1), rows_pre_filter bigint'),
        ('svl_query_metrics_summary', 'userid int, query int, service_class int, query_cpu_time bigint, query_blocks_read bigint, query_execution_time bigint, query_cpu_usage_percent numeric(38,2), '
            'query_temp_blocks_to_disk bigint, segment_execution_time bigint, cpu_skew numeric(38,2), io_skew numeric(38,2), scan_row_count bigint, join_row_count bigint, '
            'nested_loop_join_row_count bigint, return_row_count bigint, spectrum_scan_row_count bigint, spectrum_scan_size_mb bigint, query_queue_time bigint, service_class_name text'),
        ('svl_compile', 'userid int, xid bigint, pid int, query int, segment int, locus int, starttime timestamp, endtime timestamp, compile int'),
        ('svl_stored_proc_messages', 'userid int, session_userid int, pid int, xid bigint, query int, recordtime timestamp, loglevel int, loglevel_text char(10), message char(1024), '
            'linenum int, querytxt char(500), label char(320), aborted int, message_xid bigint'),
        ('svl_s3query_summary', 'userid int, query int, xid bigint, pid int, segment int, step int, starttime timestamp, endtime timestamp, elapsed int, aborted int, external_table_name text, '
            'file_format text, is_partitioned char(1), is_rrscan char(1), is_nested char(1), s3_scanned_rows bigint, s3_scanned_bytes bigint, s3query_returned_rows bigint, s3query_returned_bytes bigint, files int'),
        ('stv_blocklist', 'slice int, col int, tbl int, blocknum int, num_values int, extended_limits int, minvalue bigint, maxvalue bigint, sb_pos int, pinned int, on_disk int, backed_up int, '
            'modified int, hdr_modified int, unsorted int, tombstone int, preferred_diskno int, temporary int, newblock int, num_readers int, flags int'),
        ('stv_partitions', 'owner int, host int, diskno int, part_begin bigint, part_end bigint, used int, tossed int, capacity int, reads bigint, writes bigint, seek_forward int, seek_back int, '
            'is_san int, failed int, mbps int, mount char(256)'),
        ('stv_node_storage_capacity', 'node int, used int, capacity int'),
        ('stv_active_cursors', 'userid int, name text, xid bigint, pid int, starttime timestamp, row_count bigint, byte_count bigint, fetched_rows bigint'),
        ('stv_exec_state', 'userid int, query int, slice int, segment int, step int, starttime timestamp, currenttime timestamp, tasknum int, rows bigint, bytes bigint, label char(256), '
            'is_diskbased char(1), workmem bigint, num_parts int, is_rrscan char(1), is_delayed_scan char(1)'),
        ('stv_load_state', 'userid int, session int, query int, slice int, pid int, recordtime timestamp, bytes_to_load bigint, bytes_loaded bigint, bytes_to_load_compressed bigint, '
            'bytes_loaded_compressed bigint, lines int, num_files int, num_files_complete int, current_file char(256), pct_complete int'),
        ('stv_query_metrics', 'userid int, service_class int, query int, segment int, step_type int, starttime timestamp, slices int, max_rows bigint, rows bigint, max_cpu_time bigint, '
            'cpu_time bigint, max_blocks_read int, blocks_read bigint, max_run_time bigint, run_time bigint, max_blocks_to_disk bigint, blocks_to_disk bigint, step int, max_query_scan_size bigint, '
            'query_scan_size bigint, query_priority int, query_queue_time bigint'),
        ('stv_wlm_query_state', 'xid bigint, task int, query int, service_class int, slot_count int, wlm_start_time timestamp, state char(16), queue_time bigint, exec_time bigint, query_priority char(20)'),
        ('stv_wlm_query_queue_state', 'service_class int, position int, task int, query int, slot_count int, start_time timestamp, queue_time bigint'),
        ('stv_wlm_classification_config', 'id int, condition char(128), action_seq int, action char(64), action_service_class int'),
        ('stv_wlm_service_class_config', 'service_class int, queueing_strategy char(32), num_query_tasks int, target_num_query_tasks int, evictable char(8), eviction_threshold bigint, '
            'query_working_mem int, target_query_working_mem int, min_step_mem int, name char(64), max_execution_time bigint, user_group_wild_card boolean, query_group_wild_card boolean, '
            'concurrency_scaling char(20), query_priority char(20), user_role_wild_card boolean'),
        ('stv_wlm_service_class_state', 'service_class int, num_queued_queries int, num_executing_queries int, num_serviced_queries int, num_executed_queries int, query_working_mem int, '
            'num_query_tasks int, num_concurrency_scaling_queries int'),
        ('stv_wlm_qmr_config', 'service_class int, rule_name char(256), action char(256), metric_name char(256), metric_operator char(256), metric_value double precision, action_value char(256)'),
        ('pg_external_schema', 'esoid oid, eskind int, esdbname text, esoptions text'),
        ('pg_library', 'name name, language_oid oid, file_store_id int, owner int'),
        ('sys_external_query_detail', 'user_id int, query_id bigint, child_query_sequence int, transaction_id bigint, session_id int, segment_id int, source_type char(32), start_time timestamp, '
            'end_time timestamp, duration bigint, total_partitions int, qualified_partitions int, scanned_files bigint, returned_rows bigint, returned_bytes bigint, file_format text, '
            'file_location text, external_query_text text, warning_message text, table_name char(136), is_recursive char(1), is_nested char(1)'),
        ('sys_connection_log', 'event char(50), record_time timestamp, remote_host char(45), remote_port char(32), session_id int, database_name char(50), user_name char(50), auth_method char(32), '
            'duration bigint, ssl_version char(50), ssl_cipher char(128), mtu int, ssl_compression char(64), ssl_expansion char(64), iam_auth_guid char(36), application_name char(250), '
            'driver_version char(64), os_version char(64), plugin_name char(32), protocol_version int, global_session_id char(36)'),
        ('sys_serverless_usage', 'start_time timestamp, end_time timestamp, compute_seconds double precision, compute_capacity double precision, data_storage int, cross_region_transferred_data int, charged_seconds bigint'),
        ('sys_query_detail', 'user_id int, query_id bigint, child_query_sequence int, stream_id int, segment_id int, step_id int, step_name text, table_id int, table_name text, is_rrscan char(1), '
            'start_time timestamp, end_time timestamp, duration bigint, alert text, input_bytes bigint, input_rows bigint, output_bytes bigint, output_rows bigint, blocks_read bigint, '
            'blocks_write bigint, local_read_io bigint, remote_read_io bigint, source text, data_skewness int, time_skewness int, is_active char(1), spilled_block_local_disk bigint, spilled_block_remote_disk bigint'),
        ('sys_unload_history', 'user_id int, query_id bigint, transaction_id bigint, session_id int, database_name text, status text, start_time timestamp, end_time timestamp, duration bigint, '
            'file_format text, compression_type text, unloaded_location text, unloaded_rows bigint, unloaded_files_count bigint, unloaded_files_size bigint, error_message text')
    loop
        execute format('create view pg_catalog.%I as select * from (select %s) as none where false', view,
                       regexp_replace(columns, '(\\w+) ((?:double precision|\\w+)(?:\\([\\d,]+\\))?)(,|$)', 'null::\\2 as "\\1"\\3', 'g'));
    end loop;
end
$$;

-- PostgreSQL's own views with the columns that Redshift's have besides. They hide PostgreSQL's; what names the schema is
-- led here too. Which number stands for which encoding is not documented: only FORMAT_ENCODING knows these.
create function redshift.encodings() returns text[] immutable
return array['bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16', 'mostly32', 'runlength', 'text255', 'text32k', 'zstd', 'az64'];
create function redshift.format_encoding(number int) returns text immutable
return coalesce((redshift.encodings())[number], 'none');
grant select on pg_catalog.pg_statistic to awsuser;
create function redshift.makeaclitem(grantee oid, of_group oid, grantor oid, rights text, grantable boolean) returns aclitem immutable
return pg_catalog.makeaclitem(coalesce(nullif(grantee, 0), of_group), grantor, rights, grantable);
do $$
declare
    hidden text;
    more text;
begin
    for hidden, more in values
        ('pg_attribute', 'coalesce(c.distkey, false) as attisdistkey, coalesce(c.sortkey, 0) as attsortkeyord,
             coalesce(array_position(redshift.encodings(), c.encoding), 0) as attencodingtype
             from pg_catalog.pg_attribute p left join redshift.columns_ c on c.relation = p.attrelid and c.attnum = p.attnum'),
        ('pg_attrdef', 'pg_get_expr(p.adbin, p.adrelid) as adsrc from pg_catalog.pg_attrdef p'),
        ('pg_default_acl', 'p.defaclrole as defacluser from pg_catalog.pg_default_acl p'),
        ('pg_locks', 'p.transactionid as transaction from pg_catalog.pg_locks p'),
        ('pg_stat_activity', 'p.pid as procpid, p.query as current_query from pg_catalog.pg_stat_activity p'),
        ('pg_class', 'i.reldiststyle, i.releffectivediststyle, i.relcreationtime
             from pg_catalog.pg_class p left join pg_catalog.pg_class_info i on i.oid = p.oid')
    loop
        execute format('create view redshift.%s as select %s, %s', hidden,
                       (select string_agg('p.' || attname, ', ' order by attnum) from pg_catalog.pg_attribute
                        where attrelid = ('pg_catalog.' || hidden)::regclass and attnum > 0 and atttypid <> 'anyarray'::regtype), more);
    end loop;
end
$$;

-- Numbers of users and groups are integers in Redshift, so that they stand for truth and add up.
create view redshift.pg_user as
select usename, usesysid::int as usesysid, usecreatedb, usesuper, false as usecatupd, passwd, valuntil, useconfig from pg_catalog.pg_user;
create view redshift.pg_group as
select groname, grosysid::int as grosysid, grolist::int[] as grolist from pg_catalog.pg_group;

do $$
declare
    view regclass;
begin
    for view in select oid from pg_class where oid >= 16384 and relkind = 'v' and relnamespace in ('pg_catalog'::regnamespace, 'redshift'::regnamespace) loop
        execute format('grant select on %s to public', view);
    end loop;
end
$$;
