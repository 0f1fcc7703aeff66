-- SUPER: https://docs.aws.amazon.com/redshift/latest/dg/r_SUPER_type.html
-- A SUPER is kept as text: a string as it is, so that a literal put into a SUPER is a string, everything else as JSON
-- without blanks behind chr(1). It takes the place of PostgreSQL's XML, which nobody misses, because that is a type
-- with a number that never changes, without operators, and with a name that PostgreSQL uses in its own messages.
update pg_type set typname = 'super', typinput = 'textin', typoutput = 'textout', typreceive = 'textrecv', typsend = 'textsend',
                   typcategory = 'S'
where oid = 142;
update pg_type set typname = '_super' where oid = 143;
delete from pg_cast where 142 in (castsource, casttarget);

-- The text that is kept, and back: by way of a type that is text too, which costs nothing.
create cast (super as refcursor) without function;
create cast (refcursor as super) without function;
create cast (refcursor as text) without function;
create cast (text as refcursor) without function;

create function redshift.raw(value super) returns text immutable return value::refcursor::text;
create function redshift.of_raw(value text) returns super immutable return value::refcursor::super;

-- JSON, in which a string has its quotes, and back.
create function redshift.to_json(value super) returns json immutable return
case when starts_with(redshift.raw(value), e'\x01') then substr(redshift.raw(value), 2)::json
     else pg_catalog.to_json(redshift.raw(value)) end;
