-- page: r_SELECT_list
-- feature: clause lateral column alias
create table m (a int, v varchar(20), d date, ts timestamp, f float8, n decimal(10,2));
insert into m values (1, 'one', '2020-01-31', '2020-01-31 10:00:00', 1.5, 10.25), (2, 'two', '2020-02-29', '2020-02-29 11:30:00', 2.5, 20.50),
(3, null, null, null, null, null);

-- was: refused
select a * 2 as b, b + 1 as c from m order by 1;
-- columns: b | c
-- 2 | 3
-- 4 | 5
-- 6 | 7

-- was: refused
select a + 1 as b, b * 2 as c, c - b as e from m where a = 1;
-- 2 | 4 | 2

select a * 10 as a, a + 1 as b from m where a = 2;
-- 20 | 3

select upper(v) as v, v || '!' as w from m where a = 1;
-- ONE | one!

-- was: refused
select a + 1 as b from m where b > 2 order by b;
-- 3
-- 4

-- was: refused
select a % 2 as odd, count(*) as n_, sum(n) as total, round(total / n_, 2) as share from m group by odd having n_ >= 1 order by odd;
-- 0 | 1 | 20.50 | 20.50
-- 1 | 2 | 10.25 | 5.13

-- was: refused
select date_trunc('month', d) as month_, date_part_year(month_::date) as year_ from m where a = 1;
-- 2020-01-01 00:00:00 | 2020

-- was: refused
select 100 as p, p / 4 as q;
-- 100 | 25

-- was: refused
select x.b, x.c from (select a as b, b + 1 as c from m) as x where c = 2;
-- 1 | 2

-- was: refused
select a as key_, row_number() over (order by key_ desc) as place from m order by key_ + 0;
-- 1 | 3
-- 2 | 2
-- 3 | 1

-- page: r_WITH_clause
-- feature: clause with
-- was: refused
select count(*) from (with pair as (select 1 as a union all select 2) select pair.a, twin.b from pair, (select 1 as b) as twin where pair.a = twin.b(+)) as joined;
-- 2

-- was: refused
select sum(a) from (with one as (select 1 as a) (select a from one union all select a + 1 from one)) as pair;
-- 3

-- page: r_QUALIFY_clause
-- feature: clause qualify
create table store_sales (ss_date date, ss_time time, ss_item int, ss_price decimal(7,2));
insert into store_sales values ('2022-01-01', '09:00:00', 1, 100.00), ('2022-01-01', '11:00:00', 1, 500.00), ('2022-01-02', '15:00:00', 2, 20.00),
('2022-01-02', '16:00:00', 2, 1000.00), ('2022-01-02', '21:00:00', 2, 40.00), ('2022-01-03', '09:00:00', 3, 3.50);

select * from store_sales qualify row_number() over (partition by ss_date order by ss_price desc) <= 1 order by ss_date;
-- columns: ss_date | ss_time | ss_item | ss_price
-- 2022-01-01 | 11:00:00 | 1 | 500.00
-- 2022-01-02 | 16:00:00 | 2 | 1000.00
-- 2022-01-03 | 09:00:00 | 3 | 3.50

-- was: refused
select *, last_value(ss_price) over (partition by ss_date order by ss_time asc rows between unbounded preceding and unbounded following) as last_price
from store_sales qualify last_price > 30 order by ss_price;
-- 2022-01-02 | 15:00:00 | 2 | 20.00 | 40.00
-- 2022-01-02 | 21:00:00 | 2 | 40.00 | 40.00
-- 2022-01-01 | 09:00:00 | 1 | 100.00 | 500.00
-- 2022-01-01 | 11:00:00 | 1 | 500.00 | 500.00
-- 2022-01-02 | 16:00:00 | 2 | 1000.00 | 40.00

-- was: refused
select ss_item, sum(ss_price) as total from store_sales group by ss_item qualify rank() over (order by total desc) = 1;
-- 2 | 1060.00

-- was: refused
select s.*, m.v from store_sales s join m on m.a = s.ss_item qualify row_number() over (partition by s.ss_item order by s.ss_price) = 1 order by m.v;
-- 2022-01-01 | 09:00:00 | 1 | 100.00 | one
-- 2022-01-02 | 15:00:00 | 2 | 20.00 | two
-- 2022-01-03 | 09:00:00 | 3 | 3.50 | null

-- was: refused
select ss_item, row_number() over (order by ss_price) rn from store_sales qualify rn = 2;
-- 2 | 2

-- page: r_EXCLUDE_list
-- feature: clause exclude
-- was: refused
select * exclude ss_time from store_sales order by ss_price limit 1;
-- columns: ss_date | ss_item | ss_price
-- 2022-01-03 | 3 | 3.50

-- was: refused
select * exclude (ss_time, ss_date) from store_sales where ss_item = 3;
-- columns: ss_item | ss_price
-- 3 | 3.50

