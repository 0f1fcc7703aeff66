"""Functions and operators."""

from __future__ import annotations

from .case import Case
from .tables_used import SALES

FUNCTIONS = [
    Case("nvl", "select nvl(null, 2), nvl(null, null, 'c')", rows=[(2, "c")]),
    Case("nvl2", "select nvl2(1, 'set', 'unset'), nvl2(null, 'set', 'unset')", rows=[("set", "unset")]),
    Case(
        "decode",
        "select decode(2, 1, 'one', 2, 'two', 'many'), decode(3, 1, 'one', 'many'), decode(3, 1, 'one')",
        rows=[("two", "many", None)],
    ),
    Case("decode matches null", "select decode(null, null, 'null is null', 'other')", rows=[("null is null",)]),
    Case(
        "sysdate and getdate",
        "select sysdate <= getdate() + interval '1 second', trunc(sysdate) = trunc(getdate())",
        rows=[(True, True)],
    ),
    Case("dateadd of days", "select dateadd(day, 30, '2008-02-01')", rows=[("2008-03-02 00:00:00",)]),
    Case(
        "dateadd of months keeps to the month's end",
        "select dateadd(month, 1, '2008-01-31'::date)",
        rows=[("2008-02-29 00:00:00",)],
    ),
    Case(
        "dateadd with a short date part",
        "select dateadd(m, 18, '2008-02-28 00:00:00'), dateadd(qtr, 1, date '2008-01-01')",
        rows=[("2008-02-28 00:18:00", "2008-04-01 00:00:00")],
    ),
    Case("datediff of years counts boundaries", "select datediff(year, '2023-12-31', '2024-01-01')", rows=[(1,)]),
    Case("datediff of quarters", "select datediff(qtr, '1998-07-01', '2008-05-07')", rows=[(39,)]),
    Case("datediff of weeks", "select datediff(week, '2009-01-01', '2009-12-31')", rows=[(52,)]),
    Case(
        "datediff of hours counts boundaries",
        "select datediff(hour, '2024-01-01 09:59:00', '2024-01-01 10:01:00')",
        rows=[(1,)],
    ),
    Case(
        "datediff backwards",
        "select datediff(day, '2024-01-10', '2024-01-01'), datediff(month, '2024-03-01', '2024-02-29')",
        rows=[(-9, -1)],
    ),
    Case(
        "datediff of date columns", "select datediff(days, min(sold), max(sold)) from sales", setup=SALES, rows=[(361,)]
    ),
    Case(
        "date_part with Redshift's names",
        "select date_part(dow, '2024-09-01'::date), date_part(w, date '2024-05-02'), date_part('yr', '2024-05-02')",
        rows=[(0, 18, 2024)],
    ),
    Case(
        "extract",
        "select extract(month from sold), extract(epoch from timestamp '1970-01-02 00:00:00') from sales where id = 1",
        setup=SALES,
        rows=[(1, 86400)],
    ),
    Case(
        "last_day",
        "select last_day('2024-02-10'::date), last_day(timestamp '2023-12-01 12:00:00')",
        rows=[("2024-02-29", "2023-12-31")],
    ),
    Case(
        "add_months at a month's end",
        "select add_months('2008-02-29'::date, 1), add_months('2008-03-31'::date, -1)",
        rows=[("2008-03-31 00:00:00", "2008-02-29 00:00:00")],
    ),
    Case(
        "months_between",
        "select months_between('1969-03-18'::date, '1969-01-18'::date), "
        "months_between('2024-02-29'::date, '2024-01-31'::date)",
        rows=[(2.0, 1.0)],
    ),
    Case(
        "next_day",
        "select next_day('2014-08-20'::date, 'Tuesday'), next_day('2014-08-19'::date, 'Tu')",
        rows=[("2014-08-26", "2014-08-26")],
    ),
    Case(
        "trunc of a timestamp is a date",
        "select trunc(timestamp '2011-07-21 10:32:38'), trunc(114.865, 1)",
        rows=[("2011-07-21", "114.8")],
    ),
    Case(
        "date_trunc of a date",
        "select date_trunc('month', date '2024-02-29'), date_trunc('week', timestamp '2024-02-29 10:00:00')",
        rows=[("2024-02-01 00:00:00", "2024-02-26 00:00:00")],
    ),
    Case(
        "convert_timezone",
        "select convert_timezone('EST', 'PST', timestamp '2008-03-05 12:25:29'), "
        "convert_timezone('America/New_York', timestamp '2013-02-01 08:00:00')",
        rows=[("2008-03-05 09:25:29", "2013-02-01 03:00:00")],
    ),
    Case(
        "to_char, to_date, to_number",
        "select to_char(date '2009-12-31', 'MON-DD-YYYY'), to_date('02 Oct 2001', 'DD Mon YYYY'), "
        "to_number('12,454.8-', '99G999D9S')",
        rows=[("DEC-31-2009", "2001-10-02", "-12454.8")],
    ),
    Case(
        "listagg in order",
        "select region, listagg(id, '|') within group (order by id desc) from sales group by 1 order by 1",
        setup=SALES,
        rows=[("north", "2|1"), ("south", "4|3")],
    ),
    Case(
        "listagg of distinct values",
        "select listagg(distinct region, ',') within group (order by region desc) from sales",
        setup=SALES,
        rows=[("south,north",)],
    ),
    Case("listagg without order", "select listagg(region) from sales where id = 1", setup=SALES, rows=[("north",)]),
    Case(
        "listagg over a window",
        "select id, listagg(id, '-') within group (order by id) over (partition by region) from sales order by id",
        setup=SALES,
        rows=[(1, "1-2"), (2, "1-2"), (3, "3-4"), (4, "3-4")],
    ),
    Case("median", "select median(amount), median(id) from sales", setup=SALES, rows=[("20.00", "2.5")]),
    Case(
        "median over a window",
        "select distinct region, median(amount) over (partition by region) from sales order by 1",
        setup=SALES,
        rows=[("north", "20"), ("south", "20.00")],
    ),
    Case("approximate count", "select approximate count(distinct region) from sales", setup=SALES, rows=[(2,)]),
    Case(
        "ratio_to_report",
        "select id, ratio_to_report(amount) over (partition by region) from sales where id < 4 order by id",
        setup=SALES,
        rows=[(1, 0.25), (2, 0.75), (3, 1.0)],
    ),
    Case(
        "percentile_cont",
        "select percentile_cont(0.5) within group (order by amount) from sales",
        setup=SALES,
        rows=[(20.0,)],
    ),
    Case(
        "len, charindex, strpos",
        "select len('Wilkes'), charindex('fish', 'dogfish'), strpos('abc', 'z')",
        rows=[(6, 4, 0)],
    ),
    Case(
        "left, right, replicate, translate, initcap",
        "select left('Chicago', 3), right('Chicago', 3), replicate('ab', 2), translate('mint tea', 'inea', 'osin'), initcap('el niño')",
        rows=[("Chi", "ago", "abab", "most tin", "El Niño")],
    ),
    Case(
        "regexp_replace replaces all",
        "select regexp_replace('a1b22c', '[0-9]+', '#'), regexp_replace('a-b-c', '-')",
        rows=[("a#b#c", "abc")],
    ),
    Case(
        "regexp_count, regexp_substr, regexp_instr",
        "select regexp_count('abcabc', 'b'), regexp_substr('me@example.com', '@[^.]*'), regexp_instr('xyz', 'z')",
        rows=[(2, "@example", 3)],
    ),
    Case(
        "split_part and concatenation",
        "select split_part('abc$def$ghi', '$', 2), 'a' || 'b' || 'c'",
        rows=[("def", "abc")],
    ),
    Case(
        "strtol",
        "select strtol('0xf', 16), strtol('abcd1234', 16), strtol('1234567', 10), strtol('110101', 2)",
        rows=[(15, 2882343476, 1234567, 53)],
    ),
    Case(
        "md5 and func_sha1",
        "select md5('Amazon Redshift'), func_sha1('Amazon Redshift')",
        rows=[("f7415e33f972c03abd4f3fed36748f7a", "eeac5ed1e11cda66032c30ad77b25071b5487f55")],
    ),
    Case(
        "sha2",
        "select sha2('Amazon Redshift', 256)",
        rows=[("15013dc10bc5b293f1f66ea28d818387f191cafeb26f89639fae0b4acf9c8772",)],
    ),
    Case("convert", "select convert(integer, '42'), convert(varchar(max), 7)", rows=[(42, "7")]),
    Case(
        "casts to Redshift's types",
        "select '1'::varchar(max), cast('{\"a\":1}' as super), 5::decimal(5,1)",
        rows=[("1", r'"{\"a\":1}"', "5.0")],
    ),
    Case(
        "json_extract_path_text",
        """select json_extract_path_text('{"f2":{"f3":1},"f4":{"f5":99}}', 'f4', 'f5')""",
        rows=[("99",)],
    ),
    Case(
        "json_extract_path_text of something else",
        "select json_extract_path_text('not json', 'a', true)",
        rows=[(None,)],
    ),
    Case(
        "is_valid_json",
        """select is_valid_json('{"a":2}'), is_valid_json('{"a":2'), is_valid_json_array('[1]')""",
        rows=[(True, False, True)],
    ),
    Case(
        "JSON arrays",
        "select json_array_length('[1,2,3]'), json_extract_array_element_text('[111,112,113]', 2)",
        rows=[(3, "113")],
    ),
    Case(
        "json_parse and json_serialize",
        "select json_parse('[1, 2]'), json_typeof(json_parse('[1]')), get_array_length(json_parse('[1,2]'))",
        rows=[("[1,2]", "array", 2)],
    ),
    Case(
        "greatest, least, sign, mod, round",
        "select greatest(1, 3, 2), least('b', 'a'), sign(-4), mod(10, 3), round(28.05, 1)",
        rows=[(3, "a", -1.0, 1, "28.1")],
    ),
]
