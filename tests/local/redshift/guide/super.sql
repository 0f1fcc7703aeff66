-- page: query-super
-- feature: clause super navigation
create table customers (c_custkey int, c_name varchar(30), c_orders super, c_tags super);
insert into customers select 1, 'Ann', json_parse('[{"o_orderkey": 3020007, "o_status": "F", "o_total": 10.5, "o_lines": [{"l_part": "A55", "l_qty": 2}, {"l_part": 7, "l_qty": 3}]}, {"o_orderkey": 4043971, "o_status": 5}]'), json_parse('{"b": 1, "a": "x y"}');
insert into customers select 2, 'Bob', json_parse('[]'), json_parse('{"a": null}');
insert into customers (c_custkey, c_name) values (3, 'Cat');

-- was: refused
select c_orders[0].o_orderkey from customers where c_custkey = 1;
-- columns: o_orderkey
-- types: super
-- 3020007

-- was: refused
select c.c_orders[0].o_lines[1].l_qty, c.c_tags.a, c_tags.b from customers c where c.c_custkey = 1;
-- columns: l_qty | a | b
-- 3 | "x y" | 1

-- was: refused
select c_name from customers where c_orders[0].o_status = 'F';
-- Ann

-- was: refused
select c_orders[0].o_orderkey from customers where c_orders[0].o_status <= 'P';
-- 3020007

-- was: refused
select c_orders[1].o_status = 'P', c_orders[1].o_status <= 'P', c_orders[1].o_status = 5, c_orders[1].o_status > 4.5 from customers where c_custkey = 1;
-- false | null | true | true

-- was: refused
select c.c_orders.something, c.c_orders[7].x, c_tags.a.b.c from customers c where c_custkey = 1;
-- null | null | null

-- was: refused
select c_orders[0].o_status::integer, c_orders[0].o_total::decimal(5,2), c_tags.a::varchar || '!', c_orders[0]::int from customers where c_custkey = 1;
-- null | 10.50 | x y! | null

-- was: refused
select c_orders[0].o_total * 2, c_orders[0].o_total + c_tags.b, c_tags.a + 1 from customers where c_custkey = 1;
-- 21.0 | 11.5 | null

-- was: refused
select upper(c_tags.a), len(c_tags.a), c_tags.a like 'x%', c_tags.a || '?' from customers where c_custkey = 1;
-- X Y | 3 | true | x y?

-- was: refused
select customers.c_tags.a from customers where customers.c_tags.b in (1, 2) and c_tags.a in ('x y', 'z');
-- "x y"

-- was: refused
select c_name from customers where c_tags.b is not null order by c_custkey;
-- Ann

-- was: wrong
select json_serialize(c_tags), c_tags from customers where c_custkey = 1;
-- {"b":1,"a":"x y"} | {"b":1,"a":"x y"}

-- was: refused
select count(*) from customers a, customers b where a.c_tags.b = b.c_tags.b;
-- 1

-- was: refused
select c_tags.a, count(*) from customers group by c_tags.a order by 2, 1;
-- 'null' | 1
-- "x y" | 1
-- null | 1

-- feature: clause super unnesting
-- was: wrong
select * from (select c_custkey, c_orders from customers where c_custkey = 1) c, c.c_orders[0].o_lines l;
-- columns: c_custkey | c_orders | l
-- 1 | [{"o_orderkey":3020007,"o_status":"F","o_total":10.5,"o_lines":[{"l_part":"A55","l_qty":2},{"l_part":7,"l_qty":3}]},{"o_orderkey":4043971,"o_status":5}] | {"l_part":"A55","l_qty":2}
-- 1 | [{"o_orderkey":3020007,"o_status":"F","o_total":10.5,"o_lines":[{"l_part":"A55","l_qty":2},{"l_part":7,"l_qty":3}]},{"o_orderkey":4043971,"o_status":5}] | {"l_part":7,"l_qty":3}

