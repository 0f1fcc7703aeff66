-- page: r_CONCAT
-- feature: function concat
create table venue (id int, name varchar(30), city varchar(20), seats int, opened timestamp);
insert into venue values (1, 'Arena', 'Denver', 70000, '2008-01-24 06:43:29'), (2, 'Hall', 'Kansas City', null, '2008-11-05 12:25:29'), (3, null, 'Reno', 500, null);

select concat('December 25, ', '2008'), concat('a', concat('b', 'c'));
-- December 25, 2008 | abc

-- was: wrong
select concat(name, city) from venue order by id;
-- ArenaDenver
-- HallKansas City
-- null

-- was: wrong
select concat(name, null), concat(null, null) is null from venue where id = 1;
-- null | true

select concat(name, concat(' seats ', nvl(seats, 0))) from venue where id < 3 order by id;
-- Arena seats 70000
-- Hall seats 0

-- was: wrong
select concat('abc'::varbyte, 'def'::varbyte)::varchar;
-- abcdef

-- page: r_concat_op
-- feature: operator ||
select name || ', ' || city, name || null, 'seats ' || seats from venue where id = 1;
-- Arena, Denver | null | seats 70000

-- page: r_concat_op
-- feature: operator + between texts
-- was: refused
select 'a' + 'b', 'a' + 'b' + 'c', name + ', ' + city from venue where id = 1;
-- ab | abc | Arena, Denver

select '2020-01-31' + 1, date '2020-01-31' + 1;
-- 2020-02-01 | 2020-02-01

-- page: r_LEN
-- feature: function len
select len('cat'), len('cat   '), len('français'), len('cat   '::char(9));
-- 3 | 6 | 8 | 3

select length('cat '), char_length('cat'), character_length('cat'), textlen('ab ');
-- 4 | 3 | 3 | 3

-- page: r_OCTET_LENGTH
-- feature: function octet_length
select octet_length('français'), octet_length('abc'::char(5));
-- 9 | 5

-- page: r_LEFT
-- feature: function left, right
-- was: refused
select left('Chicago', 5), right('Chicago', 5), left(opened, 4) from venue where id = 1;
-- Chica | icago | 2008

-- page: r_LOWER
-- feature: function lower, upper, initcap
select lower('BoB'), upper('BoB'), initcap('sodales@blandit.viverra of the'), initcap('MLB');
-- bob | BOB | Sodales@Blandit.Viverra Of The | Mlb

-- page: r_LPAD
-- feature: function lpad, rpad
select lpad('Broadway', 10), lpad('x', 5, '0'), rpad('MLB', 6, '.'), lpad('abcdef', 3), rpad('abc', 8, 'xy');
-- '  Broadway' | 0000x | MLB... | abc | abcxyxyx

-- was: refused
select lpad(id, 3, '0') from venue where id = 1;
-- 001

-- page: r_LTRIM
-- feature: function ltrim, rtrim, btrim, trim
-- was: refused
select ltrim(opened, '2008-') from venue order by id;
-- 1-24 06:43:29
-- 11-05 12:25:29
-- null

select rtrim('Baltimore Park', 'Park'), btrim('xyzaxyzbxyzcxyz', 'xyz'), btrim('   abc  '), trim('"' from '"dog"'), trim('   a   ');
-- 'Baltimore ' | axyzbxyzc | abc | dog | a

select trim(both 'x' from 'xax'), trim(leading 'x' from 'xax'), trim(trailing 'x' from 'xax'), trim('Citizens', 'Cs');
-- a | ax | xa | itizen

-- page: r_REPLACE
-- feature: function replace
-- was: refused
select replace('Shows and shows', 'Shows', 'Theatre'), replace('aaa', 'a', ''), replace('abc', null, 'x'), replace(id, '1', 'one') from venue where id = 1;
-- Theatre and shows | '' | null | one

-- page: r_TRANSLATE
-- feature: function translate
select translate('mint tea', 'inea', 'osin'), translate('St. Paul', ' .', '_');
-- most tin | St_Paul

-- page: r_REPEAT
-- feature: function repeat, replicate
-- was: refused
select repeat('ab', 3), replicate('x', 4), repeat(id, 3) from venue where id = 1;
-- ababab | xxxx | 111

-- page: r_REVERSE
-- feature: function reverse
-- was: refused
select reverse('Aberdeen'), reverse(12345);
-- needrebA | 54321

-- was: refused
select city as cityname, reverse(cityname) from venue where id = 3;
-- columns: cityname | reverse
-- Reno | oneR

-- page: r_SUBSTRING
-- feature: function substring
select substring('caterpillar', 6, 4), substring('caterpillar', 6, 8), substring('caterpillar', -2, 6), substring('caterpillar', -5, 4);
-- pill | pillar | cat | ''

select substring('caterpillar' from 6 for 4), substr('caterpillar', 6), substring('caterpillar', 6);
-- pill | pillar | pillar