create function redshift.compact(value text) returns text immutable
return regexp_replace(value, e'("(?:[^"\\\\]|\\\\.)*")|\\s+', e'\\1', 'g');
create function redshift.of_json(value json) returns super language sql immutable as $$
    select redshift.of_raw(case json_typeof(value) when 'string' then value #>> '{}' else e'\x01' || value::text end)
$$;
create function redshift.json_parse(value text) returns super language sql immutable as $$
    select redshift.of_json(redshift.compact(value)::json)
$$;
create function redshift.json_parse(value bytea) returns super immutable return redshift.json_parse(convert_from(value, 'UTF8'));
create function redshift.json_serialize(value super) returns text immutable
return case when starts_with(redshift.raw(value), e'\x01') then substr(redshift.raw(value), 2)
            else pg_catalog.to_json(redshift.raw(value))::text end;
create function redshift.json_serialize_to_varbyte(value super) returns bytea immutable
return convert_to(redshift.json_serialize(value), 'UTF8');
create function redshift.json_typeof(value super) returns text immutable
return case when starts_with(redshift.raw(value), e'\x01') then pg_catalog.json_typeof(redshift.to_json(value))
            when value is not null then 'string' end;

-- The text of a scalar; NULL for what is none.
create function redshift.scalar(value super) returns text immutable
return case when not starts_with(redshift.raw(value), e'\x01') then redshift.raw(value)
            when redshift.json_typeof(value) in ('number', 'boolean') then substr(redshift.raw(value), 2) end;

-- A constant is looked at when a query is planned, behind this guard or not.
update pg_proc set provolatile = 'i' where proname = 'pg_input_is_valid';

-- Conversions. What a SUPER cannot be converted to is NULL.
-- https://docs.aws.amazon.com/redshift/latest/dg/query-super.html#lax-semantics
create cast (super as text) with function redshift.scalar(super) as implicit;
do $$
declare
    kind text;
    name text;
begin
    foreach kind in array array['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bool', 'date', 'time', 'timetz',
                                'timestamp', 'timestamptz', 'varchar', 'bpchar'] loop
        name := 'to_' || kind;
        execute format('create function redshift.%s(value super) returns %s %s return ', name, kind,
                       case when kind in ('varchar', 'bpchar') then 'immutable' else 'stable' end)
            || case when kind in ('varchar', 'bpchar') then format('redshift.scalar(value)::%s', kind)
                    when kind in ('int2', 'int4', 'int8') then format(
                        'case when pg_input_is_valid(redshift.scalar(value), ''numeric'') then redshift.scalar(value)::numeric::%s end', kind)
                    else format('case when pg_input_is_valid(redshift.scalar(value), %L) then redshift.scalar(value)::%s end', kind, kind)
               end;
        execute format('create cast (super as %s) with function redshift.%s(super) as %s', kind, name,
                       case kind when 'float8' then 'implicit' else 'assignment' end);
        continue when kind in ('varchar', 'bpchar');
        execute format('create function redshift.to_super(value %s) returns super %s return redshift.of_raw(%s)', kind,
                       case when kind in ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bool') then 'immutable' else 'stable' end,
                       case when kind in ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bool') then 'e''\x01'' || value::text'
                            else 'value::text' end);
        execute format('create cast (%s as super) with function redshift.to_super(%s) as assignment', kind, kind);
    end loop;
end
$$;
create function redshift.to_super(value text) returns super immutable return redshift.of_raw(value);
create cast (text as super) with function redshift.to_super(text) as assignment;
create cast (varchar as super) with function redshift.to_super(text) as assignment;
create function redshift.to_super(value bpchar) returns super immutable return redshift.of_raw(value::text);
create cast (bpchar as super) with function redshift.to_super(bpchar) as assignment;

-- Comparisons are of values of one kind; others are not equal, and neither is the smaller.
create function redshift.super_same(a super, b super) returns boolean language sql immutable as $$
    select case when a is null or b is null then null
                when redshift.raw(a) = redshift.raw(b) then true
                when redshift.json_typeof(a) = 'number' and redshift.json_typeof(b) = 'number'
                    then redshift.scalar(a)::numeric = redshift.scalar(b)::numeric
                when redshift.json_typeof(a) in ('array', 'object') and redshift.json_typeof(a) = redshift.json_typeof(b)
                    then redshift.to_json(a)::jsonb = redshift.to_json(b)::jsonb
                else false end
$$;
-- -1, 0 or 1 in the order boolean, number, string, array, object.
create function redshift.super_order(a super, b super) returns int language plpgsql immutable strict as $$
declare
    kinds constant text[] := array['null', 'boolean', 'number', 'string', 'array', 'object'];
    first constant int := array_position(kinds, redshift.json_typeof(a));
    second constant int := array_position(kinds, redshift.json_typeof(b));
begin
    if first <> second then
        return sign(first - second);
    elsif first = 3 then
        return sign(redshift.scalar(a)::numeric - redshift.scalar(b)::numeric);
    elsif first > 4 then
        return case when redshift.to_json(a)::jsonb < redshift.to_json(b)::jsonb then -1
                    when redshift.to_json(a)::jsonb > redshift.to_json(b)::jsonb then 1 else 0 end;
    end if;
    return case when redshift.raw(a) < redshift.raw(b) then -1 when redshift.raw(a) > redshift.raw(b) then 1 else 0 end;
end
$$;
create function redshift.super_compared(a super, b super) returns int immutable
return case when redshift.json_typeof(a) = redshift.json_typeof(b) and redshift.json_typeof(a) not in ('array', 'object')
            then redshift.super_order(a, b) end;
create function redshift.super_ne(super, super) returns boolean immutable return not redshift.super_same($1, $2);
create function redshift.super_lt(super, super) returns boolean immutable return redshift.super_compared($1, $2) < 0;
create function redshift.super_le(super, super) returns boolean immutable return redshift.super_compared($1, $2) <= 0;
create function redshift.super_gt(super, super) returns boolean immutable return redshift.super_compared($1, $2) > 0;
create function redshift.super_ge(super, super) returns boolean immutable return redshift.super_compared($1, $2) >= 0;
create operator redshift.= (leftarg = super, rightarg = super, function = redshift.super_same, commutator = operator(redshift.=));
create operator redshift.<> (leftarg = super, rightarg = super, function = redshift.super_ne, commutator = operator(redshift.<>));
create operator redshift.< (leftarg = super, rightarg = super, function = redshift.super_lt, commutator = operator(redshift.>));
create operator redshift.<= (leftarg = super, rightarg = super, function = redshift.super_le, commutator = operator(redshift.>=));
create operator redshift.> (leftarg = super, rightarg = super, function = redshift.super_gt, commutator = operator(redshift.<));
create operator redshift.>= (leftarg = super, rightarg = super, function = redshift.super_ge, commutator = operator(redshift.<=));

do $$
declare
    kind text;
    sign text;
    name text;
begin
    foreach kind in array array['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'bool', 'date', 'timestamp',
                                'timestamptz'] loop
        for sign, name in values ('=', 'same'), ('<>', 'ne'), ('<', 'lt'), ('<=', 'le'), ('>', 'gt'), ('>=', 'ge') loop
            perform redshift.create_operator(sign, 'super', kind, 'boolean', format('redshift.super_%s($1, redshift.to_super($2))', name));
            perform redshift.create_operator(sign, kind, 'super', 'boolean', format('redshift.super_%s(redshift.to_super($1), $2)', name));
        end loop;
    end loop;
end
$$;

-- ORDER BY, GROUP BY and DISTINCT order all kinds.
create function redshift.sorts_lt(super, super) returns boolean immutable return redshift.super_order($1, $2) < 0;
create function redshift.sorts_le(super, super) returns boolean immutable return redshift.super_order($1, $2) <= 0;
create function redshift.sorts_eq(super, super) returns boolean immutable return redshift.super_order($1, $2) = 0;
create function redshift.sorts_ge(super, super) returns boolean immutable return redshift.super_order($1, $2) >= 0;
create function redshift.sorts_gt(super, super) returns boolean immutable return redshift.super_order($1, $2) > 0;
create operator redshift.<# (leftarg = super, rightarg = super, function = redshift.sorts_lt, commutator = operator(redshift.>#));
create operator redshift.<=# (leftarg = super, rightarg = super, function = redshift.sorts_le, commutator = operator(redshift.>=#));
create operator redshift.=# (leftarg = super, rightarg = super, function = redshift.sorts_eq, commutator = operator(redshift.=#));
create operator redshift.>=# (leftarg = super, rightarg = super, function = redshift.sorts_ge, commutator = operator(redshift.<=#));
create operator redshift.># (leftarg = super, rightarg = super, function = redshift.sorts_gt, commutator = operator(redshift.<#));
create operator class redshift.super_ops default for type super using btree as
    operator 1 redshift.<#, operator 2 redshift.<=#, operator 3 redshift.=#, operator 4 redshift.>=#, operator 5 redshift.>#,
    function 1 redshift.super_order(super, super);

-- Arithmetic of numbers; of anything else it is NULL.
do $$
declare
    sign text;
    kind text;
begin
    foreach sign in array array['+', '-', '*', '/', '%'] loop
        perform redshift.create_operator(sign, 'super', 'super', 'super',
            format('redshift.to_super(redshift.to_numeric($1) %s redshift.to_numeric($2))', sign));
        foreach kind in array array['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'] loop
            perform redshift.create_operator(sign, 'super', kind, 'super',
                format('redshift.to_super(redshift.to_numeric($1) %s $2::numeric)', sign));
            perform redshift.create_operator(sign, kind, 'super', 'super',
                format('redshift.to_super($1::numeric %s redshift.to_numeric($2))', sign));
        end loop;
    end loop;
end
$$;
create function redshift.super_sum(total super, value super) returns super immutable
return coalesce(total + value, total, redshift.to_super(redshift.to_numeric(value)));
create aggregate redshift.sum(super) (sfunc = redshift.super_sum, stype = super);
create function redshift.super_larger(a super, b super) returns super immutable strict
return case when redshift.super_order(a, b) >= 0 then a else b end;
create function redshift.super_smaller(a super, b super) returns super immutable strict
return case when redshift.super_order(a, b) <= 0 then a else b end;
create aggregate redshift.max(super) (sfunc = redshift.super_larger, stype = super);
create aggregate redshift.min(super) (sfunc = redshift.super_smaller, stype = super);

-- What is in a SUPER: https://docs.aws.amazon.com/redshift/latest/dg/c_Type_Info_Functions.html
create function redshift.is_array(value super) returns boolean immutable return coalesce(redshift.json_typeof(value) = 'array', false);
create function redshift.is_object(value super) returns boolean immutable return coalesce(redshift.json_typeof(value) = 'object', false);
create function redshift.is_scalar(value super) returns boolean immutable
return coalesce(redshift.json_typeof(value) in ('number', 'string', 'boolean'), false);
create function redshift.is_boolean(value super) returns boolean immutable return coalesce(redshift.json_typeof(value) = 'boolean', false);
create function redshift.is_varchar(value super) returns boolean immutable return coalesce(redshift.json_typeof(value) = 'string', false);
create function redshift.is_char(value super) returns boolean immutable
return redshift.is_varchar(value) and octet_length(redshift.raw(value)) = length(redshift.raw(value));
create function redshift.is_whole(value super, smallest bigint, largest bigint) returns boolean immutable
return coalesce(redshift.json_typeof(value) = 'number' and redshift.scalar(value) ~ '^-?[0-9]+$'
                and redshift.to_numeric(value) between smallest and largest, false);
create function redshift.is_smallint(value super) returns boolean immutable return redshift.is_whole(value, -32768, 32767);
create function redshift.is_integer(value super) returns boolean immutable return redshift.is_whole(value, -2147483648, 2147483647);
create function redshift.is_bigint(value super) returns boolean immutable
return redshift.is_whole(value, -9223372036854775808, 9223372036854775807);
create function redshift.is_decimal(value super) returns boolean immutable
return coalesce(redshift.json_typeof(value) = 'number' and redshift.scalar(value) !~* 'e', false);
create function redshift.is_float(value super) returns boolean immutable
return coalesce(redshift.json_typeof(value) = 'number' and redshift.scalar(value) ~ '[.eE]', false);
create function redshift.decimal_precision(value super) returns int immutable
return case when redshift.is_decimal(value) then length(ltrim(regexp_replace(redshift.scalar(value), '[-.]', '', 'g'), '0')) end;
create function redshift.decimal_scale(value super) returns int immutable
return case when redshift.is_decimal(value) then length(split_part(redshift.scalar(value), '.', 2)) end;
create function redshift.json_size(value super) returns int immutable return octet_length(redshift.json_serialize(value));

-- Arrays and objects --------------------------------------------------------------------------------------------------

-- The parts of JSON that PostgreSQL built of values, where a SUPER became a string.
create function redshift.part(value json) returns text language sql immutable as $$
    select case when json_typeof(value) = 'string' and starts_with(value #>> '{}', e'\x01') then substr(value #>> '{}', 2)
                else redshift.compact(value::text) end
$$;
create function redshift.array_of(built json) returns super language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(redshift.part(value), ',' order by place), '') || ']')
    from json_array_elements(built) with ordinality as parts(value, place)
