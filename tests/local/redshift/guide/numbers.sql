-- page: r_ROUND
-- feature: function round
create table fees (id int, paid decimal(8,2), rate float8, whole bigint);
insert into fees values (1, 28.05, 28.05, 5), (2, -162.67, -162.67, -4), (3, 10.50, 2.5, null);

select round(paid), round(paid, 1), round(paid, -1), round(28.0519, 2) from fees where id = 1;
-- 28 | 28.1 | 30 | 28.05

-- was: refused
select round(rate, 1), round(rate) from fees where id = 2;
-- -162.7 | -163.0

-- was: refused
select round(rate, -1), round(1.005::float, 1) from fees where id = 2;
-- -160.0 | 1.0

-- page: r_TRUNC
-- feature: function trunc
-- was: refused
select trunc(111.86), trunc(111.86, 1), trunc(-162.67), trunc(rate, 1), trunc(rate) from fees where id = 2;
-- 111 | 111.8 | -162 | -162.6 | -162.0

-- page: r_CEILING_FLOOR
-- feature: function ceil, ceiling, floor
select ceil(16.05), ceiling(-9.5), floor(16.95), floor(-9.5), ceil(rate) from fees where id = 1;
-- 17 | -9 | 16 | -10 | 29.0

-- page: r_ABS
-- feature: function abs, sign
select abs(-38), abs(38 - 76), abs(paid), sign(-5.2), sign(paid), sign(0) from fees where id = 2;
-- 38 | 38 | 162.67 | -1 | -1 | 0.0

-- page: r_MOD
-- feature: function mod
select mod(10, 4), mod(-10, 4), 10 % 3, mod(10.5, 3);
-- 2 | -2 | 1 | 1.5

-- page: r_POWER
-- feature: function power, pow, sqrt, cbrt, exp, dexp
-- was: refused
select power(2, 3), pow(2, 0.5) > 1.41, sqrt(16), round(cbrt(27), 6), exp(0), dexp(0::float);
-- 8.0 | true | 4.0 | 3.0 | 1.0 | 1.0

-- page: r_LN
-- feature: function ln, log, dlog1, dlog10
select ln(1), log(1000), dlog10(100), dlog1(1);
-- 0.0 | 3.0 | 2.0 | 0.0

-- page: r_DEGREES
-- feature: function degrees, radians, pi
-- was: refused
select degrees(pi()), round(radians(180), 4), round(pi(), 5);
-- 180.0 | 3.1416 | 3.14159

-- page: r_SIN
-- feature: function sin, cos, tan, cot, asin, acos, atan, atan2
-- was: refused
select sin(0), cos(0), tan(0), round(cot(1), 4), asin(0), acos(1), atan(0), round(atan2(2, 2), 4);
-- 0.0 | 1.0 | 0.0 | 0.6421 | 0.0 | 0.0 | 0.0 | 0.7854

-- page: r_RANDOM
-- feature: function random
select random() >= 0 and random() < 1, cast(random() * 100 as int) between 0 and 100;
-- true | true

-- page: r_OPERATOR_SYMBOLS
-- feature: operator arithmetic
-- was: refused
select 2 + 3, 2 - 3, 2 * 3, 7 / 2, 7 % 2, 2 ^ 3, |/ 25.0, round(||/ 27.0, 6), @ -5.0;
-- 5 | -1 | 6 | 3 | 1 | 8.0 | 5.0 | 3.0 | 5.0

select 91 & 15, 32 | 3, ~1, 1 << 4, 8 >> 2;
-- 11 | 35 | -2 | 16 | 2

select paid / 4 > 7, -paid, +paid, paid * 2 from fees where id = 1;
-- true | -28.05 | 28.05 | 56.10

-- page: r_comparison_condition
-- feature: operator comparison
select 1 < 2, 2 <= 2, 3 > 4, 4 >= 4, 1 = 1, 1 <> 2, 1 != 2, null = null;
-- true | true | false | true | true | true | true | null

select 5 between 1 and 5, 5 not between 1 and 4, 5 in (1, 5), 5 not in (1, 2), null is null, 5 is not null;
-- true | true | true | true | true | true

-- page: r_NVL_function
-- feature: function nvl, coalesce
select nvl(null, 2), coalesce(null, null, 'x'), nvl(whole, 0), nvl(null::int, null) from fees where id = 3;
-- columns: coalesce | coalesce | coalesce | coalesce
-- 2 | x | 0 | null

-- page: r_NVL2
-- feature: function nvl2
select nvl2(whole, 'has', 'none'), nvl2(null, 1, 2) from fees order by id;
-- has | 2
-- has | 2
-- none | 2

-- page: r_NULLIF_function
-- feature: function nullif
-- was: wrong
select nullif(1, 1), nullif('a', 'b'), nullif('x', 'x ');
-- null | a | null

