"""Procedures."""

from __future__ import annotations

from .case import Case
from .tables_used import ERROR_LOG, SALES

PROCEDURES = [
    Case(
        "a procedure with a loop and a condition",
        "call fill(3)",
        setup=(
            "create table t (a int)",
            """create or replace procedure fill(n int) as $$
            declare i int := 0;
            begin
                while i < n loop
                    i := i + 1;
                    if mod(i, 2) = 1 then insert into t values (i); else insert into t values (-i); end if;
                end loop;
            end;
            $$ language plpgsql;""",
        ),
        check="select a from t order by a",
        rows=[(-2,), (1,), (3,)],
    ),
    Case(
        "output parameters are left out of the call",
        "call test_sp2(2, '2019')",
        setup=(
            """create or replace procedure test_sp2(f1 IN int, f2 INOUT varchar(256), out_var OUT varchar(256)) as $$
            declare loop_var int;
            begin
                if f1 is null or f2 is null then raise exception 'input cannot be null'; end if;
                drop table if exists my_etl;
                create temp table my_etl(a int, b varchar);
                for loop_var in 1..f1 loop
                    insert into my_etl values (loop_var, f2);
                    f2 := f2 || '+' || f2;
                end loop;
                select into out_var count(*) from my_etl;
            end;
            $$ language plpgsql""",
        ),
        rows=[("2019+2019+2019+2019", "2")],
    ),
    Case(
        "an error runs the handler, keeps what it did, and is raised again",
        "call update_employee_sp()",
        setup=(
            *ERROR_LOG,
            """create or replace procedure update_employee_sp() as $$
            begin
                update employee set firstname = 'Adam' where lastname = 'Smith';
                execute 'select invalid';
            exception when others then
                raise info 'An exception occurred.';
                insert into employee_error_log values ('Error message: ' || sqlerrm);
            end;
            $$ language plpgsql""",
        ),
        check="select firstname, message from employee, employee_error_log",
        rows=[("Tomas", 'Error message: column "invalid" does not exist')],
    ),
    Case(
        "the error is the original one",
        "call fails()",
        setup=(
            """create or replace procedure fails() as $$
            begin
                perform 1/0;
            exception when others then
                raise info 'handled';
            end;
            $$ language plpgsql""",
        ),
        error="ERROR: division by zero",
    ),
    Case(
        "a nonatomic procedure keeps a handled error to itself",
        "call quiet()",
        setup=(
            *ERROR_LOG,
            """create or replace procedure quiet() nonatomic as $$
            begin
                perform 1/0;
            exception when others then
                insert into employee_error_log values (sqlerrm);
            end;
            $$ language plpgsql""",
        ),
        check="select message from employee_error_log",
        rows=[("division by zero",)],
    ),
    Case(
        "an error undoes what the procedure did before the block",
        "call before_block()",
        setup=(
            *ERROR_LOG,
            """create or replace procedure before_block() as $$
            begin
                insert into employee values ('before', 'block');
                begin
                    perform 1/0;
                exception when others then
                    insert into employee_error_log values (sqlerrm);
                end;
            end;
            $$ language plpgsql""",
        ),
        check="select firstname, message from employee, employee_error_log",
        rows=[("Tomas", "division by zero")],
    ),
    Case(
        "a nonatomic procedure has committed each statement before the error",
        "call each()",
        setup=(
            *ERROR_LOG,
            """create or replace procedure each() nonatomic as $$
            declare n int;
            begin
                delete employee;
                for n in 1..2 loop
                    insert into employee values ('loop', n::varchar);
                end loop;
                begin
                    insert into employee values ('inner', 'block');
                    n := 0;
                    perform 1/n;
                    insert into employee values ('never', 'reached');
                exception when others then
                    insert into employee_error_log values (sqlerrm);
                end;
                insert into employee values ('after', 'block');
            end;
            $$ language plpgsql""",
        ),
        check="select firstname from employee union all select message from employee_error_log order by 1",
        rows=[("after",), ("division by zero",), ("inner",), ("loop",), ("loop",)],
    ),
    Case(
        "commit inside a block that handles exceptions",
        "call load_parts()",
        setup=(
            *ERROR_LOG,
            """create or replace procedure load_parts() as $$
            begin
                insert into employee values ('first', 'part');
                commit;
                insert into employee values ('second', 'part');
                perform 1/0;
            exception when others then
                insert into employee_error_log values (sqlerrm);
            end;
            $$ language plpgsql""",
        ),
        check="select firstname from employee union all select message from employee_error_log order by 1",
        rows=[("Tomas",), ("division by zero",), ("first",)],
    ),
    Case(
        "after an error the rest of a nonatomic block is left out",
        "call parts()",
        setup=(
            "create table t (a int)",
            """create or replace procedure parts() nonatomic as $$
            begin
                insert into t values (1);
                commit;
                perform 1/0;
                commit;
                insert into t values (2);
            exception when others then
                insert into t values (3);
            end;
            $$ language plpgsql""",
        ),
        check="select a from t order by a",
        rows=[(1,), (3,)],
    ),
    Case(
        "commit and rollback in a procedure",
        "call steps()",
        setup=(
            "create table t (a int)",
            """create or replace procedure steps() as $$
            begin
                insert into t values (1);
                commit;
                insert into t values (2);
                rollback;
                insert into t values (3);
            end;
            $$ language plpgsql security invoker""",
        ),
        check="select a from t order by a",
        rows=[(1,), (3,)],
    ),
    Case(
        "commit in a procedure inside a transaction",
        "begin; call steps(); end",
        setup=("create or replace procedure steps() as $$ begin commit; end $$ language plpgsql",),
        error="ERROR: COMMIT, ROLLBACK and TRUNCATE cannot be invoked from a procedure that is executing in an atomic context.",
    ),
    Case(
        "a procedure that calls another, whose error it handles",
        "call outer_sp()",
        setup=(
            *ERROR_LOG,
            """create or replace procedure inner_sp() as $$
            begin
                perform 1/0;
            exception when others then
                insert into employee_error_log values ('inner');
            end;
            $$ language plpgsql;
            create or replace procedure outer_sp() nonatomic as $$
            begin
                call inner_sp();
            exception when others then
                insert into employee_error_log values ('outer: ' || sqlerrm);
            end;
            $$ language plpgsql;""",
        ),
        check="select message from employee_error_log",
        rows=[("outer: division by zero",)],
    ),
    Case(
        "dynamic SQL of Redshift, constant and put together",
        "call build('made')",
        setup=(
            """create or replace procedure build(name varchar) as $$
            begin
                execute 'create table fixed (a int encode zstd) distkey(a) compound sortkey(a)';
                execute 'create table ' || quote_ident(name) || ' (a int encode az64, b varchar(max)) diststyle key distkey(a) sortkey(a)';
                execute 'insert into ' || name || ' select 1, nvl(null, ''x'')';
            end;
            $$ language plpgsql""",
        ),
        check="select a, b, (select count(*) from fixed) from made",
        rows=[(1, "x", 0)],
    ),
    Case(
        "Redshift's functions and temporary tables in a body",
        "call stage()",
        setup=(
            *SALES,
            "create table totals (region varchar(20), ids varchar(100), loaded timestamp)",
            """create or replace procedure stage() as $$
            begin
                create table #work distkey(region) as
                    select region, listagg(id, ',') within group (order by id) as ids from sales group by region;
                delete totals;
                insert into totals select region, ids, sysdate from #work where nvl(ids, '') <> '';
                drop table #work;
            end;
            $$ language plpgsql""",
        ),
        check="select region, ids, datediff(day, loaded, getdate()) from totals order by 1",
        rows=[("north", "1,2", 0), ("south", "3,4", 0)],
    ),
    Case(
        "a cursor, a record and a loop over a query",
        "call sum_up()",
        setup=(
            *SALES,
            "create table result (total decimal(10,2), names varchar(100))",
            """create or replace procedure sum_up() as $$
            declare
                rec record;
                total decimal(10,2) := 0;
                names varchar(max) := '';
                c cursor for select distinct region from sales order by 1;
                one varchar(20);
            begin
                for rec in select amount from sales loop
                    total := total + nvl(rec.amount, 0);
                end loop;
                open c;
                loop
                    fetch c into one;
                    exit when not found;
                    names := names || one || ';';
                end loop;
                close c;
                insert into result values (total, names);
            end;
            $$ language plpgsql""",
        ),
        check="select * from result",
        rows=[("60.00", "north;south;")],
    ),
    Case(
        "row count of the last statement",
        "call counted()",
        setup=(
            *SALES,
            """create or replace procedure counted(n out int) as $$
            begin
                update sales set amount = 0 where region = 'south';
                get diagnostics n := row_count;
            end;
            $$ language plpgsql""",
        ),
        rows=[(2,)],
    ),
    Case(
        "a CASE expression does not confuse the blocks",
        "call classify(7)",
        setup=(
            "create table t (v varchar(10))",
            """create or replace procedure classify(n int) as $$
            declare v varchar(10);
            begin
                v := case when n > 5 then 'big' else 'small' end;
                if (case when n > 5 then true else false end) then
                    insert into t select case when v = 'big' then upper(v) else v end;
                elsif n = 0 then
                    null;
                end if;
            end;
            $$ language plpgsql""",
        ),
        check="select v from t",
        rows=[("BIG",)],
    ),
    Case(
        "raise exception in a procedure",
        "call refuse()",
        setup=("create procedure refuse() as $$ begin raise exception 'not today: %', 5; end $$ language plpgsql",),
        error="ERROR: not today: 5",
    ),
    Case(
        "drop a procedure with its signature",
        "drop procedure p(int, out varchar)",
        setup=("create procedure p(a int, b out varchar(5)) as $$ begin b := 'x'; end $$ language plpgsql",),
        count=0,
    ),
    Case(
        "a SQL function",
        "select f_greater(1, 2)",
        setup=(
            "create function f_greater(int, int) returns int stable as $$ select case when $1 > $2 then $1 else nvl($2, 0) end "
            "$$ language sql",
        ),
        rows=[(2,)],
    ),
    Case("a missing procedure", "call nowhere(1)", error="ERROR: procedure nowhere(integer) does not exist"),
]