$$;
create function redshift.object_of(built json) returns super language sql immutable as $$
    select redshift.of_raw(e'\x01{' || coalesce(string_agg(pg_catalog.to_json(key)::text || ':' || redshift.part(value), ',' order by place), '')
                           || '}')
    from json_each(built) with ordinality as parts(key, value, place)
$$;

-- An array as rows, numbered from 0, and an object as rows.
create function redshift.elements(value super) returns table (element super, place bigint) language sql immutable as $$
    select redshift.of_json(parts.part), parts.number - 1
    from json_array_elements(case when redshift.is_array(value) then redshift.to_json(value) else '[]' end)
         with ordinality as parts(part, number)
$$;
create function redshift.attributes(value super) returns table (content super, attribute text) language sql immutable as $$
    select redshift.of_json(parts.part), parts.key
    from json_each(case when redshift.is_object(value) then redshift.to_json(value) else '{}' end) as parts(key, part)
$$;

create function redshift.get_array_length(value super) returns bigint immutable
return case when redshift.is_array(value) then json_array_length(redshift.to_json(value)) end;
create function redshift.array_concat(a super, b super) returns super language sql immutable as $$
    select redshift.of_raw(e'\x01[' || concat_ws(',', nullif(substr(redshift.raw(a), 3, length(redshift.raw(a)) - 3), ''),
                                                 nullif(substr(redshift.raw(b), 3, length(redshift.raw(b)) - 3), '')) || ']')
    where redshift.is_array(a) and redshift.is_array(b)
