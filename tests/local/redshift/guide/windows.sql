-- page: r_WF_ROW_NUMBER
-- feature: function row_number, rank, dense_rank, percent_rank, cume_dist, ntile (window)
create table winsales (salesid int, dateid date, sellerid int, buyerid char(1), qty int, shipped int);
insert into winsales values (30001, '2003-08-02', 3, 'b', 10, 10), (10001, '2003-12-24', 1, 'c', 10, 10), (10005, '2003-12-24', 1, 'a', 30, null),
(40001, '2004-01-09', 4, 'a', 40, null), (10006, '2004-01-18', 1, 'c', 10, null), (20001, '2004-02-12', 2, 'b', 20, 20),
(40005, '2004-02-12', 4, 'a', 10, 10), (20002, '2004-02-16', 2, 'c', 20, 20), (30003, '2004-04-18', 3, 'b', 15, null),
(30004, '2004-04-18', 3, 'b', 20, null), (30007, '2004-09-07', 3, 'c', 30, null);

select salesid, row_number() over (partition by sellerid order by salesid) from winsales where sellerid < 3 order by 1;
-- 10001 | 1
-- 10005 | 2
-- 10006 | 3
-- 20001 | 1
-- 20002 | 2

select distinct qty, rank() over (order by qty desc), dense_rank() over (order by qty desc) from winsales order by 1 desc limit 3;
-- 40 | 1 | 1
-- 30 | 2 | 2
-- 20 | 4 | 3

select salesid, ntile(2) over (order by salesid), percent_rank() over (order by salesid), cume_dist() over (order by salesid) from winsales where sellerid = 2;
-- 20001 | 1 | 0.0 | 0.5
-- 20002 | 2 | 1.0 | 1.0

-- page: r_WF_SUM
-- feature: function sum, count, min, max, avg (window)
select salesid, sum(qty) over (order by dateid, salesid rows unbounded preceding) from winsales where sellerid = 3 order by 2;
-- 30001 | 10
-- 30003 | 25
-- 30004 | 45
-- 30007 | 75

select salesid, avg(qty) over (order by dateid, salesid rows unbounded preceding) from winsales where sellerid = 3 order by dateid, salesid;
-- columns: salesid | avg
-- 30001 | 10
-- 30003 | 12
-- 30004 | 15
-- 30007 | 18

select salesid, count(shipped) over (partition by sellerid), max(qty) over (order by salesid rows between 1 preceding and current row) from winsales where sellerid = 1 order by 1;
-- 10001 | 1 | 10
-- 10005 | 1 | 30
-- 10006 | 1 | 30

-- was: refused
select salesid, avg(qty) over w, ratio_to_report(qty) over w from winsales window w as (partition by sellerid order by salesid rows unbounded preceding) order by 1 limit 1;
-- columns: salesid | avg | ratio_to_report
-- 10001 | 10 | 1.0

-- page: r_WF_LAG
-- feature: function lag, lead (window)
select salesid, lag(qty, 1) over (order by salesid), lead(qty) over (order by salesid) from winsales where sellerid = 3 order by 1;
-- columns: salesid | lag | lead
-- 30001 | null | 15
-- 30003 | 10 | 20
-- 30004 | 15 | 30
-- 30007 | 20 | null

-- was: refused
select salesid, lag(shipped) ignore nulls over (order by dateid, salesid) as p, lead(shipped) ignore nulls over (order by dateid, salesid) as n_ from winsales where sellerid in (1, 4) order by dateid, salesid;
-- 10001 | null | 10
-- 10005 | 10 | 10
-- 40001 | 10 | 10
-- 10006 | 10 | 10
-- 40005 | 10 | null

-- was: refused
select salesid, lag(qty, 2) ignore nulls over (order by salesid), lead(qty, 2) respect nulls over (order by salesid) from winsales where sellerid = 3 order by 1;
-- 30001 | null | 20
-- 30003 | null | 30
-- 30004 | 10 | null
-- 30007 | 15 | null

-- page: r_WF_first_value
-- feature: function first_value, last_value (window)
select distinct sellerid, first_value(salesid) over (partition by sellerid order by qty desc, salesid rows between unbounded preceding and unbounded following) from winsales order by 1;
-- 1 | 10005
-- 2 | 20001
-- 3 | 30007
-- 4 | 40001

-- was: refused
select salesid, first_value(shipped) ignore nulls over (order by dateid, salesid rows between unbounded preceding and unbounded following),
last_value(shipped ignore nulls) over (order by dateid, salesid rows between unbounded preceding and current row) from winsales where sellerid in (3, 4) order by dateid, salesid;
-- columns: salesid | first_value | last_value
-- 30001 | 10 | 10
-- 40001 | 10 | 10
-- 40005 | 10 | 10
-- 30003 | 10 | 10
-- 30004 | 10 | 10
-- 30007 | 10 | 10

-- was: refused
select salesid, last_value(shipped) respect nulls over (order by salesid rows between unbounded preceding and current row) from winsales where sellerid = 4 order by 1;
-- 40001 | null
-- 40005 | 10

-- page: r_WF_NTH
-- feature: function nth_value (window)
select distinct sellerid, nth_value(qty, 2) over (partition by sellerid order by qty desc rows between unbounded preceding and unbounded following) from winsales order by 1;
-- 1 | 10
-- 2 | 20
-- 3 | 20
-- 4 | 10

-- was: refused
select distinct nth_value(shipped, 2) ignore nulls over (order by salesid rows between unbounded preceding and unbounded following) from winsales;
-- 20

-- page: r_WF_LISTAGG
-- feature: function listagg (window)
select distinct sellerid, listagg(salesid, ',') within group (order by salesid) over (partition by sellerid) from winsales where sellerid < 3 order by 1;
-- 1 | 10001,10005,10006
-- 2 | 20001,20002

-- page: r_WF_MEDIAN
-- feature: function median (window)
-- was: wrong
select distinct sellerid, median(qty) over (partition by sellerid) from winsales order by 1;
-- columns: sellerid | median
-- 1 | 10
-- 2 | 20
-- 3 | 17.5
-- 4 | 25

-- page: r_WF_PERCENTILE_CONT
-- feature: function percentile_cont, percentile_disc (window)
-- was: refused
select distinct sellerid, percentile_cont(0.5) within group (order by qty) over (partition by sellerid) from winsales order by 1;
-- 1 | 10.0
-- 2 | 20.0
-- 3 | 17.5
-- 4 | 25.0

-- was: refused
select distinct sellerid, percentile_disc(0.5) within group (order by qty desc) over (partition by sellerid) as p from winsales order by 1;
-- 1 | 10
-- 2 | 20
-- 3 | 20
-- 4 | 40

-- page: r_WF_RATIO_TO_REPORT
-- feature: function ratio_to_report (window)
select salesid, ratio_to_report(qty) over (partition by sellerid) from winsales where sellerid in (2, 4) order by 1;
-- 20001 | 0.5
-- 20002 | 0.5
-- 40001 | 0.8
-- 40005 | 0.2

-- page: r_WF_STDDEV
-- feature: function stddev, variance (window)
select distinct round(stddev_pop(qty) over (), 4), var_samp(qty) over (partition by 1) > 90 from winsales;
-- 9.6424 | true
