-- Texts whose case does not matter: COLLATE CASE_INSENSITIVE. PostgreSQL's own collations cannot do it without ICU, so
-- they are a type, which is kept as VARCHAR is and becomes text wherever one is wanted.
-- https://docs.aws.amazon.com/redshift/latest/dg/r_COLLATE.html
create type redshift.insensitive;
create function redshift.insensitive_in(cstring, oid, int) returns redshift.insensitive language internal immutable strict as 'varcharin';
create function redshift.insensitive_out(redshift.insensitive) returns cstring language internal immutable strict as 'varcharout';
create type redshift.insensitive (
    input = redshift.insensitive_in, output = redshift.insensitive_out, typmod_in = varchartypmodin,
    typmod_out = varchartypmodout, like = varchar, category = 'S', collatable = true
);
create function redshift.insensitive(redshift.insensitive, int, boolean) returns redshift.insensitive
language internal immutable strict as 'varchar';
create cast (redshift.insensitive as redshift.insensitive) with function redshift.insensitive(redshift.insensitive, int, boolean) as implicit;
create cast (redshift.insensitive as text) without function as implicit;
create cast (redshift.insensitive as varchar) without function as implicit;
create cast (text as redshift.insensitive) without function as assignment;
create cast (varchar as redshift.insensitive) without function as assignment;
create cast (redshift.insensitive as bpchar) with inout as assignment;
create cast (bpchar as redshift.insensitive) with inout as assignment;

create function redshift.insensitive_order(a redshift.insensitive, b redshift.insensitive) returns int immutable
return bpcharcmp(lower(a::text)::bpchar, lower(b::text)::bpchar);
create function redshift.insensitive_hash(a redshift.insensitive) returns int immutable
return hashbpchar(rtrim(lower(a::text))::bpchar);
do $$
declare
    sign text;
    name text;
    opposite text;
    mirrored text;
    first text;
    second text;
begin
    for sign, name, mirrored in values ('=', 'eq', '='), ('<>', 'ne', '<>'), ('<', 'lt', '>'), ('<=', 'le', '>='), ('>', 'gt', '<'),
        ('>=', 'ge', '<=')
    loop
        for first, second in values ('redshift.insensitive', 'redshift.insensitive'), ('redshift.insensitive', 'text'),
            ('text', 'redshift.insensitive')
        loop
            execute format('create function redshift.insensitive_%1$s(%2$s, %3$s) returns boolean immutable
                            return lower($1::text) %4$s lower($2::text)', name, first, second, sign);
            execute format('create operator redshift.%1$s (leftarg = %2$s, rightarg = %3$s, function = redshift.insensitive_%4$s,
                            commutator = operator(redshift.%5$s) %6$s)', sign, first, second, name, mirrored,
                           case when sign = '=' and first = second then ', hashes, merges' else '' end);
        end loop;
    end loop;
    for sign, opposite in values ('~~', '~~*'), ('!~~', '!~~*') loop
        perform redshift.create_operator(sign, 'redshift.insensitive', 'text', 'boolean', format('$1::text %s $2', opposite));
    end loop;
end
$$;
create operator class redshift.insensitive_ops default for type redshift.insensitive using btree as
    operator 1 redshift.<, operator 2 redshift.<=, operator 3 redshift.=, operator 4 redshift.>=, operator 5 redshift.>,
    function 1 redshift.insensitive_order(redshift.insensitive, redshift.insensitive);
create operator class redshift.insensitive_hash_ops default for type redshift.insensitive using hash as
    operator 1 redshift.=, function 1 redshift.insensitive_hash(redshift.insensitive);
