-- Numbers: https://docs.aws.amazon.com/redshift/latest/dg/Math_functions.html

create function redshift.round(value double precision, digits int) returns double precision immutable
return pg_catalog.round(value::numeric, digits)::double precision;
create function redshift.trunc(value double precision, digits int) returns double precision immutable
return pg_catalog.trunc(value::numeric, digits)::double precision;
create function redshift.dlog10(value double precision) returns double precision immutable return log(value);
create function redshift.dlog1(value double precision) returns double precision immutable return ln(value);
create function redshift.dexp(value double precision) returns double precision immutable return exp(value);

-- Integers rounded up and down are numbers that SIGN, CEILING and FLOOR leave as they are.
