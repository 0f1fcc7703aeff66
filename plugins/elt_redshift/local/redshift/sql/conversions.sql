-- How PostgreSQL compares and converts, changed to how Redshift does. PostgreSQL keeps its rules in tables, so that no
-- query pays for any of this. Run by the superuser, before anything else.

create schema redshift;

-- An operator that is short for an expression.
create function redshift.create_operator(sign text, first text, second text, result text, expression text) returns void
language plpgsql as $$
declare
    name constant text := format('op_%s', (select count(*) from pg_operator where oprnamespace = 'redshift'::regnamespace));
begin
    execute format('create function redshift.%I(%s, %s) returns %s immutable return %s', name, first, second, result, expression);
    execute format('create operator redshift.%s (leftarg = %s, rightarg = %s, function = redshift.%I)', sign, first, second, name);
end
$$;

-- Whether a value can become one of a type. A type that it never can become is an error. Immutable, so that with a constant
-- the cast behind it is not planned. https://docs.aws.amazon.com/redshift/latest/dg/r_TRY_CAST.html
create function redshift.castable(value anyelement, kind text) returns boolean language plpgsql immutable as $$
begin
    execute format('select $1::%s', kind) using value;
    return true;
exception when data_exception then
    return false;
end
$$;

-- Blanks at the end of a text do not count when texts are compared: so it is with CHAR, and so it becomes with all.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
update pg_operator set oprcode = ('bpchar' || case oprname when '=' then 'eq' when '<>' then 'ne' when '<' then 'lt'
                                  when '<=' then 'le' when '>' then 'gt' else 'ge' end)::regproc
where oprleft = 'text'::regtype and oprright = 'text'::regtype and oprname in ('=', '<>', '<', '<=', '>', '>=');
update pg_amproc set amproc = case amproc::text
    when 'bttextcmp' then 'bpcharcmp'::regproc when 'bttextsortsupport' then 'bpchar_sortsupport'::regproc
    when 'hashtext' then 'hashbpchar'::regproc else 'hashbpcharextended'::regproc end
where amproc::text in ('bttextcmp', 'bttextsortsupport', 'hashtext', 'hashtextextended')
  and amprocfamily in (select oid from pg_opfamily where opfname = 'text_ops');
update pg_aggregate set aggtransfn = 'bpchar_larger'::regproc, aggcombinefn = 'bpchar_larger'::regproc
where aggfnoid = 'max(text)'::regprocedure;
update pg_aggregate set aggtransfn = 'bpchar_smaller'::regproc, aggcombinefn = 'bpchar_smaller'::regproc
where aggfnoid = 'min(text)'::regprocedure;

-- Numbers and times become text wherever text is wanted, as they did in PostgreSQL 8.
-- https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html#implicit-conversion-types
-- Without these two, "text || number" would be one of three things.
delete from pg_operator where oprname = '||' and 'anynonarray'::regtype in (oprleft, oprright);
do $$
declare
    source text;
    target text;
begin
    foreach source in array array['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'date', 'time', 'timetz',
                                  'timestamp', 'timestamptz', 'interval', 'oid'] loop
        foreach target in array array['text', 'varchar', 'bpchar'] loop
            execute format('create cast (%s as %s) with inout as %s', source, target,
                           case target when 'text' then 'implicit' else 'assignment' end);
            if source <> 'interval' then
                execute format('create cast (%s as %s) with inout as assignment', target, source);
            end if;
        end loop;
    end loop;
end
$$;
-- Of functions that take a text and others that take anything, PostgreSQL could not choose.
update pg_proc set proname = proname || '_any'
where oid in ('concat("any")'::regprocedure, 'quote_literal(anyelement)'::regprocedure);
-- An integer is a truth wherever one is wanted.
update pg_cast set castcontext = 'i' where castsource = 'int4'::regtype and casttarget = 'bool'::regtype;
create function redshift.truth(bigint) returns boolean immutable return $1 <> 0;
create function redshift.truth(smallint) returns boolean immutable return $1 <> 0;
create cast (bigint as boolean) with function redshift.truth(bigint) as implicit;
create cast (smallint as boolean) with function redshift.truth(smallint) as implicit;

-- A number is compared with a text as text, but a decimal as a number.
do $$
declare
    kind text;
    sign text;
    compared text;
begin
    foreach kind in array array['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'] loop
        compared := case kind when 'numeric' then 'numeric' else 'text' end;
        foreach sign in array array['=', '<>', '<', '<=', '>', '>='] loop
            perform redshift.create_operator(sign, kind, 'text', 'boolean', format('$1::%1$s %2$s $2::%1$s', compared, sign));
            perform redshift.create_operator(sign, 'text', kind, 'boolean', format('$1::%1$s %2$s $2::%1$s', compared, sign));
        end loop;
    end loop;
end
$$;

-- Numbers of different kinds stay numbers beside those.
do $$
declare
    whole text;
    kind text;
    sign text;
    expression text;
begin
    foreach whole in array array['int2', 'int4', 'int8', 'numeric'] loop
        foreach kind in array array['numeric', 'float4'] loop
            continue when whole = kind;
            foreach sign in array array['=', '<>', '<', '<=', '>', '>='] loop
                expression := format('$1::%1$s %2$s $2::%1$s', case kind when 'float4' then 'float8' else kind end, sign);
                perform redshift.create_operator(sign, whole, kind, 'boolean', expression);
                perform redshift.create_operator(sign, kind, whole, 'boolean', expression);
            end loop;
        end loop;
    end loop;
end
$$;

-- A number of days is added to a timestamp, or taken from it.
do $$
declare
    kind text;
    moment text;
    sign text;
begin
    foreach kind in array array['int4', 'float8', 'numeric'] loop
        foreach moment in array array['timestamp', 'timestamptz'] loop
            foreach sign in array array['+', '-'] loop
                perform redshift.create_operator(sign, moment, kind, moment,
                                                 format('$1 %s $2::float8 * interval ''1 day''', sign));
            end loop;
        end loop;
    end loop;
end
$$;

select redshift.create_operator('+', 'date', kind, 'date', '$1 + $2::int'),
       redshift.create_operator('-', 'date', kind, 'date', '$1 - $2::int')
from (values ('int2'), ('int8')) as kinds(kind);

-- Texts are put together by + too. Only texts: with anything else beside it, this would hide a mistake.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_concat_op.html
select redshift.create_operator('+', 'varchar', 'varchar', 'text', '$1 || $2');
-- The names in the catalog are texts too.
update pg_cast set castcontext = 'i' where castsource = 'name'::regtype and casttarget = 'varchar'::regtype;

-- Rows are compared by operators of a family alone.
create operator family redshift.mixed using btree;
do $$
declare
    found record;
begin
    for found in
        select array_position(array['<', '<=', '=', '>=', '>'], oprname::text) as strategy, oid::regoperator as sign
        from pg_operator where oprnamespace = 'redshift'::regnamespace and oprresult = 'bool'::regtype and oprname in ('<', '<=', '=', '>=', '>')
    loop
        execute format('alter operator family redshift.mixed using btree add operator %s %s', found.strategy, found.sign);
    end loop;
end
$$;