$$;
create function redshift.array_flatten(value super) returns super language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(redshift.json_serialize(leaves.leaf), ','), '') || ']')
    from (select coalesce(inner_.element, outer_.element) as leaf
          from redshift.elements(value) as outer_
          left join lateral redshift.elements(outer_.element) as inner_ on redshift.is_array(outer_.element)
          where not redshift.is_array(outer_.element) or inner_.element is not null
          order by outer_.place, inner_.place) as leaves
$$;
create function redshift.subarray(value super, start bigint, length bigint default null) returns super language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(redshift.json_serialize(element), ',' order by place), '') || ']')
    from redshift.elements(value) where place >= start and (length is null or place < start + length)
$$;

-- JSON whose attributes, at any depth, have their names in the other case.
create function redshift.with_names(value json, upper boolean) returns text language plpgsql immutable as $$
begin
    case json_typeof(value)
        when 'object' then
            return '{' || coalesce((
                select string_agg(pg_catalog.to_json(case when upper then upper(key) else lower(key) end)::text || ':'
                                  || redshift.with_names(part, upper), ',' order by place)
                from json_each(value) with ordinality as parts(key, part, place)), '') || '}';
        when 'array' then
            return '[' || coalesce((select string_agg(redshift.with_names(part, upper), ',' order by place)
                                    from json_array_elements(value) with ordinality as parts(part, place)), '') || ']';
        else
            return redshift.compact(value::text);
    end case;