-- was: refused
select substring(opened, 6, 2), substring(opened from 1 for 4) from venue where id = 1;
-- 01 | 2008

-- was: refused
select to_hex(substring('abc'::varbyte, 2, 10)), to_hex(substring('abc'::varbyte, 3));
-- 6263 | 63

-- page: r_STRPOS
-- feature: function strpos, charindex, position
-- was: refused
select strpos('dogfish', 'fist'), strpos('dogfish', 'fish'), charindex('fish', 'dogfish'), position('fish' in 'dogfish'), strpos(123.45, '.');
-- 0 | 4 | 4 | 4 | 4

-- page: OCTETINDEX
-- feature: function octetindex
-- was: refused
select octetindex('AWS', 'Amazon AWS'), octetindex('AWS', 'Άμαζον AWS'), octetindex('x', 'abc');
-- 8 | 14 | 0

-- page: SPLIT_PART
-- feature: function split_part
select split_part('2008-03-05 12:25', '-', 1), split_part(split_part('2008-03-05 12:25', '-', 3), ' ', 1), split_part('a,b', ',', 3);
-- 2008 | 05 | ''

-- was: refused
select split_part(opened, '-', 2), count(*) from venue where id < 3 group by split_part(opened, '-', 2) order by 1;
-- 01 | 1
-- 11 | 1

-- page: r_ASCII
-- feature: function ascii, chr
select ascii('amazon'), ascii('A'), ascii(''), chr(65), chr(97);
-- 97 | 65 | 0 | A | a

-- page: r_QUOTE_IDENT
-- feature: function quote_ident, quote_literal
select quote_ident('Pop'), quote_literal('it''s'), quote_literal(11);
-- "Pop" | 'it''s' | '11'

-- page: r_STRTOL
-- feature: function strtol
select strtol('0xf', 16), strtol('abcd1234', 16), strtol('1234567', 10), strtol('1234567', 8), strtol('110101', 2), strtol('-11', 2);
-- 15 | 2882343476 | 1234567 | 342391 | 53 | -3

-- page: SOUNDEX
-- feature: function soundex
-- was: refused
select soundex('AWS Amazon'), soundex('Amazon'), soundex('+-*/%'), soundex('Robert'), soundex('Rupert');
-- A252 | A525 | '' | R163 | R163

-- page: DIFFERENCE
-- feature: function difference
-- was: refused
select difference('Amazon', '+-*/%'), difference('AC/DC', 'Ay See Dee See'), difference('Robert', 'Rupert');
-- 0 | 4 | 4

-- page: REGEXP_COUNT
-- feature: function regexp_count
select regexp_count('abcdefghijklmnopqrstuvwxyz', '[a-z]{3}'), regexp_count('the fox', 'FOX', 1, 'i'), regexp_count('a1b2', '[0-9]', 3);
-- 8 | 1 | 1

select regexp_count('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', 1, 'p'), regexp_count('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', 1, 'ip');
-- 2 | 3

-- page: REGEXP_INSTR
-- feature: function regexp_instr
select regexp_instr('sed@lacus.ca', '@[^.]*'), regexp_instr('Izod Center', '[cC]ent(er|re)$'), regexp_instr('the fox', 'FOX', 1, 1, 0, 'i'), regexp_instr('the fox', 'FOX');
-- 4 | 6 | 5 | 0

select regexp_instr('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', 1, 2, 0, 'p'), regexp_instr('the fox', 'fox', 1, 1, 1);
-- 21 | 8

-- page: REGEXP_REPLACE
-- feature: function regexp_replace
select regexp_replace('amet@condimentum.ca', '@.*\\.(org|gov|com|edu|ca)$'), regexp_replace('a1b22', '[0-9]', '#');
-- amet | a#b##

-- was: refused
select regexp_replace('the fox', 'FOX', 'quick brown fox', 1, 'i'), regexp_replace('abcabc', 'b', 'x', 3), regexp_replace('a', null, 'b');
-- the quick brown fox | abcaxc | null

-- was: refused
select regexp_replace('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', '[hidden]', 1, 'ip');
-- [hidden] plain [hidden] [hidden]

-- page: REGEXP_SUBSTR
-- feature: function regexp_substr
-- was: wrong
select regexp_substr('amet@condimentum.ca', '@[^.]*'), regexp_substr('the fox', 'FOX', 1, 1, 'i'), regexp_substr('the fox', 'cat');
-- @condimentum | fox | ''

select regexp_substr('THE CODE IS THE LOWERCASE PART OF 1931abc0EZ.', '[a-z]+', 1, 1, 'c'), regexp_substr('passwd7 plain A1234 a1234', '(?=[^ ]*[a-z])(?=[^ ]*[0-9])[^ ]+', 1, 2, 'p');
-- abc | a1234

