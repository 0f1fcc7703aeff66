-- Aggregates: https://docs.aws.amazon.com/redshift/latest/dg/c_Aggregate_Functions.html

-- The first of each run of equal strings, in the given order: LISTAGG(DISTINCT …) WITHIN GROUP (ORDER BY …).
create function redshift.join_distinct(parts text[], separator text) returns text language sql immutable
as $$
    select string_agg(part, separator order by place)
    from (select part, min(place) as place from unnest(parts) with ordinality as u(part, place)
          where part is not null group by part) as firsts
$$;


create function redshift.median_of(parts numeric[]) returns numeric language sql immutable strict as $$
    select case when low = high then low else trim_scale((low + high) / 2) end
    from (select percentile_disc(0.5) within group (order by part) as low,
                 percentile_disc(0.5) within group (order by part desc) as high
          from unnest(parts) as u(part)) as middle
$$;
create function redshift.median_of(parts double precision[]) returns double precision language sql immutable strict as $$
    select percentile_cont(0.5) within group (order by part) from unnest(parts) as u(part)
$$;
create function redshift.median_of(parts int[]) returns numeric immutable return redshift.median_of(parts::numeric[]);
create function redshift.median_of(parts bigint[]) returns numeric immutable return redshift.median_of(parts::numeric[]);
create function redshift.median_of(parts smallint[]) returns numeric immutable return redshift.median_of(parts::numeric[]);

-- MEDIAN without OVER: the mean of the two values in the middle, which PERCENTILE_DISC picks (see calls/aggregates.py).
create function redshift.middle(picked numeric[]) returns numeric immutable
return case when picked[1] = picked[2] then picked[1] else trim_scale((picked[1] + picked[2]) / 2) end;
create function redshift.middle(picked double precision[]) returns double precision immutable return (picked[1] + picked[2]) / 2;
create function redshift.middle(picked real[]) returns double precision immutable return (picked[1]::float8 + picked[2]) / 2;
create function redshift.middle(picked int[]) returns numeric immutable return redshift.middle(picked::numeric[]);
create function redshift.middle(picked bigint[]) returns numeric immutable return redshift.middle(picked::numeric[]);
create function redshift.middle(picked smallint[]) returns numeric immutable return redshift.middle(picked::numeric[]);

-- Of values in their order, for PERCENTILE_CONT and PERCENTILE_DISC with OVER.
create function redshift.percentile_cont_of(parts numeric[], fraction numeric) returns numeric immutable strict
return parts[floor(fraction * (cardinality(parts) - 1))::int + 1]
    + (fraction * (cardinality(parts) - 1) - floor(fraction * (cardinality(parts) - 1)))
    * (parts[ceil(fraction * (cardinality(parts) - 1))::int + 1] - parts[floor(fraction * (cardinality(parts) - 1))::int + 1]);
create function redshift.percentile_cont_of(parts double precision[], fraction numeric) returns double precision immutable
return redshift.percentile_cont_of(parts::numeric[], fraction)::double precision;
create function redshift.percentile_cont_of(parts int[], fraction numeric) returns numeric immutable
return redshift.percentile_cont_of(parts::numeric[], fraction);
create function redshift.percentile_cont_of(parts bigint[], fraction numeric) returns numeric immutable
return redshift.percentile_cont_of(parts::numeric[], fraction);
create function redshift.percentile_cont_of(parts smallint[], fraction numeric) returns numeric immutable
return redshift.percentile_cont_of(parts::numeric[], fraction);
create function redshift.percentile_disc_of(parts anyarray, fraction numeric) returns anyelement language sql
immutable as $$ select parts[greatest(ceil(fraction * cardinality(parts))::int, 1)] $$;

-- The first and the last value of a window that is not NULL.
create function redshift.keep_first(known anyelement, anyelement) returns anyelement language sql immutable strict
as $$ select known $$;
create function redshift.keep_last(anyelement, latest anyelement) returns anyelement language sql immutable strict
as $$ select latest $$;
create aggregate redshift.first_known(anyelement) (sfunc = redshift.keep_first, stype = anyelement);
create aggregate redshift.last_known(anyelement) (sfunc = redshift.keep_last, stype = anyelement);

-- The average of integers is an integer, that of decimals has the scale of the decimals, and digits are cut off.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_AVG.html
-- PostgreSQL's own code adds up. An average of integers comes out as a type of its own, so that settle() knows what it
-- is; what settle() is given beside it costs nothing, because aggregates that add up alike share their work.
create type redshift.whole;
create function redshift.whole_in(cstring, oid, int) returns redshift.whole language internal immutable strict as 'numeric_in';
create function redshift.whole_out(redshift.whole) returns cstring language internal immutable strict as 'numeric_out';
create type redshift.whole (input = redshift.whole_in, output = redshift.whole_out, like = numeric);
create cast (redshift.whole as numeric) without function;
create function redshift.whole_avg(internal) returns redshift.whole language internal immutable as 'numeric_poly_avg';
create function redshift.whole_sum(internal) returns redshift.whole language internal immutable as 'numeric_poly_sum';
do $$
declare
    kind text;
    step text;
begin
    for kind, step in values ('int2', 'int2_accum'), ('int4', 'int4_accum'), ('int8', 'int8_avg_accum') loop
        execute format('create aggregate redshift.avg(%s) (sfunc = %s, stype = internal, finalfunc = redshift.whole_avg)', kind, step);
        execute format('create aggregate redshift.avg_total(%s) (sfunc = %s, stype = internal, finalfunc = redshift.whole_sum)', kind, step);
    end loop;
end
$$;
create function redshift.settle(average redshift.whole, total redshift.whole) returns bigint immutable
return trunc(average::numeric)::bigint;
create aggregate redshift.avg(numeric) (sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_avg);
create aggregate redshift.avg_total(numeric) (sfunc = numeric_avg_accum, stype = internal, finalfunc = numeric_sum);
create function redshift.settle(average numeric, total numeric) returns numeric immutable return trunc(average, scale(total));
create aggregate redshift.avg(real) (
    sfunc = float4_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}'
);
create aggregate redshift.avg_total(real) (
    sfunc = float4_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}'
);
create aggregate redshift.avg(double precision) (
    sfunc = float8_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}'
);
create aggregate redshift.avg_total(double precision) (
    sfunc = float8_accum, stype = double precision[], finalfunc = float8_avg, initcond = '{0,0,0}'
);
create function redshift.settle(average double precision, double precision) returns double precision immutable return average;
create aggregate redshift.avg(interval) (sfunc = interval_avg_accum, stype = internal, finalfunc = interval_avg);
create aggregate redshift.avg_total(interval) (sfunc = interval_avg_accum, stype = internal, finalfunc = interval_avg);
create function redshift.settle(average interval, interval) returns interval immutable return average;