end
$$;
create function redshift.lower_attribute_names(value super) returns super immutable
return case when redshift.is_scalar(value) then value else redshift.of_raw(e'\x01' || redshift.with_names(redshift.to_json(value), false)) end;
create function redshift.upper_attribute_names(value super) returns super immutable
return case when redshift.is_scalar(value) then value else redshift.of_raw(e'\x01' || redshift.with_names(redshift.to_json(value), true)) end;

-- Elements are the same when their JSON is. What is looked for comes as an array of it alone (see calls/texts.py).
-- https://docs.aws.amazon.com/redshift/latest/dg/Array_Functions.html
create function redshift.parts(value super) returns table (part text, place bigint, nth bigint) language sql immutable as $$
    select json, number, row_number() over (partition by json order by number)
    from (select redshift.json_serialize(element), place from redshift.elements(value)) as found(json, number)
$$;
create function redshift.array_positions(value super, wanted super, null_match boolean default true) returns super
language sql immutable as $$
    select case when not null_match and bool_or(part = 'null') and not bool_or(part = looked_for.part_wanted) then null
                when not null_match and max(looked_for.part_wanted) = 'null' then null
                else redshift.of_raw(e'\x01[' || coalesce(string_agg(place::text, ',' order by place) filter (where part = part_wanted), '') || ']')
           end
    from (select part from redshift.parts(wanted)) as looked_for(part_wanted) left join redshift.parts(value) on true
    where redshift.is_array(value)
    having count(looked_for.part_wanted) > 0
