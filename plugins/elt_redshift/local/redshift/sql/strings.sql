-- Strings: https://docs.aws.amazon.com/redshift/latest/dg/String_functions_header.html

create function redshift.len(value text) returns int immutable return length(value);
create function redshift.len(value bpchar) returns int immutable return length(value);
create function redshift.len(value bytea) returns int immutable return length(value);
create function redshift.textlen(value text) returns int immutable return length(value);
create function redshift.charindex(part text, value text) returns int immutable return strpos(value, part);
create function redshift.octetindex(part text, value text) returns int immutable
return position(convert_to(part, 'UTF8') in convert_to(value, 'UTF8'));
create function redshift.replicate(value text, times int) returns text immutable return repeat(value, times);
-- NULL with anything is NULL, unlike PostgreSQL's.
create function redshift.concat(text, text) returns text immutable return $1 || $2;
create function redshift.concat(bytea, bytea) returns bytea immutable return $1 || $2;
create function redshift.strtol(value text, base int) returns bigint language plpgsql immutable strict
as $$
declare
    digits text := lower(trim(value));
    negative boolean := left(digits, 1) = '-';
    result bigint := 0;
    digit int;
begin
    digits := ltrim(digits, '+-');
    if base = 16 then
        digits := regexp_replace(digits, '^0x', '');
    end if;
    for place in 1 .. length(digits) loop
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, place, 1)) - 1;
        if digit < 0 or digit >= base then
            raise exception 'The input % is not valid to be converted to base %', value, base;
        end if;
        result := result * base + digit;
    end loop;
    return case when negative then -result else result end;
end
$$;


-- American Soundex; what is no letter is passed over.
create function redshift.soundex(value text) returns text language sql immutable strict as $$
    with letters as (select regexp_replace(upper(value), '[^A-Z]', '', 'g') as word),
    coded as (
        select place, letter, translate(letter, 'BFPVCGJKQSXZDTLMNR', '111122222222334556') as code
        from letters, unnest(string_to_array(word, null)) with ordinality as parts(letter, place)
        where letter not in ('H', 'W') or place = 1),
    runs as (select place, letter, code, lag(code) over (order by place) as before from coded)
    select case when word = '' then '' else
        rpad(left(word, 1) || coalesce(left((select string_agg(code, '' order by place) from runs
                                             where place > 1 and code ~ '[1-6]' and code is distinct from before), 3), ''), 4, '0') end
    from letters
$$;
create function redshift.difference(a text, b text) returns int language sql immutable strict as $$
    select coalesce(sum((substr(redshift.soundex(a), place, 1) = substr(redshift.soundex(b), place, 1)
                         and redshift.soundex(a) <> '' and redshift.soundex(b) <> '')::int), 0)::int
    from generate_series(1, 4) as places(place)
$$;

-- Regular expressions: p (PCRE) asks for what PostgreSQL's have anyway, e for the first part in brackets.
create function redshift.regexp_flags(parameters text) returns text immutable return translate(parameters, 'pe', '');
create function redshift.regexp_count(source text, pattern text, start int default 1, parameters text default '') returns int
immutable return pg_catalog.regexp_count(source, pattern, start, redshift.regexp_flags(parameters));
create function redshift.regexp_instr(source text, pattern text, start int default 1, occurrence int default 1,
                                      option int default 0, parameters text default '') returns int immutable
return pg_catalog.regexp_instr(source, pattern, start, occurrence, option, redshift.regexp_flags(parameters),
                               case when strpos(parameters, 'e') > 0 then 1 else 0 end);
create function redshift.regexp_substr(source text, pattern text, start int default 1, occurrence int default 1,
                                       parameters text default '') returns text immutable
return coalesce(
    case when strpos(parameters, 'e') > 0
         then pg_catalog.regexp_substr(source, pattern, start, occurrence, redshift.regexp_flags(parameters), 1) end,
    pg_catalog.regexp_substr(source, pattern, start, occurrence, redshift.regexp_flags(parameters)),
    case when source is not null and pattern is not null then '' end);
-- Every match is replaced; $1 stands for the first part in brackets.
create function redshift.regexp_replace(source text, pattern text, replacement text default '', start int default 1,
                                        parameters text default '') returns text immutable
return pg_catalog.regexp_replace(source, pattern, regexp_replace(replacement, e'[$](\\d)', e'\\\\\\1', 'g'), start, 0,
                                 redshift.regexp_flags(parameters));

-- Numbers as Teradata writes them: a sign behind, an exponent.
create function redshift.text_to_numeric_alt(value text, digits int default 38, scale int default 0) returns numeric immutable
return case when trim(value) = '' then 0 else
    round(regexp_replace(replace(trim(value), ',', ''), '^(.*)([-+])$', e'\\2\\1')::numeric, scale) end;
create function redshift.text_to_int_alt(value text) returns int immutable
return trunc(redshift.text_to_numeric_alt(value, 38, 20))::int;

-- Hashes: https://docs.aws.amazon.com/redshift/latest/dg/hash-functions.html ------------------------------------------

create function redshift.sha2(value text, bits int) returns text immutable strict
return case bits
    when 0 then encode(sha256(convert_to(value, 'UTF8')), 'hex')
    when 224 then encode(sha224(convert_to(value, 'UTF8')), 'hex')
    when 256 then encode(sha256(convert_to(value, 'UTF8')), 'hex')
    when 384 then encode(sha384(convert_to(value, 'UTF8')), 'hex')
    when 512 then encode(sha512(convert_to(value, 'UTF8')), 'hex')
end;

