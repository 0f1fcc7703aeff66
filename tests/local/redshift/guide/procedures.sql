-- page: r_CREATE_PROCEDURE
-- feature: statement create procedure, call
create table log (id int identity(1,1), line varchar(100));
create table facts (a int, b varchar(20), d date, n decimal(10,2));
insert into facts values (1, 'one', '2020-01-31', 1.50), (2, 'two', '2020-02-29', 2.50), (3, null, null, null);

create or replace procedure one_in(f1 int, inout f2 varchar(20), out f3 decimal(8,2)) as $$
begin
    if f1 > 10 then f2 := f2 || ' big'; else f2 = f2 + ' small'; end if;
    select into f3 sum(n) from facts;
end;
$$ language plpgsql;

-- was: refused
call one_in(5, 'is');
-- columns: f2 | f3
-- is small | 4.00

create or replace procedure security_and_set(x int) language plpgsql security invoker set search_path to pg_catalog, public as $$
begin
    raise info 'x is %', x;
end;
$$;

call security_and_set(1);
-- changed: 0

create or replace procedure several_settings() set statement_timeout to 60000 set query_group = 'loads' as 'begin null; end;' language plpgsql;

-- was: refused
call several_settings();
-- changed: 0

drop procedure security_and_set(int);

-- page: r_SHOW_PROCEDURE
-- feature: statement show procedure
-- differs: IN stands with what goes in, OUT is an INOUT with a default
create procedure public.shown_procedure(f1 int, f2 inout varchar(20), f3 out numeric(8,2)) as $$ begin f3 := f1; end; $$ language plpgsql;

-- differs: IN stands with what goes in, OUT is an INOUT with a default
-- was: refused
show procedure public.shown_procedure(f1 in integer, inout f2 varchar(max), f3 out decimal);
-- columns: Show Stored Procedure DDL statement
-- CREATE OR REPLACE PROCEDURE public.shown_procedure(IN f1 integer, INOUT f2 character varying, INOUT f3 numeric DEFAULT NULL::numeric)\n LANGUAGE plpgsql\nAS $procedure$ begin f3 := f1; end;$procedure$\n

-- was: wrong
show procedure public.shown_procedure(date);
-- error: procedure public.shown_procedure(date) does not exist

-- page: r_ALTER_PROCEDURE
-- feature: statement alter procedure, drop procedure
-- was: refused
alter procedure public.shown_procedure(f1 integer, f2 varchar) rename to renamed_procedure;
-- changed: 0

-- was: refused
alter procedure public.renamed_procedure(integer, varchar, out numeric(8,2)) owner to current_user;
-- changed: 0

create procedure public.renamed_procedure(f1 date) as $$ begin null; end; $$ language plpgsql;

-- was: refused
alter procedure public.renamed_procedure rename to x;
-- error: is not unique

-- page: r_GRANT
-- was: refused
grant execute on procedure public.renamed_procedure(f1 int, inout varchar(max)), public.renamed_procedure(date) to public;
-- changed: 0

revoke all on procedure public.renamed_procedure(int, inout varchar, out decimal) from public;
-- changed: 0

-- page: r_DROP_PROCEDURE
-- was: refused
drop procedure public.renamed_procedure(f1 in int, f2 inout varchar(20));
-- changed: 0

drop procedure public.renamed_procedure(int, varchar);
-- error: procedure public.renamed_procedure(integer, character varying) does not exist

drop procedure if exists public.renamed_procedure(int, varchar);
-- changed: 0

drop procedure public.renamed_procedure(date);
-- changed: 0

-- page: r_DROP_FUNCTION
-- feature: statement alter function, drop function
create function shorten(long varchar(max), at decimal) returns varchar(max) stable as $$ select substring($1, 1, $2::int) $$ language sql;

-- was: refused
grant execute on function shorten(varchar(max), decimal) to public;
-- changed: 0

-- page: r_ALTER_FUNCTION
-- was: refused
alter function shorten(long varchar(max), at decimal) rename to shortened;
-- changed: 0

-- was: refused
drop function shortened(varchar(max), decimal) restrict;
-- changed: 0