$$;
create function redshift.first_position(positions text) returns int immutable
return case positions when e'\x01[]' then -1 else rtrim(split_part(substr(positions, 3), ',', 1), ']')::int end;
create function redshift.array_position(value super, wanted super, null_match boolean default true) returns int immutable
return redshift.first_position(redshift.raw(redshift.array_positions(value, wanted, null_match)));
create function redshift.array_contains(value super, wanted super, null_match boolean default true) returns boolean immutable
return redshift.array_position(value, wanted, null_match) >= 0;
create function redshift.array_distinct(value super) returns super language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(part, ',' order by place) filter (where nth = 1), '') || ']')
    from redshift.parts(value) having redshift.is_array(value)
$$;
create function redshift.array_union(a super, b super) returns super immutable
return redshift.array_distinct(redshift.array_concat(a, b));
create function redshift.array_intersection(a super, b super, is_distinct boolean default false) returns super
language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(part, ',' order by ours.place), '') || ']')
    from redshift.parts(a) as ours join redshift.parts(b) as theirs using (part, nth)
    where not is_distinct or nth = 1 having redshift.is_array(a) and redshift.is_array(b)
$$;
create function redshift.array_except(a super, b super, is_distinct boolean default false) returns super
language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(part, ',' order by ours.place), '') || ']')
    from redshift.parts(a) as ours
    where case when is_distinct then nth = 1 and not exists (select from redshift.parts(b) as theirs where theirs.part = ours.part)
               else not exists (select from redshift.parts(b) as theirs where theirs.part = ours.part and theirs.nth = ours.nth) end
    having redshift.is_array(a) and redshift.is_array(b)
$$;
create function redshift.arrays_overlap(a super, b super) returns boolean language sql immutable as $$
    select exists (select from redshift.parts(a) as ours join redshift.parts(b) as theirs using (part))
    where redshift.is_array(a) and redshift.is_array(b)
$$;
-- Truths, numbers, texts, arrays, objects; NULL is the greatest unless told.
create function redshift.array_sort(value super, ascending boolean default true, nulls_first boolean default null) returns super
language sql immutable as $$
    select redshift.of_raw(e'\x01[' || coalesce(string_agg(part, ',' order by
               case when (kind = 'null') = coalesce(nulls_first, not ascending) then 0 else 1 end,
               case when ascending then rank end, case when ascending then number end, case when ascending then part end collate "C",
               rank desc, number desc, part collate "C" desc), '') || ']')
    from (select part, kind, array_position(array['boolean', 'number', 'string', 'array', 'object', 'null'], kind) as rank,
                 case when kind = 'number' then part::numeric end as number
          from (select part, json_typeof(part::json) as kind from redshift.parts(value)) as typed) as ranked
    having redshift.is_array(value)
$$;
create function redshift.split_to_array(value text, delimiter text default ',') returns super language sql immutable as $$
    select redshift.of_raw(e'\x01' || redshift.compact(array_to_json(string_to_array(value, delimiter))::text))
$$;

-- JSON kept in texts: https://docs.aws.amazon.com/redshift/latest/dg/json-functions.html
create function redshift.is_valid_json(value text) returns boolean immutable return value is json object;
create function redshift.is_valid_json_array(value text) returns boolean immutable return value is json array;
create function redshift.can_json_parse(value text) returns boolean immutable return value is json;
create function redshift.json_extract_path_text(value text, variadic path text[]) returns text immutable
return pg_catalog.json_extract_path_text(value::json, variadic path);
-- With null_if_invalid, Redshift's last argument.
create function redshift.json_extract_path_text_or_null(value text, variadic path text[]) returns text immutable
return case when pg_input_is_valid(value, 'json') then pg_catalog.json_extract_path_text(value::json, variadic path) end;
create function redshift.json_array_length(value text, null_if_invalid boolean default false) returns int immutable
return case when null_if_invalid and not pg_input_is_valid(value, 'json') then null
            when null_if_invalid and pg_catalog.json_typeof(value::json) <> 'array' then null
            else pg_catalog.json_array_length(value::json) end;
create function redshift.json_extract_array_element_text(value text, place int, null_if_invalid boolean default false)
returns text immutable
return case when null_if_invalid and not pg_input_is_valid(value, 'json') then null else value::json ->> place end;
