-- page: r_PG_TABLE_DEF
-- feature: view pg_table_def
create table sales (id int not null distkey encode az64, region varchar(20) encode zstd, amount decimal(10,2), sold date, extra super) compound sortkey (sold, region);

insert into sales values (1, 'north', 10.5, '2024-01-05', null), (2, 'south', 20, '2024-02-05', null);

-- was: refused
select "column", type, encoding, distkey, sortkey, "notnull" from pg_table_def where tablename = 'sales';
-- columns: column | type | encoding | distkey | sortkey | notnull
-- id | integer | az64 | true | 0 | true
-- region | character varying(20) | zstd | false | 2 | false
-- amount | numeric(10,2) | az64 | false | 0 | false
-- sold | date | none | false | 1 | false
-- extra | super | none | false | 0 | false

alter table sales alter distkey region;

alter table sales alter column region encode lzo;

-- was: refused
select distkey, encoding from pg_table_def where tablename = 'sales' and "column" = 'region';
-- true | lzo

create table dec3 as select 1.5::decimal(7,2) as c1;

-- was: refused
select "column", type from pg_table_def where tablename = 'dec3';
-- c1 | numeric(7,2)

-- page: r_SVV_TABLE_INFO
-- feature: view svv_table_info
create table nothing_in_it (a int);

-- was: refused
select "table", diststyle, sortkey1, sortkey_num, tbl_rows, max_varchar, size from svv_table_info where "table" in ('sales', 'nothing_in_it');
-- sales | KEY(region) | sold | 2 | 2 | 20 | 1

-- page: r_SVV_COLUMNS
-- feature: view svv_columns, svv_tables
-- was: refused
select column_name, ordinal_position, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable from svv_columns where table_name = 'sales' and ordinal_position < 4 order by 2;
-- id | 1 | integer | null | 32 | 0 | NO
-- region | 2 | character varying | 20 | null | null | YES
-- amount | 3 | numeric | null | 10 | 2 | YES

create view sales_view as select id from sales;

-- was: refused
select table_name, table_type from svv_tables where table_schema = current_schema() and table_name like 'sales%' order by 1;
-- sales | BASE TABLE
-- sales_view | VIEW

-- page: r_SVV_REDSHIFT_COLUMNS
-- feature: view svv_redshift_*, svv_all_*
-- was: refused
select column_name, data_type, encoding, distkey, sortkey from svv_redshift_columns where table_name = 'sales' and column_name = 'sold';
-- sold | date | none | false | 1

-- was: refused
select table_type from svv_all_tables where table_name = 'sales_view';
-- VIEW

-- was: refused
select count(*) from svv_redshift_schemas where schema_name = current_schema();
-- 1

-- was: refused
select database_name, database_type from svv_redshift_databases where database_name = 'dev';
-- dev | local

-- was: refused
select column_name from svv_all_columns where table_name = 'dec3';
-- c1

-- page: r_STV_TBL_PERM
-- feature: view stv_tbl_perm
-- was: refused
select trim(name), sum(rows) from stv_tbl_perm where name = 'sales' group by 1;
-- sales | 2

-- page: c_intro_catalog_views
-- feature: view information_schema, pg_tables, pg_class …
select table_name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1 limit 1;
-- dec3

-- was: wrong
select data_type from information_schema.columns where table_name = 'sales' and column_name = 'extra';
-- super

select n.nspname = current_schema(), c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relname = 'sales_view';
-- true | sales_view

select tablename from pg_tables where tablename = 'dec3';
-- dec3

-- page: SYS_QUERY_HISTORY
-- feature: view sys_query_history, sys_query_text
-- was: refused
select query_type, status, returned_rows from sys_query_history where query_text like 'create table dec3 as%' order by query_id desc limit 1;
-- CTAS | success | 1

select count(*) from not_a_table;
-- error: does not exist

-- was: refused
select status, error_message from sys_query_history where query_text = 'select count(*) from not_a_table;' order by start_time desc limit 1;
-- failed | relation "not_a_table" does not exist

-- was: refused
select max(query_id) = pg_last_query_id() from sys_query_history;
-- true

-- page: r_STL_QUERY
-- feature: view stl_query, stl_querytext, svl_qlog, svl_statementtext, stl_ddltext
-- was: refused
select q.aborted, trim(t.text) from stl_query q join stl_querytext t on t.query = q.query where q.querytxt = 'select count(*) from not_a_table;' limit 1;
-- 1 | select count(*) from not_a_table;

-- was: refused
select trim(type), trim(text) from svl_statementtext where text like 'create view sales_view%' order by starttime desc limit 1;
-- DDL | create view sales_view as select id from sales;