-- page: c_PLpgSQL-structure
-- feature: statement pl/pgsql block, declare, labels
create or replace procedure scopes() as $$
<< outerblock >>
declare
    quantity integer := 30;
    name constant varchar := 'x';
    total facts.n%type;
    rec facts%rowtype;
begin
    declare
        quantity integer default 80;
    begin
        insert into log (line) values ('inner ' || quantity || ' outer ' || outerblock.quantity);
    end;
    select * into rec from facts where a = 2;
    total := rec.n * 2;
    insert into log (line) values (name || ' ' || rec.b || ' ' || total);
end outerblock;
$$ language plpgsql;

call scopes();

select line from log order by id;
-- inner 80 outer 30
-- x two 5.00

-- page: c_PLpgSQL-statements
-- feature: statement pl/pgsql assignments, if, case, loops
create or replace procedure flows(inout result varchar(200)) as $$
declare
    i int := 0;
    rec record;
    what varchar(20);
begin
    result := '';
    while i < 3 loop
        i := i + 1;
        continue when i = 2;
        result := result || i;
    end loop;
    loop
        i := i - 1;
        exit when i < 0;
    end loop;
    for j in 1..3 loop result := result || '-' || j; end loop;
    for j in reverse 3..1 loop result := result || j; end loop;
    for rec in select a, nvl(b, 'none') as b from facts order by a loop
        case rec.a
            when 1 then what := 'first';
            when 2, 3 then what := case when rec.b = 'two' then 'second' else 'last' end;
            else what := '?';
        end case;
        result := result || ' ' || rec.b || what;
    end loop;
    if case when i < 0 then true else false end then
        result := result || '!';
    elsif result is null then
        result := 'nothing';
    end if;
end;
$$ language plpgsql;

-- was: refused
call flows(null);
-- 13-1-2-3321 onefirst twosecond nonelast!

create or replace procedure counted(inout changed int, inout hit boolean) as $$
begin
    update facts set n = n where a < 3;
    get diagnostics changed := row_count;
    perform 1 from facts where a = 99;
    hit := found;
end;
$$ language plpgsql;

call counted(0, true);
-- 2 | false

-- feature: statement execute (dynamic sql)
create or replace procedure dynamics() as $$
declare
    name varchar(40) := 'made';
    rec record;
    total decimal(10,2);
begin
    execute 'create table ' || quote_ident(name) || ' (k int distkey encode az64, v varchar(max), s super) diststyle key sortkey(k)';
    execute 'insert into ' || name || ' select top 2 a, nvl(b, ''x''), json_parse(''{"q": 5}'') from facts order by a';
    execute 'insert into made (k, v) select a * 10 as k, k + 1 from facts where k = 20';
    execute 'update made set v = dateadd(month, 1, ''2020-01-31'')::date where k = 2';
    for rec in execute 'select k, v, nvl(made.s.q::int, 0) as q from made order by k' loop
        insert into log (line) values (rec.k || ' ' || rec.v || ' ' || rec.q);
    end loop;
    execute 'select sum(k) from made where k > ' || 1 into total;
    insert into log (line) values ('total ' || total);
    execute 'create temp table #few as select * exclude v from made';
    execute 'select count(*) from #few' into total;
    insert into log (line) values ('few ' || total);
    execute 'grant select on made to public';
    execute 'set query_group to ''x''';
end;
$$ language plpgsql;

call dynamics();

-- was: wrong
select line from log where id > 2 order by id;
-- 1 one 5
-- 2 2020-02-29 5
-- 20 21 0
-- total 22.00
-- few 3.00

-- feature: statement cursors
create or replace procedure cursors(inout names varchar(100)) as $$
declare
    c cursor for select b from facts where b is not null order by a;
    d cursor (lowest int) for select a from facts where a >= lowest order by a;
    r refcursor;
    one varchar(20);
    two int;
begin
    names := '';
    open c;
    loop
        fetch c into one;
        exit when not found;
        names := names || one || ',';
    end loop;
    close c;
    open d(2);
    fetch d into two;
    close d;
    names := names || two;
    open r for select top 1 b from facts order by a desc;
    fetch r into one;
    close r;
    names := names || nvl(one, '-');
    open r for execute 'select nvl2(max(b), ''some'', ''none'') from facts';
    fetch next from r into one;
    close r;
    names := names || one;