-- was: refused
select m.* exclude d, ts, f from m where a = 1;
-- columns: a | v | n
-- 1 | one | 10.25

create view narrow as select * exclude ss_time from store_sales;

-- was: refused
select count(*) from narrow;
-- 6

-- page: r_GROUP_BY_clause
-- feature: clause group by
select ss_item, sum(ss_price) from store_sales group by 1 order by 1;
-- 1 | 600.00
-- 2 | 1060.00
-- 3 | 3.50

-- was: refused
select ss_item, ss_date, count(*) from store_sales group by all order by 1;
-- 1 | 2022-01-01 | 2
-- 2 | 2022-01-02 | 3
-- 3 | 2022-01-03 | 1

-- was: refused
select extract(day from ss_date) as day_, max(ss_price) - min(ss_price) as spread from store_sales group by all order by day_;
-- 1 | 400.00
-- 2 | 980.00
-- 3 | 0.00

-- was: refused
select count(*) from store_sales group by all;
-- 6

-- page: r_GROUP_BY_aggregation-extensions
-- feature: clause grouping sets, rollup, cube
select ss_date, ss_item, count(*) from store_sales group by grouping sets ((ss_date), (ss_item)) order by 1, 2;
-- 2022-01-01 | null | 2
-- 2022-01-02 | null | 3
-- 2022-01-03 | null | 1
-- null | 1 | 2
-- null | 2 | 3
-- null | 3 | 1

select ss_item, count(*), grouping(ss_item) from store_sales group by rollup (ss_item) order by 1;
-- 1 | 2 | 0
-- 2 | 3 | 0
-- 3 | 1 | 0
-- null | 6 | 1

select count(*) from (select ss_item, ss_date from store_sales group by cube (ss_item, ss_date));
-- 10

-- page: r_FROM_clause-pivot-unpivot-examples
-- feature: clause pivot
create table parts_made (partname varchar, maker varchar, quality int, price decimal(12,2));
insert into parts_made values ('gear', 'north', 2, 10.00), ('gear', 'big', null, 9.00), ('gear', 'small', 1, 12.00), ('axle', 'north', 1, 2.50),
('axle', 'big', 2, 3.75), ('axle', 'small', null, 1.90), ('wheel', 'north', null, 7.50), ('wheel', 'big', 1, 15.20), ('wheel', 'small', null, 11.80);

-- was: refused
select * from (select partname, price from parts_made) pivot (avg(price) for partname in ('gear', 'axle', 'wheel'));
-- columns: gear | axle | wheel
-- 10.33 | 2.71 | 11.50

-- was: refused
select * from (select quality, maker from parts_made) pivot (count(*) for quality in (1, 2, null)) order by maker;
-- columns: maker | 1 | 2 | null
-- big | 1 | 1 | 1
-- north | 1 | 1 | 1
-- small | 1 | 0 | 2

-- was: refused
select * from (select quality, maker from parts_made) pivot (count(*) as count for quality in (1 as high, 2 as low, null as na)) order by maker;
-- columns: maker | high_count | low_count | na_count
-- big | 1 | 1 | 1
-- north | 1 | 1 | 1
-- small | 1 | 0 | 2

-- was: refused
with made as (select partname, price from parts_made where maker <> 'big')
select * from made pivot (sum(price) as total, max(price) as top_ for partname in ('gear' as g, 'axle' as x)) as p;
-- columns: g_total | g_top_ | x_total | x_top_
-- 22.00 | 12.00 | 4.40 | 2.50

-- feature: clause unpivot
create table colour_counts (quality varchar, red int, green int, blue int);
insert into colour_counts values ('high', 15, 20, 7), ('normal', 35, null, 40), ('low', 10, 23, null);

-- was: refused
select * from (select red, green, blue from colour_counts) unpivot (cnt for colour in (red, green, blue)) order by colour, cnt;
-- columns: colour | cnt
-- blue | 7
-- blue | 40
-- green | 20
-- green | 23
-- red | 10
-- red | 15
-- red | 35

-- was: refused
select count(*), count(cnt) from (select red, green, blue from colour_counts) unpivot include nulls (cnt for colour in (red, green, blue));
-- 9 | 7

-- was: refused
select * from colour_counts unpivot (cnt for colour in (red as r, green as g)) order by quality, colour;
-- columns: quality | blue | colour | cnt
-- high | 7 | g | 20
-- high | 7 | r | 15
-- low | null | g | 23
-- low | null | r | 10
-- normal | 40 | r | 35

-- page: r_WHERE_oracle_outer
-- feature: clause outer join operator (+)
create table listing (listid int, sellerid int);
create table sold (salesid int, listid int, price decimal(8,2));
insert into listing values (1, 10), (2, 10), (3, 20);
insert into sold values (100, 1, 728.00), (101, 1, 72.00), (102, 3, 5.00), (103, 9, 1.00);