-- was: wrong
select regexp_substr('This is a cat, this is a dog. This is a mouse.', 'this is a (\\w+)', 1, 2, 'ie'), regexp_substr('key=value', '([a-z]+)=([a-z]+)', 1, 1, 'e');
-- dog | key

-- page: pattern-matching-conditions
-- feature: operator like, ilike, similar to, ~
select city from venue where city like '%e%' order by 1;
-- Denver
-- Reno

select city from venue where city ilike 'K%' or city similar to '%(nve|xyz)%' order by 1;
-- Denver
-- Kansas City

select 'start_x' like '%start\\_%', 'startax' like '%start\\_%', 'a_b' like 'a^_b' escape '^', 'abc' ~ '^a.c$', 'abc' !~ 'd';
-- true | false | true | true | true

select 'abc' ~~ 'a%', 'ABC' ~~* 'a%', 'abc' not like 'b%';
-- true | true | true

-- page: r_Literals
-- feature: clause string literals
select 'it''s', 'a\\b', 'tab\there' = 'tab' || chr(9) || 'here', e'x\ny' = 'x' || chr(10) || 'y', $$dollar'd$$;
-- it's | a\b | true | true | dollar'd

-- page: SHA2
-- feature: function sha2, sha1, sha, func_sha1, md5
select sha2('abc', 256), sha2('abc', 0) = sha2('abc', 256), len(sha2('abc', 512));
-- ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad | true | 128

-- was: refused
select sha1('abc'), sha('abc') = func_sha1('abc'), md5('abc');
-- a9993e364706816aba3e25717850c26c9cd0d89d | true | 900150983cd24fb0d6963f7d28e17f72

-- page: crc32-function
-- feature: function crc32
-- was: refused
select crc32('Amazon Redshift'), len(crc32('x'));
-- f2726906 | 8

-- page: r_FNV_HASH
-- feature: function fnv_hash
-- was: refused
select fnv_hash(1), fnv_hash(1::smallint), fnv_hash(1::bigint), fnv_hash('Amazon Redshift');
-- -5968735742475085980 | 589727492704079044 | -8517097267634966620 | 7783490368944507294

-- was: refused
select fnv_hash('Amazon Redshift', fnv_hash(1)), fnv_hash('abcd') = fnv_hash('cd', fnv_hash('ab'));
-- -2202602717770968555 | true

-- page: r_CHECKSUM
-- feature: function checksum
-- was: refused
select checksum(109.20), checksum(11.40);
-- 10920 | 1140

-- page: r_FARMFINGERPRINT64
-- feature: function farmfingerprint64
-- was: refused
select farmfingerprint64('Amazon Redshift');
-- error: FARMFINGERPRINT64 is not emulated

-- page: MURMUR3_32_HASH
-- feature: function murmur3_32_hash
-- was: refused
select murmur3_32_hash('Amazon Redshift');
-- error: MURMUR3_32_HASH is not emulated

-- page: r_TO_HEX
-- feature: function to_hex, from_hex
-- was: refused
select to_hex(2147676847::bigint), to_hex('abc'::varbyte), from_hex('616263')::varchar;
-- 8002f2af | 616263 | abc

-- page: r_TO_VARBYTE
-- feature: function to_varbyte, from_varbyte
-- was: refused
select to_varbyte('abc', 'utf8')::varchar, to_hex(to_varbyte('616263', 'hex')), from_varbyte('abc'::varbyte, 'hex'), from_varbyte('abc'::varbyte, 'base64');
-- abc | 616263 | 616263 | YWJj

-- page: r_GETBIT
-- feature: function getbit
-- was: refused
select getbit(from_hex('4d'), 2), getbit(from_hex('4d'), 1), getbit(from_hex('4d'), 0);
-- 1 | 0 | 1

-- page: r_TEXT_TO_INT_ALT
-- feature: function text_to_int_alt
-- was: refused
select text_to_int_alt('123-'), text_to_int_alt('2147483647+'), text_to_int_alt('-123E-2'), text_to_int_alt('123.123'), text_to_int_alt('');
-- -123 | 2147483647 | -1 | 123 | 0

-- page: r_TEXT_TO_NUMERIC_ALT
-- feature: function text_to_numeric_alt
-- was: refused
select text_to_numeric_alt('1.5'), text_to_numeric_alt('2.51'), text_to_numeric_alt('123.52501', 10, 2), text_to_numeric_alt('-123E2');
-- 2 | 3 | 123.53 | -12300

-- page: r_TO_NUMBER
-- feature: function to_number
select to_number('12,454.8-', '99G999D9S'), to_number('$ 12,454.88', 'L 99G999D99'), to_number('12.345', '99D999');
-- -12454.8 | 12454.88 | 12.345

-- page: r_TO_CHAR
-- feature: function to_char (number)
select to_char(-125.8, '999D99S'), to_char(125, 'RN'), to_char(12, '0999'), to_char(1234.5, 'FM9,999.00');
-- 125.80- | '           CXXV' | ' 0012' | 1,234.50