end;
$$ language plpgsql;

-- was: refused
call cursors('');
-- one,two,2-some

-- page: stored-procedure-result-set
-- feature: statement refcursor results
create or replace procedure opens(rs_out inout refcursor) as $$
begin
    open rs_out for select a, b from facts where a < 3 order by a;
end;
$$ language plpgsql;

begin;

call opens('mycursor');
-- mycursor

fetch all from mycursor;
-- 1 | one
-- 2 | two

commit;

-- page: stored-procedure-trapping-errors
-- feature: statement exception
create or replace procedure traps() as $$
begin
    insert into log (line) values ('undone');
    execute 'select 1 / 0';
exception when others then
    raise info 'caught %: %', sqlstate, sqlerrm;
    insert into log (line) values ('handler: ' || sqlerrm);
end;
$$ language plpgsql;

call traps();
-- error: division by zero

-- was: wrong
select line from log where id > 7 order by id;
-- handler: division by zero

create or replace procedure swallows() nonatomic as $$
begin
    execute 'select 1 / 0';
exception when others then
    insert into log (line) values ('swallowed');
end;
$$ language plpgsql;

call swallows();
-- changed: 0

select count(*) from log where line = 'swallowed';
-- 1

-- page: c_PLpgSQL-statements
-- feature: statement raise
create or replace procedure raises(x int) as $$
begin
    raise notice 'n %', x;
    raise warning 'w';
    raise exception 'value % is %', x, 'wrong';
end;
$$ language plpgsql;

call raises(7);
-- error: value 7 is wrong

-- page: stored-procedure-transaction-management
-- feature: statement commit, rollback, truncate in procedures
create or replace procedure commits() as $$
begin
    insert into log (line) values ('kept'); -- a comment
    commit; /* another */
    insert into log (line) values ('dropped');
    rollback;
    truncate facts;
    -- before the last commit
    commit;
end;
$$ language plpgsql;

call commits();

select (select count(*) from facts), (select count(*) from log where line = 'kept'), (select count(*) from log where line = 'dropped');
-- 0 | 1 | 0

create or replace procedure commits_and_handles() as $$
begin
    insert into log (line) values ('first');
    commit;
    insert into log (line) values ('second');
    -- what comes now is the end
    commit;
exception when others then
    raise info 'no';
end;
$$ language plpgsql;

call commits_and_handles();

-- was: wrong
select count(*) from log where line in ('first', 'second');
-- 2

begin;

call commits();
-- error: COMMIT, ROLLBACK and TRUNCATE cannot be invoked from a procedure that is executing in an atomic context

rollback;

-- page: stored-procedure-overview
-- feature: statement nested call
create or replace procedure inner_(x int, out y int) as $$ begin y := x * 2; end; $$ language plpgsql;
create or replace procedure outer_(inout z int) as $$
begin
    call inner_(z, z);
    z := z + 1;
end;
$$ language plpgsql;

call outer_(5);
-- 11

create or replace procedure recursive_(n int, inout total int) as $$
begin
    if n > 0 then
        total := total + n;
        call recursive_(n - 1, total);
    end if;
end;
$$ language plpgsql;

call recursive_(4, 0);
-- 10

-- page: udf-creating-a-scalar-sql-udf
-- feature: statement create function (sql)
create function f_sql_greater(float, float) returns float stable as $$ select case when $1 > $2 then $1 else $2 end $$ language sql;

select f_sql_greater(2, 3), f_sql_greater(5.5, 1);
-- 3.0 | 5.5

create or replace function f_first(date) returns date immutable as $$ select dateadd(day, 1 - extract(day from $1)::int, $1)::date $$ language sql;

select f_first('2020-02-29');
-- 2020-02-01

-- page: r_CREATE_FUNCTION
-- feature: statement create function (python)
-- was: refused
create function f_py (a float) returns float stable as $$ return a $$ language plpythonu;
-- error: Python functions are not emulated

-- page: r_CREATE_EXTERNAL_FUNCTION
-- feature: statement create external function (lambda)
-- was: refused
create external function f_upper(varchar) returns varchar volatile lambda 'f' iam_role 'arn:aws:iam::123456789012:role/r';
-- error: CREATE EXTERNAL FUNCTION is not emulated