-- was: refused
select count(*) from sold, listing where sold.listid = listing.listid(+);
-- 4

-- was: wrong
select at.listid, sold.price from (select * from listing where listid < 3) at, (select * from sold where price > 100) sold where at.listid = sold.listid(+) order by 1;
-- 1 | 728.00
-- 2 | null

-- was: refused
select (select l.sellerid from listing l where l.listid(+) = 3 and l.sellerid(+) = 20);
-- 20

-- was: wrong
select count(*) from listing l, sold s where l.listid = x.listid(+);
-- error: missing FROM-clause entry for table "x"

-- was: refused
select count(*) from listing l join sold s on l.listid = s.listid(+);
-- error: outer join operator (+) cannot be used beside the joins

-- was: refused
select listing.listid, sum(price) from listing, sold where sold.listid(+) = listing.listid and listing.listid between 1 and 2 group by 1 order by 1;
-- 1 | 800.00
-- 2 | null

-- was: refused
select l.listid, s.salesid from listing l, sold s where l.listid = s.listid(+) and s.salesid(+) = 102 order by 1;
-- 1 | null
-- 2 | null
-- 3 | 102

-- was: refused
select l.listid, s.salesid from listing l, sold s where l.listid = s.listid(+) and s.salesid = 102;
-- 3 | 102

-- was: refused
select count(*) from listing, sold where listing.listid = sold.listid(+) and salesid(+) = 101;
-- 3

-- was: refused
select count(*) from sold, listing where sold.listid(+) = listing.listid or sold.salesid = 0;
-- error: Outer join operator (+) not allowed in operand of OR or IN.

-- page: r_Join_examples
-- feature: clause joins
select count(*) from listing join sold using (listid);
-- 3

select l.listid, s.salesid from listing l full join sold s on l.listid = s.listid order by 1, 2;
-- 1 | 100
-- 1 | 101
-- 2 | null
-- 3 | 102
-- null | 103

select count(*) from listing natural join sold;
-- 3

select count(*) from listing cross join sold;
-- 12

select t.n_ from (select count(*) as n_ from sold) t left join listing on true limit 1;
-- 4

-- page: r_WITH_clause
-- feature: clause with
with big as (select * from sold where price > 10), counts as (select listid, count(*) as n_ from big group by 1) select * from counts;
-- 1 | 2

with recursive john_org(id, name, manager_id, level) as (select 1, 'John', null::int, 1 union all select id + 1, 'Dev', id, level + 1 from john_org where level < 3)
select id, name, level from john_org order by 1;
-- 1 | John | 1
-- 2 | Dev | 2
-- 3 | Dev | 3

-- was: refused
with a as (select 1 as x), b as (select x + 1 as y from a) select y * 2 as z, z + 1 from b;
-- 4 | 5

-- page: r_UNION
-- feature: clause union, intersect, except, minus
select listid from listing union select listid from sold order by 1;
-- 1
-- 2
-- 3
-- 9

select listid from listing intersect select listid from sold order by 1;
-- 1
-- 3

select listid from listing minus select listid from sold;
-- 2

select listid from listing except select listid from sold union all select 7 order by listid desc;
-- 7
-- 2

select 1 as x union all select 2.5 order by 1;
-- 1
-- 2.5

-- page: r_SELECT_synopsis
-- feature: clause top
select top 2 listid from listing order by listid desc;
-- 3
-- 2

select top 1 * from sold order by price;
-- 103 | 9 | 1.00

select listid from (select top 1 listid from listing order by 1) union all select 5 order by 1;
-- 1
-- 5

-- page: r_ORDER_BY_clause
-- feature: clause order by, limit, offset
select listid from listing order by sellerid desc, listid limit 1 offset 1;
-- 1

select v from m order by v;
-- one
-- two
-- null

select v from m order by v desc;
-- null
-- two
-- one

select v from m order by v nulls first limit 1;
-- null

-- page: r_SELECT_list
-- feature: clause distinct
select distinct sellerid from listing order by 1;
-- 10
-- 20

select count(distinct sellerid), count(sellerid), count(*) from listing;
-- 2 | 3 | 3

-- page: r_Subquery_examples
-- feature: clause subqueries
select listid from listing l where exists (select 1 from sold s where s.listid = l.listid and s.price > 50);
-- 1

select listid, (select count(*) from sold s where s.listid = l.listid) as n_ from listing l order by 1;
-- 1 | 2
-- 2 | 0
-- 3 | 1

select count(*) from (select listid from sold);
-- 4

select listid from listing where listid > all (select 1) order by 1;
-- 2
-- 3

-- page: r_CONNECT_BY_clause
-- feature: clause connect by
-- was: refused
select listid from listing start with listid = 1 connect by prior listid = sellerid;
-- error: CONNECT BY is not emulated