-- was: refused
select c.c_name, o.o_orderkey from customers c, c.c_orders o order by 2;
-- Ann | 3020007
-- Ann | 4043971

-- was: refused
select c_name, orders.o_orderkey as orderkey, index from customers c, c.c_orders as orders at index order by index;
-- columns: c_name | orderkey | index
-- Ann | 3020007 | 0
-- Ann | 4043971 | 1

-- was: refused
select o.o_orderkey, l.l_part, l from customers c, c.c_orders o, o.o_lines l order by l.l_qty;
-- columns: o_orderkey | l_part | l
-- 3020007 | "A55" | {"l_part":"A55","l_qty":2}
-- 3020007 | 7 | {"l_part":7,"l_qty":3}

create table bar as select json_parse('{"scalar_array": [1, 2.3, 45000000]}') as data;

-- was: refused
select index, element from bar as b, b.data.scalar_array as element at index order by 1;
-- 0 | 1
-- 1 | 2.3
-- 2 | 45000000

create table foo as select json_parse('[[1.1, 1.2], [2.1, 2.2]]') as levels;

-- was: refused
select part, element from foo as f, f.levels as part, part as element order by 2;
-- [1.1,1.2] | 1.1
-- [1.1,1.2] | 1.2
-- [2.1,2.2] | 2.1
-- [2.1,2.2] | 2.2

-- was: refused
select c_name, (select count(*) from c.c_orders o where o.o_status = 'F') as f from customers c where c_custkey < 3 order by 1;
-- Ann | 1
-- Bob | 0

-- was: refused
select c.c_name from customers c left join c.c_orders o on true where o is null order by 1;
-- Bob
-- Cat

-- was: refused
select sum(o.o_total), max(o.o_orderkey::int) from customers c, c.c_orders o;
-- 10.5 | 4043971

-- feature: clause object unpivoting
-- was: refused
select attr, json_typeof(val) from customers c, unpivot c.c_tags as val at attr where c_custkey = 1 order by 1;
-- a | string
-- b | number

-- was: refused
select attr, val from customers c, c.c_orders as o, unpivot o as val at attr where o.o_orderkey = 4043971 order by attr;
-- o_orderkey | 4043971
-- o_status | 5

-- page: r_SUPER_type
-- feature: type super
create table s (id int, v super);
insert into s values (1, 1), (2, 2.5), (3, 'abc'), (4, true), (5, array(1, 'abc', null)), (6, json_parse('{"a":1}')), (7, '[1,2]'), (8, null), (9, -2.5);

-- was: refused
select id, v, json_typeof(v) from s where id in (1, 2, 3, 4, 5, 6, 7, 8) order by id;
-- 1 | 1 | number
-- 2 | 2.5 | number
-- 3 | "abc" | string
-- 4 | true | boolean
-- 5 | [1,"abc",null] | array
-- 6 | {"a":1} | object
-- 7 | "[1,2]" | string
-- 8 | null | null

-- was: refused
select v from s where id in (1, 3, 5, 9) order by v;
-- -2.5
-- 1
-- "abc"
-- [1,"abc",null]

-- was: refused
select v::int, v::varchar from s where id in (1, 3) order by id;
-- 1 | 1
-- null | abc

-- was: refused
select id from s where v = 'abc' or v = 2.5 order by id;
-- 2
-- 3

-- was: refused
select is_array(v), is_object(v), is_scalar(v), is_varchar(v), is_integer(v), is_decimal(v), is_boolean(v), is_bigint(v), is_smallint(v), is_char(v) from s where id in (1, 3, 5) order by id;
-- false | false | true | false | true | true | false | true | true | false
-- false | false | true | true | false | false | false | false | false | true
-- true | false | false | false | false | false | false | false | false | false

-- was: refused
select is_float(2.22::float::super), is_object(json_parse('{"a":1}')), is_array(null::super);
-- true | true | false