-- PostgreSQL has no SHA-1 without an extension: FIPS 180-4 in words of 32 bits, kept in bigint.
create function redshift.sha1(value text) returns text language plpgsql immutable strict
as $$
declare
    mask constant bigint := 4294967295;
    message bytea := convert_to(value, 'UTF8');
    bits bigint := length(message) * 8;
    h bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520]::bigint[];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; next bigint;
begin
    message := message || decode('80', 'hex')
        || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex') || int8send(bits);
    for block in 0 .. length(message) / 64 - 1 loop
        for t in 0 .. 15 loop
            w[t] := (get_byte(message, block * 64 + t * 4)::bigint << 24) | (get_byte(message, block * 64 + t * 4 + 1) << 16)
                | (get_byte(message, block * 64 + t * 4 + 2) << 8) | get_byte(message, block * 64 + t * 4 + 3);
        end loop;
        for t in 16 .. 79 loop
            next := w[t - 3] # w[t - 8] # w[t - 14] # w[t - 16];
            w[t] := ((next << 1) | (next >> 31)) & mask;
        end loop;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        for t in 0 .. 79 loop
            if t < 20 then f := (b & c) | ((~b & mask) & d); k := 1518500249;
            elsif t < 40 then f := b # c # d; k := 1859775393;
            elsif t < 60 then f := (b & c) | (b & d) | (c & d); k := 2400959708;
            else f := b # c # d; k := 3395469782;
            end if;
            next := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[t]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := next;
        end loop;
        h := array[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    end loop;
    return (select string_agg(lpad(to_hex(word), 8, '0'), '' order by place) from unnest(h) with ordinality as u(word, place));
end
$$;
create function redshift.func_sha1(value text) returns text immutable return redshift.sha1(value);
create function redshift.sha(value text) returns text immutable return redshift.sha1(value);

-- CRC-32C, in hexadecimal digits.
create function redshift.crc32(value text) returns text immutable
return lpad(to_hex(crc32c(convert_to(value, 'UTF8'))), 8, '0');

-- FNV-1a over the bytes of a value, numbers with the least first; NULL changes nothing.
create function redshift.fnv_bytes(value bytea, seed bigint) returns bigint language plpgsql immutable as $$
declare
    hash numeric := case when seed < 0 then seed + 18446744073709551616 else seed end;
begin
    for place in 0 .. coalesce(length(value), 0) - 1 loop
        hash := (div(hash, 256) * 256 + (mod(hash, 256)::int # get_byte(value, place))) * 1099511628211 % 18446744073709551616;
    end loop;
    return case when hash >= 9223372036854775808 then hash - 18446744073709551616 else hash end;
end
$$;
create function redshift.turned(value bytea) returns bytea immutable
return decode(array_to_string(array(select substr(encode(value, 'hex'), place * 2 - 1, 2)
                                    from generate_series(length(value), 1, -1) as places(place)), ''), 'hex');
create function redshift.fnv_hash(value text, seed bigint default -3750763034362895579) returns bigint immutable
return redshift.fnv_bytes(convert_to(value, 'UTF8'), seed);
create function redshift.fnv_hash(value smallint, seed bigint default -3750763034362895579) returns bigint immutable
return redshift.fnv_bytes(redshift.turned(int2send(value)), seed);
create function redshift.fnv_hash(value int, seed bigint default -3750763034362895579) returns bigint immutable
return redshift.fnv_bytes(redshift.turned(int4send(value)), seed);
create function redshift.fnv_hash(value bigint, seed bigint default -3750763034362895579) returns bigint immutable
return redshift.fnv_bytes(redshift.turned(int8send(value)), seed);
create function redshift.fnv_hash(value bytea, seed bigint default -3750763034362895579) returns bigint immutable
return redshift.fnv_bytes(value, seed);

-- The digits of a decimal.
create function redshift.checksum(value numeric) returns bigint immutable return replace(value::text, '.', '')::bigint;

-- VARBYTE: https://docs.aws.amazon.com/redshift/latest/dg/varbyte-functions.html --------------------------------------

create function redshift.to_hex(value bytea) returns text immutable return encode(value, 'hex');
create function redshift.from_hex(value text) returns bytea immutable return decode(value, 'hex');
create function redshift.to_varbyte(value text, format text) returns bytea immutable
return case lower(format) when 'hex' then decode(value, 'hex') when 'base64' then decode(value, 'base64')
            when 'binary' then decode(lpad(to_hex(lpad(value, 64, '0')::bit(64)::bigint), length(value) / 4, '0'), 'hex')
            else convert_to(value, 'UTF8') end;
create function redshift.from_varbyte(value bytea, format text) returns text immutable
return case lower(format) when 'hex' then encode(value, 'hex') when 'base64' then encode(value, 'base64')
            when 'binary' then right(('x' || lpad(encode(value, 'hex'), 16, '0'))::bit(64)::text, length(value) * 8)
            else convert_from(value, 'UTF8') end;
create function redshift.getbit(value bytea, place int) returns int immutable
return get_bit(value, (length(value) - 1 - place / 8) * 8 + place % 8);
create function redshift.bytes_text(value bytea) returns text immutable return convert_from(value, 'UTF8');
create function redshift.bytes_varchar(value bytea) returns varchar immutable return convert_from(value, 'UTF8');
create function redshift.text_bytes(value text) returns bytea immutable return convert_to(value, 'UTF8');
create cast (bytea as text) with function redshift.bytes_text(bytea) as assignment;
create cast (bytea as varchar) with function redshift.bytes_varchar(bytea) as assignment;
create cast (text as bytea) with function redshift.text_bytes(text) as assignment;
create cast (varchar as bytea) with function redshift.text_bytes(text) as assignment;