-- page: r_DECODE_expression
-- feature: function decode
select id, decode(id, 1, 'one', 2, 'two', 'more'), decode(id, 1, 'only') from fees order by id;
-- 1 | one | only
-- 2 | two | null
-- 3 | more | null

select decode(null, null, 'both null', 'not'), decode(whole, null, 'none', 5, 'five') from fees order by id;
-- both null | five
-- both null | null
-- both null | none

-- page: r_CASE_function
-- feature: clause case
select case id when 1 then 'a' when 2 then 'b' else 'c' end, case when paid > 20 then 'high' when paid < 0 then 'low' end from fees order by id;
-- columns: case | case
-- a | high
-- b | low
-- c | null

-- page: r_GREATEST_LEAST
-- feature: function greatest, least
select greatest(1, 5, 3), least('b', 'a'), greatest(1, null, 2), least(null, null) is null;
-- 5 | a | 2 | true

-- page: r_AVG
-- feature: function avg
-- was: refused
select avg(id), avg(paid), round(avg(rate), 2) as r, avg(whole) from fees;
-- columns: avg | avg | r | avg
-- types: int8 | numeric | float8 | int8
-- 2 | -41.37 | -44.04 | 0

-- was: wrong
select avg(distinct id), avg(id::smallint), avg(id * 1.00), avg(id)::int from fees;
-- 2 | 2 | 2.00 | 2

-- was: wrong
select avg(x), avg(y) from (select 1 as x, 1.25 as y union all select 2, 2.5 union all select 2, 4);
-- 1 | 2.58

select avg(-x) from (select 1 as x union all select 2);
-- -1

-- page: r_SUM
-- feature: function sum
select sum(id), sum(paid), sum(whole), sum(distinct id), sum(id) from fees where id > 100;
-- null | null | null | null | null

select sum(id), sum(paid), sum(whole) from fees;
-- types: int8 | numeric | numeric
-- 6 | -124.12 | 1

-- page: r_COUNT
-- feature: function count
select count(*), count(whole), count(distinct id / 2), approximate count(distinct id) from fees;
-- 3 | 2 | 2 | 3

-- page: r_MIN
-- feature: function min, max
select min(id), max(paid), min('b'), max(rate) from fees;
-- 1 | 28.05 | b | 28.05

-- page: r_ANY_VALUE
-- feature: function any_value
select any_value(x), any_value(null::int) from (select 7 as x union all select 7);
-- 7 | null

-- page: r_MEDIAN
-- feature: function median
-- was: wrong
select median(id), median(paid), median(rate) from fees;
-- types: numeric | numeric | float8
-- 2 | 10.50 | 2.5

-- was: wrong
select median(x) from (select 10 as x union all select 20 union all select 30 union all select 40);
-- 25

select median(x), median(x::float4) from (select 10::smallint as x union all select 25) as t;
-- 17.5 | 17.5

-- page: r_PERCENTILE_CONT
-- feature: function percentile_cont, percentile_disc
select percentile_cont(0.5) within group (order by id), percentile_disc(0.5) within group (order by id desc) from fees;
-- 2.0 | 2

select percentile_cont(0.25) within group (order by x), percentile_disc(0.25) within group (order by x) from (select 1 as x union all select 2 union all select 3 union all select 4);
-- 1.75 | 1

-- page: r_APPROXIMATE_PERCENTILE_DISC
-- feature: function approximate percentile_disc
select approximate percentile_disc(0.5) within group (order by id) from fees;
-- 2

-- page: r_STDDEV_functions
-- feature: function stddev, variance
select round(stddev_samp(id), 4), round(stddev_pop(id), 4), round(variance(id), 4), var_pop(id) > 0.66, stddev(id) = stddev_samp(id) from fees;
-- 1.0000 | 0.8165 | 1.0000 | true | true

-- page: r_BIT_AND
-- feature: function bit_and, bit_or, bool_and, bool_or
select bit_and(x), bit_or(x), bool_and(x > 3), bool_or(x > 6) from (select 6 as x union all select 7 union all select 12);
-- 4 | 15 | true | true

-- page: r_LISTAGG
-- feature: function listagg
-- was: wrong
select listagg(id, ', ') within group (order by id desc), listagg(sign(paid)::int) from fees where id = 1;
-- columns: listagg | listagg
-- 1 | 1

select listagg(distinct sign(paid)::int, '|') within group (order by sign(paid)::int) from fees;
-- -1|1

select listagg(x, ',') within group (order by x) from (select 'b' as x union all select 'a' union all select null);
-- a,b

-- page: r_HLL_function
-- feature: function hll
-- differs: exact, not estimated
select hll(id), hll(distinct paid) from fees;
-- 3 | 3

-- page: r_HLL_CREATE_SKETCH
-- feature: function hll_create_sketch, hll_cardinality, hll_combine
-- was: refused
select hll_cardinality(hll_create_sketch(id)) from fees;
-- error: HLL_CREATE_SKETCH is not emulated