-- page: JSON_PARSE
-- feature: function json_parse, json_serialize
-- was: wrong
select json_parse('[10001,10002,"abc"]'), json_serialize(json_parse('[10001, 10002, "abc"]')), json_serialize(json_parse('"a"'));
-- columns: json_parse | json_serialize | json_serialize
-- [10001,10002,"abc"] | [10001,10002,"abc"] | "a"

-- was: wrong
select json_parse('{"z": {"b": [1, 2]}, "a": "c d"}');
-- {"z":{"b":[1,2]},"a":"c d"}

select json_parse('{oops');
-- error: invalid input syntax for type json

-- page: JSON_SERIALIZE_TO_VARBYTE
-- feature: function json_serialize_to_varbyte
-- was: refused
select json_serialize_to_varbyte(json_parse('[10001,10002,"abc"]'))::varchar, to_hex(json_serialize_to_varbyte(json_parse('[1]')));
-- [10001,10002,"abc"] | 5b315d

-- page: r_json_typeof
-- feature: function json_typeof, json_size
-- was: refused
select json_typeof(array(1, 2)), json_typeof(json_parse('{"name":"Joe"}')), json_typeof(json_parse('null')), json_size(json_parse('[10001,10002,"⬤"]'));
-- array | object | 'null' | 19

-- page: r_decimal_precision
-- feature: function decimal_precision, decimal_scale
-- was: refused
select decimal_precision(3.14159::super), decimal_scale(3.14159::super);
-- 6 | 5

-- page: r_array
-- feature: function array, object
-- was: wrong
select array(1, 50, null, 100), object('k', 1);
-- columns: array | object
-- [1,50,null,100] | {"k":1}

-- was: refused
select array(1, 50, null, 100), array(1, 'abc', true, 3.14), array(), array(array(1, 2), json_parse('{"a":1}'));
-- [1,50,null,100] | [1,"abc",true,3.14] | [] | [[1,2],{"a":1}]

-- was: refused
select object('a', 1, 'b', true, 'c', 3.14), object(), object('a', object('aa', 1), 'b', array(2, 3));
-- {"a":1,"b":true,"c":3.14} | {} | {"a":{"aa":1},"b":[2,3]}

-- page: r_array_concat
-- feature: function array_concat, array_flatten, subarray, get_array_length
-- was: refused
select array_concat(array(10001, 10002), array('ab', 'cd')), array_flatten(array(array(1, 2), array(3), 4)), array_concat(array(), array(1));
-- [10001,10002,"ab","cd"] | [1,2,3,4] | [1]

-- was: refused
select subarray(array('a', 'b', 'c', 'd', 'e', 'f'), 2, 3), get_array_length(array(1, 2, 3)), get_array_length(c_orders) from customers where c_custkey = 1;
-- ["c","d","e"] | 3 | 2

-- page: array_contains
-- feature: function array_contains, array_position, array_positions
-- was: refused
select array_contains(array('oak', 'elm'), 'elm'), array_contains(array(1, 2), 3), array_contains(array('oak', null), null), array_contains(array('oak', null), 'ash', false), array_contains(array(1, null), null, false);
-- true | false | true | null | null

-- was: refused
select array_position(array('oak', 'elm', 'oak'), 'oak'), array_position(array(1, 2, 3), 3), array_position(array(1, 2, 3), 4);
-- 0 | 2 | -1

-- was: refused
select array_positions(array('oak', null, 'oak', null), 'oak'), array_positions(array('oak', null, 'elm', null), null), array_positions(array(1, 2), 3);
-- [0,2] | [1,3] | []

-- page: array_distinct
-- feature: function array_distinct, array_union
-- was: refused
select array_distinct(array(7, 7, 'x', 'x', null, null)), array_union(array('y', 'x', 'y'), array(null, 'y', null));
-- [7,"x",null] | ["y","x",null]