-- was: refused
select elapsed > 0 from svl_qlog where substring like 'create view sales_view%' limit 1;
-- true

-- was: refused
select count(*) > 0 from stl_ddltext where text like 'create view sales_view%';
-- true

-- page: r_STV_RECENTS
-- feature: view stv_recents, stv_inflight, stv_sessions, svv_transactions, stv_locks
-- was: refused
select trim(status), count(*) from stv_recents where query like 'select trim(status)%' group by 1;
-- Running | 1

-- was: refused
select count(*) > 0 from stv_inflight where text like 'select count(*) > 0 from stv_inflight%';
-- true

-- was: refused
select count(*) > 0 from stv_sessions where process = pg_backend_pid();
-- true

-- was: refused
select trim(txn_owner), granted from svv_transactions where pid = pg_backend_pid() limit 1;
-- awsuser | true

-- was: refused
select count(*) from stv_locks where table_id = 1;
-- 0

-- page: r_PG_USER_INFO
-- feature: view pg_user, pg_user_info, svl_user_info, svv_user_info, pg_group
select usename, usecreatedb from pg_user where usename = 'awsuser';
-- awsuser | true

-- was: refused
select count(*) from pg_user_info u join svl_user_info s on s.usename = u.usename join svv_user_info v on v.user_name = u.usename where u.usename = 'awsuser';
-- 1

-- page: r_SVV_RELATION_PRIVILEGES
-- feature: view svv_relation_privileges, svv_schema_privileges, svv_roles, svv_user_grants, svv_role_grants
create user viewer password disable;

create role looker;

grant select on sales to viewer;

grant insert on sales to role looker;

grant role looker to viewer;

-- was: refused
select privilege_type, identity_name, identity_type from svv_relation_privileges where relation_name = 'sales' order by 1;
-- INSERT | looker | role
-- SELECT | viewer | user

-- was: refused
select user_name, role_name from svv_user_grants where user_name = 'viewer';
-- viewer | looker

-- was: refused
select role_name from svv_roles where role_name = 'looker';
-- looker

drop owned by viewer;

drop owned by looker;

drop role looker;

drop user viewer;

-- page: r_STL_ALERT_EVENT_LOG
-- feature: view stl_alert_event_log, stl_wlm_query, stl_scan, stl_explain, svl_query_summary …
-- differs: always empty: there are no queues, blocks or steps of plans here
select (select count(*) from stl_alert_event_log), (select count(*) from stl_wlm_query), (select count(*) from stl_scan), (select count(*) from svl_query_summary), (select count(*) from stv_blocklist);
-- 0 | 0 | 0 | 0 | 0

-- was: refused
select (select count(packets) from stl_dist), (select count(packets) from stl_bcast), (select count(*) from stl_explain p join stl_plan_info i on i.query = p.query and i.nodeid = p.nodeid), (select count(key) from pg_conf);
-- 0 | 0 | 0 | 0

-- page: r_SVV_EXTERNAL_TABLES
-- feature: view svv_external_schemas, svv_external_tables, svv_external_columns, svv_datashares
-- was: refused
select (select count(*) from svv_external_schemas), (select count(*) from svv_external_tables), (select count(*) from svv_external_columns), (select count(*) from svv_datashares);
-- 0 | 0 | 0 | 0

-- page: c_intro_catalog_views
-- feature: view information_schema, pg_tables, pg_class …
create table keyed (a int encode az64 distkey, b varchar(5) encode lzo, c date sortkey);

-- was: refused
select attname, attisdistkey, attsortkeyord, format_encoding(attencodingtype) from pg_catalog.pg_attribute where attrelid = 'keyed'::regclass and attnum > 0 order by attnum;
-- a | true | 0 | az64
-- b | false | 0 | lzo
-- c | false | 1 | none

-- was: refused
select relname, reldiststyle from pg_class where relname = 'keyed';
-- keyed | 1

-- was: refused
select count(procpid) > 0, count(current_query) > 0 from pg_stat_activity;
-- true | true

-- was: refused
select '"' + schemaname + '"' from pg_tables where tablename = 'keyed' and schemaname <> current_schema();
-- (no rows)

-- page: r_STL_MV_STATE
-- feature: view others
-- was: refused
select * from stl_mv_state;
-- error: The system view STL_MV_STATE is not emulated

-- page: r_SHOW_TABLES
-- feature: statement show databases, schemas, tables, columns
-- was: refused
show tables from schema dev.public like 'nothing%';
-- columns: database_name | schema_name | table_name | table_type
-- (no rows)

-- was: refused
show databases like 'nothing';
-- columns: database_name | database_owner
-- (no rows)