-- page: array_except
-- feature: function array_except, array_intersection
-- was: refused
select array_except(array('x', 'x', 'x'), array('x')), array_except(array('w', 'x', 'x'), array('x'), true), array_except(array('w', null), array(null));
-- ["x","x"] | ["w"] | ["w"]

-- was: refused
select array_intersection(array('w', 'x', 'x'), array('x', 'x', 'x')), array_intersection(array('w', 'x', 'x'), array('x', 'x', 'x'), true);
-- ["x","x"] | ["x"]

-- page: arrays_overlap
-- feature: function arrays_overlap
-- was: refused
select arrays_overlap(array('sea', 'lake'), array('lake')), arrays_overlap(array('sea', null), array('lake')), arrays_overlap(json_parse('[null]'), array(null));
-- true | false | true

-- page: array_sort
-- feature: function array_sort
-- was: refused
select array_sort(array('z', 'y', 2, null, 10, true)), array_sort(array('z', 'y', 2, null, 10, true), false), array_sort(array('z', 'y', 2, null, 10, true), false, false);
-- [true,2,10,"y","z",null] | [null,"z","y",10,2,true] | ["z","y",10,2,true,null]

-- page: split_to_array
-- feature: function split_to_array
-- was: refused
select split_to_array('12|345|6789', '|'), split_to_array('a,b');
-- ["12","345","6789"] | ["a","b"]

-- was: refused
select parts[1]::varchar, get_array_length(parts) from (select split_to_array('x/y/z', '/') as parts) as t;
-- y | 3

-- page: lower_attribute_names
-- feature: function lower_attribute_names, upper_attribute_names
-- was: refused
select lower_attribute_names(json_parse('{"Ab":{"C":[{"D":"E"}]},"f":null}')), upper_attribute_names(json_parse('[{"aB":"c"},1]')), upper_attribute_names(json_parse('"x"')), lower_attribute_names(null);
-- {"ab":{"c":[{"d":"E"}]},"f":null} | [{"AB":"c"},1] | "x" | null

-- page: r_object_transform_function
-- feature: function object_transform
-- was: refused
select object_transform(json_parse('{"a": 1, "b": 2}') keep '"a"');
-- error: OBJECT_TRANSFORM is not emulated

-- page: IS_VALID_JSON
-- feature: function is_valid_json, is_valid_json_array, can_json_parse
select is_valid_json('{"a":{"b":{"c":1}}}'), is_valid_json('{{}}'), is_valid_json('{1:"a"}'), is_valid_json('[1,2,3]');
-- true | false | false | false

select is_valid_json_array('["a",["b",1]]'), is_valid_json_array('{"a":1}'), is_valid_json_array('a'), is_valid_json_array('[1,2,]'), can_json_parse('[10001,"abc"]'), can_json_parse('{');
-- true | false | false | false | true | false

-- page: JSON_EXTRACT_PATH_TEXT
-- feature: function json_extract_path_text
select json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99,"f6":"star"}}', 'f4', 'f6'), json_extract_path_text('{"farm":{"barn":{}}}', 'farm', 'barn', 'color');
-- columns: json_extract_path_text | json_extract_path_text
-- star | null

select json_extract_path_text('{"f2":{"f3":1}', 'f2', true), json_extract_path_text('{"a":[1,{"b":2}]}', 'a', '1', 'b');
-- null | 2

select json_extract_path_text('{"f2":', 'f2');
-- error: invalid input syntax for type json

-- page: JSON_EXTRACT_ARRAY_ELEMENT_TEXT
-- feature: function json_extract_array_element_text, json_array_length
-- was: refused
select json_extract_array_element_text('[111,112,113]', 2), json_extract_array_element_text('["a",["b",]]', 1, true), json_extract_array_element_text('[1]', 5);
-- 113 | null | null

-- was: refused
select json_array_length('[11,12,13,{"f1":21,"f2":[25,26]},14]'), json_array_length('[11,12', true), json_array_length('[]');
-- 5 | null | 0
