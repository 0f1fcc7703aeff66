-- page: r_DATEADD_function
-- feature: function dateadd
-- was: wrong
select dateadd(day, 30, date '2008-11-02');
-- columns: date_add
-- 2008-12-02 00:00:00

-- was: wrong
select dateadd(month, 18, '2010-03-31');
-- columns: date_add
-- 2011-09-30 00:00:00

select dateadd(m, 45, '2010-03-31') as then;
-- 2010-03-31 00:45:00

select dateadd(hour, 9, time '20:15:30');
-- 05:15:30

select dateadd(minute, -20, time '00:10:00');
-- 23:50:00

-- was: refused
select dateadd(hour, 3, timetz '13:24:55 PST');
-- 00:24:55+00

select dateadd(month, 1, '2011-06-30');
-- 2011-07-30 00:00:00

select dateadd(month, 12, '2020-02-29');
-- 2021-02-28 00:00:00

-- was: wrong
select dateadd(year, 1, '2020-02-29');
-- 2021-03-01 00:00:00

select dateadd(yrs, 4, '2020-02-29'::timestamp);
-- 2024-02-29 00:00:00

select dateadd(qtr, -1, timestamp '2020-05-31 10:00:00');
-- 2020-02-29 10:00:00

select dateadd(week, 2, '2020-12-25');
-- 2021-01-08 00:00:00

select dateadd(ms, 250, timestamp '2020-01-01 00:00:00'), dateadd(us, 7, timestamp '2020-01-01 00:00:00');
-- 2020-01-01 00:00:00.25 | 2020-01-01 00:00:00.000007

select dateadd(decade, 1, '2001-01-01'), dateadd(century, 1, '2001-01-01'), dateadd(mil, 1, '2001-01-01');
-- 2011-01-01 00:00:00 | 2101-01-01 00:00:00 | 3001-01-01 00:00:00

select dateadd(dow, 3, '2001-01-01'), dateadd(doy, 3, '2001-01-01');
-- 2001-01-04 00:00:00 | 2001-01-04 00:00:00

create table holds (id int, caldate date, listtime timestamp, seen timestamptz);
insert into holds values (1, '2008-01-30', '2008-01-30 14:30:00', '2008-01-30 14:30:00+00'),
(2, '2008-02-29', '2008-02-29 20:00:00.5', '2008-02-29 20:00:00+02'), (3, null, null, null);

select id, dateadd(mon, 1, caldate), dateadd(hours, id, listtime), dateadd(day, 1, seen) from holds order by id;
-- 1 | 2008-02-29 00:00:00 | 2008-01-30 15:30:00 | 2008-01-31 14:30:00+00
-- 2 | 2008-03-29 00:00:00 | 2008-02-29 22:00:00.5 | 2008-03-01 18:00:00+00
-- 3 | null | null | null

create table added as select dateadd(day, 1, caldate), datediff(day, caldate, '2009-01-01') from holds;

-- was: refused
select date_add, date_diff from added order by 1;
-- 2008-01-31 00:00:00 | 337
-- 2008-03-01 00:00:00 | 307
-- null | null

select dateadd(day, 1, 'today') > sysdate, dateadd(minute, -1, 'now') < sysdate;
-- true | true

-- page: r_DATEDIFF_function
-- feature: function datediff
-- was: wrong
select datediff(week, '2010-01-01', '2010-12-31');
-- columns: date_diff
-- 52

select datediff(hour, '2022-03-01', '2022-03-03 07:08:09');
-- 55

select datediff(day, date '2010-01-01', date '2010-03-23'), datediff(day, date '2010-03-23', date '2010-01-01');
-- 81 | -81

select datediff(qtr, '1999-07-01', date '2008-06-05');
-- 35

select datediff(year, '2010-12-31', '2011-01-01'), datediff(month, '2010-12-31', '2011-01-01');
-- 1 | 1

select datediff(hour, timestamp '2010-01-01 08:30:00', timestamp '2010-01-01 10:00:00');
-- 2

select datediff(hours, time '20:00:00', time '15:24:45'), datediff(minute, time '20:00:00', time '21:30:00');
-- -5 | 90

-- was: refused
select datediff(hours, timetz '20:00:00 PST', timetz '00:58:00 EST');
-- 1

select datediff(sec, '2010-01-01 00:00:00.9', '2010-01-01 00:00:01.1'), datediff(ms, '2010-01-01', '2010-01-01 00:00:01.5');
-- 1 | 1500

select datediff(us, timestamp '2010-01-01 00:00:00', timestamp '2010-01-01 00:00:00.000123');
-- 123

select datediff(week, date '2024-01-06', date '2024-01-07'), datediff(week, date '2024-01-07', date '2024-01-13');
-- 1 | 0

select datediff(minute, timestamptz '2010-01-01 00:00:00+01', timestamptz '2010-01-01 00:00:00+00');
-- 60

select id, datediff(day, caldate, listtime), datediff(mins, caldate, listtime) from holds order by id;
-- 1 | 0 | 870
-- 2 | 0 | 1200
-- 3 | null | null

select avg(datediff(hours, caldate, listtime)) as waited from holds;
-- 17

-- page: r_DATE_PART_function
-- feature: function date_part
-- was: wrong
select date_part(minute, timestamp '2021-03-04 05:06:07.25');
-- columns: pgdate_part
-- types: float8
-- 6.0

-- was: wrong
select date_part(week, timestamp '2022-05-02 04:05:06'), date_part(w, timestamp '2021-01-03');
-- 18.0 | 53.0

-- was: wrong
select date_part(day, timestamp '2022-05-02'), date_part(dayofweek, timestamp '2022-05-02'), date_part(dow, date '2022-05-07');
-- 2.0 | 1.0 | 6.0

-- was: wrong
select date_part(century, timestamp '2022-05-02'), date_part(millennium, timestamp '2022-05-02');
-- 21.0 | 3.0

-- was: wrong
select date_part(microsecond, timestamp '2022-05-02 04:05:06.789');
-- 789000.0

-- was: wrong
select date_part(month, date '20220502'), date_part('year', date '20220502'), pgdate_part(doy, date '20220502');
-- 5.0 | 2022.0 | 122.0

-- was: wrong
select date_part(sec, timestamp '2009-09-21 11:10:03.189717');
-- 3.189717

-- was: wrong
select date_part(epoch, timestamp '2008-01-01 20:00:00');
-- 1199217600.0

create table parts as select id, date_part(epoch, listtime), extract(day from listtime) from holds;

-- was: refused
select pgdate_part, date_part from parts where id = 1;
-- columns: pgdate_part | date_part
-- types: float8 | int4
-- 1201703400.0 | 30

-- page: r_EXTRACT_function
-- feature: function extract
-- was: wrong
select extract(minute from timestamp '2010-09-09 12:08:43');
-- columns: date_part
-- types: int4
-- 8

-- was: wrong
select extract(ms from timestamp '2010-09-09 12:08:43.101'), extract(sec from timestamp '2010-09-09 12:08:43.901');
-- 101 | 43

-- was: wrong
select extract(us from timestamp '2010-09-09 12:08:43.101'), extract(milliseconds from time '18:25:33.123456');
-- 101000 | 123

-- was: wrong
select extract(year from timestamptz '1.12.1997 07:37:16.00 PST');
-- 1997.0

select extract(hour from time '20:01:02'), extract(minute from time '00:58:00'), extract(hour from timetz '05:58:00+00');
-- 20 | 58 | 5

-- was: wrong
select extract(ms from timetz '18:25:33.123456 EST');
-- 123

select extract(timezone_hour from timetz '07:37:16.00 PDT');
-- -7

select extract(dayofyear from timestamp '2021-12-31 00:00:00'), extract(qtr from timestamp '2021-12-31 00:00:00');
-- 365 | 4

select extract(day from date '2021-12-31'), extract('month' from date '2021-12-31');
-- 31 | 12

select id from holds where extract(yr from listtime) = 2008 and extract(mon from caldate) = 2;
-- 2

-- page: r_Dateparts_for_datetime_functions
-- feature: clause date parts
select extract(century from timestamp '2000-12-16 12:21:13'), extract(century from timestamp '2001-12-16 12:21:13');
-- 20 | 21

-- was: wrong
select extract(decade from timestamp '1999-02-16'), extract(decade from timestamp '2000-02-16'), extract(decade from timestamp '2010-02-16');
-- 200 | 201 | 202

select extract(mil from timestamp '2000-12-16'), extract(mil from timestamp '2001-12-16');
-- 2 | 3

select extract(epoch from timestamp '2010-01-01 00:00:10.6');
-- 1262304010

select timestamp with time zone 'epoch' + date_part(epoch, listtime) * interval '1 second' from holds where id = 1;
-- 2008-01-30 14:30:00+00

-- page: r_ADD_MONTHS
-- feature: function add_months
-- was: refused
select add_months('2011-03-31', 1), add_months('2011-04-30', 1);
-- 2011-04-30 00:00:00 | 2011-05-31 00:00:00

select add_months(date '2020-02-29', 12), add_months(timestamp '2021-02-28 10:00:00', 12);
-- 2021-02-28 00:00:00 | 2022-02-28 10:00:00

-- was: refused
select add_months('2011-01-15', -2), trunc(add_months(caldate, 12)) from holds where id = 1;
-- 2010-11-15 00:00:00 | 2009-01-30

-- was: refused
select add_months('2020-01-31', 1);
-- columns: add_months
-- 2020-02-29 00:00:00

-- page: r_LAST_DAY
-- feature: function last_day
-- was: refused
select last_day('2020-02-10'), last_day(timestamp '2021-04-30 23:59:59'), last_day(date '2021-12-01');
-- types: date | date | date
-- 2020-02-29 | 2021-04-30 | 2021-12-31

-- page: r_MONTHS_BETWEEN_function
-- feature: function months_between
-- was: refused
select months_between('1970-01-18', '1970-03-18') as months;
-- -2.0

-- was: refused
select months_between('2014-09-30', '2014-08-31'), months_between('2014-02-15', '2014-01-15');
-- 1.0 | 1.0

-- was: refused
select round(months_between('2008-12-25 15:00:00', '2008-01-21 19:30:00'), 2);
-- 11.12

-- page: r_DATE_TRUNC
-- feature: function date_trunc
select date_trunc('second', timestamp '2020-04-30 04:05:06.789'), date_trunc('minute', timestamp '2020-04-30 04:05:06.789');
-- 2020-04-30 04:05:06 | 2020-04-30 04:05:00

select date_trunc('hour', timestamp '2020-04-30 04:05:06'), date_trunc('day', timestamp '2020-04-30 04:05:06');
-- 2020-04-30 04:00:00 | 2020-04-30 00:00:00

select date_trunc('month', date '2020-04-30'), date_trunc('quarter', date '2020-05-31'), date_trunc('year', date '2020-04-30');
-- types: timestamp | timestamp | timestamp
-- 2020-04-01 00:00:00 | 2020-04-01 00:00:00 | 2020-01-01 00:00:00

select date_trunc('millennium', timestamp '2020-04-30'), date_trunc('century', timestamp '2020-04-30');
-- 2001-01-01 00:00:00 | 2001-01-01 00:00:00

select date_trunc('week', timestamp '2022-04-30 04:05:06');
-- 2022-04-25 00:00:00

-- was: refused
select date_trunc('mon', '2022-04-30'), date_trunc('qtr', '2022-04-30 10:00:00');
-- 2022-04-01 00:00:00 | 2022-04-01 00:00:00

-- was: refused
select date_trunc('month', listtime), count(*) from holds where listtime like '2008-0%' group by 1 order by 1;
-- 2008-01-01 00:00:00 | 1
-- 2008-02-01 00:00:00 | 1

-- page: r_NEXT_DAY
-- feature: function next_day
select next_day('2014-08-20', 'Tuesday'), next_day(date '2014-08-26', 'tu'), next_day(timestamp '2014-08-26 10:00:00', 'Wed');
-- types: date | date | date
-- 2014-08-26 | 2014-09-02 | 2014-08-27

-- page: r_TO_DATE_function
-- feature: function to_date
-- was: refused
select to_date('02 Oct 2001', 'DD Mon YYYY'), to_date('20010631', 'YYYYMMDD');
-- 2001-10-02 | 2001-07-01

-- was: refused
select to_date('20200231', 'YYYYMMDD', false), to_date('2021-01-05', 'YYYY-MM-DD', true);
-- 2020-03-02 | 2021-01-05

-- was: refused
select to_date('20010631', 'YYYYMMDD', true);
-- error: date/time field

select to_date('17:45 2021/03/04', 'HH24:MI YYYY/MM/DD');
-- 2021-03-04

-- page: r_TO_TIMESTAMP
-- feature: function to_timestamp
select to_timestamp('2017', 'YYYY');
-- types: timestamptz
-- 2017-01-01 00:00:00+00

-- was: refused
select to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS');
-- 2011-12-19 00:38:15+00

-- was: refused
select to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS', true);
-- error: date/time field

-- was: refused
select to_timestamp(timestamp '2021-04-05 19:27:53.28', 'YYYY-MM-DD HH24:MI:SS');
-- 2021-04-05 19:27:53+00

select to_timestamp('05 Dec 2000 10:11:12', 'DD Mon YYYY HH24:MI:SS')::timestamp;
-- 2000-12-05 10:11:12

-- page: r_TO_CHAR
-- feature: function to_char
select to_char(timestamp '2009-12-31 23:15:59', 'MONTH-DY-DD-YYYY HH12:MIPM');
-- DECEMBER -THU-31-2009 11:15PM

select to_char(timestamp '2009-12-31 23:15:59', 'DDD'), to_char(timestamp '2022-05-16 23:15:59', 'ID');
-- 365 | 1

select to_char(date '2010-12-31', 'Month') || '.', to_char(date '2010-12-31', 'FMMonth') || '.';
-- December . | December.

select to_char(listtime, 'HH12:MI:SS'), to_char(listtime, 'MON-DD-YYYY HH12:MIPM') from holds where id = 1;
-- 02:30:00 | JAN-30-2008 02:30PM

select to_char(timestamp '2015-04-10 18:45:09.325143', 'HH24:MI:SS.MS'), to_char(timestamp '2015-04-10 18:45:09.325143', 'HH24:MI:SS:US');
-- 18:45:09.325 | 18:45:09:325143

select to_char(caldate, 'YYYYMMDD'), to_char(caldate, 'cc'), to_char(caldate, 'Q') from holds where id = 1;
-- 20080130 | 21 | 1

-- was: wrong
select to_char(timestamp '2008-01-25 14:30:00', 'HH12:MI:SS TZ');
-- 02:30:00 UTC

select to_char('2021-02-03'::date, 'IYYY-IW'), to_char(timestamp '2021-02-03 04:05:06', 'J');
-- 2021-05 | 2459249

-- page: CONVERT_TIMEZONE
-- feature: function convert_timezone
select convert_timezone('PST', timestamp '2008-08-24 09:36:12'), convert_timezone('US/Pacific', timestamp '2008-08-24 09:36:12');
-- 2008-08-24 01:36:12 | 2008-08-24 02:36:12

select convert_timezone('EST', 'PST', '20080305 12:25:29');
-- columns: convert_timezone
-- types: timestamp
-- 2008-03-05 09:25:29

select convert_timezone('America/New_York', '2013-02-01 08:00:00'), convert_timezone('America/New_York', '2013-06-01 08:00:00');
-- 2013-02-01 03:00:00 | 2013-06-01 04:00:00

select convert_timezone('GMT', 'GMT+2', '2014-05-17 12:00:00'), convert_timezone('GMT', 'NEWZONE-2:15', '2014-05-17 12:00:00');
-- 2014-05-17 10:00:00 | 2014-05-17 14:15:00

select convert_timezone('GMT', 'NEWZONE +2', '2014-05-17 12:00:00');
-- 2014-05-17 10:00:00

select convert_timezone('UTC', 'Europe/Berlin', date '2024-07-01');
-- 2024-07-01 02:00:00

-- page: r_AT_TIME_ZONE
-- feature: operator at time zone
select timestamp '2001-02-16 20:38:40' at time zone 'MST';
-- types: timestamptz
-- 2001-02-17 03:38:40+00

select timestamp with time zone '2001-02-16 20:38:40-05' at time zone 'MST';
-- types: timestamp
-- 2001-02-16 18:38:40

-- page: r_TIMEZONE
-- feature: function timezone
select timezone('MST', timestamptz '2001-02-16 20:38:40-05'), timezone('PST', timestamp '2001-02-16 12:00:00');
-- 2001-02-16 18:38:40 | 2001-02-16 20:00:00+00

-- page: r_GETDATE
-- feature: function getdate
select getdate() <= sysdate + interval '1 second', getdate() = date_trunc('second', getdate());
-- true | true

select trunc(getdate()) = current_date;
-- true

-- page: r_SYSDATE
-- feature: function sysdate
select trunc(sysdate) = current_date, trunc(sysdate) - 120 < trunc(sysdate), sysdate = sysdate;
-- true | true | true

-- page: r_CURRENT_DATE_function
-- feature: function current_date
select current_date = trunc(getdate()), current_date - current_date;
-- true | 0

-- page: r_TIMEOFDAY_function
-- feature: function timeofday
select len(timeofday()) > 20;
-- true

-- page: r_TRUNC_date
-- feature: function trunc (date)
select trunc(timestamp '2011-07-21 10:32:38.248109'), trunc(date '2011-07-21');
-- types: date | date
-- 2011-07-21 | 2011-07-21

-- page: r_DATE_PART_YEAR
-- feature: function date_part_year
-- was: refused
select date_part_year(date '2022-05-02'), date_part_year('2021-05-02');
-- columns: date_part_year | date_part_year
-- 2022 | 2021

-- page: r_DATE_CMP
-- feature: function date_cmp
select date_cmp('2008-01-01', '2008-01-04'), date_cmp(date '2008-01-04', '2008-01-04'), date_cmp(date '2008-01-05', '2008-01-04');
-- -1 | 0 | 1

-- page: r_DATE_CMP_TIMESTAMP
-- feature: function date_cmp_timestamp
select date_cmp_timestamp('2008-06-18', timestamp '2008-01-24 06:43:29'), date_cmp_timestamp('2008-06-18', timestamp '2008-06-18 00:00:01');
-- 1 | -1

-- page: r_DATE_CMP_TIMESTAMPTZ
-- feature: function date_cmp_timestamptz
select date_cmp_timestamptz('2008-06-18', timestamptz '2008-06-18 00:00:00+00'), date_cmp_timestamptz('2008-06-17', timestamptz '2008-06-18 00:00:00+00');
-- 0 | -1

-- page: r_TIMESTAMP_CMP
-- feature: function timestamp_cmp
select timestamp_cmp(timestamp '2008-01-24 06:43:29', timestamp '2008-02-18 02:36:48'), timestamp_cmp('2008-01-24', '2008-01-24');
-- -1 | 0

-- page: r_TIMESTAMP_CMP_DATE
-- feature: function timestamp_cmp_date
select timestamp_cmp_date(timestamp '2008-06-18 10:00:00', '2008-06-18'), timestamp_cmp_date(timestamp '2008-01-24', date '2008-06-18');
-- 1 | -1

-- page: r_TIMESTAMP_CMP_TIMESTAMPTZ
-- feature: function timestamp_cmp_timestamptz
select timestamp_cmp_timestamptz('2008-01-24 06:43:29', timestamptz '2008-01-24 06:43:29+00');
-- 0

-- page: r_TIMESTAMPTZ_CMP
-- feature: function timestamptz_cmp
select timestamptz_cmp('2008-01-24 06:43:29+00', '2008-01-24 05:43:29-01');
-- 0

-- page: r_TIMESTAMPTZ_CMP_DATE
-- feature: function timestamptz_cmp_date
select timestamptz_cmp_date(timestamptz '2008-06-19 00:00:00+00', '2008-06-18');
-- 1

-- page: r_TIMESTAMPTZ_CMP_TIMESTAMP
-- feature: function timestamptz_cmp_timestamp
select timestamptz_cmp_timestamp(timestamptz '2008-01-24 06:43:29+00', '2008-02-18 02:36:48');
-- -1

-- page: r_INTERVAL_CMP
-- feature: function interval_cmp
select interval_cmp('3 days', '1 year'), interval_cmp('7 days', '1 week'), interval_cmp('2 hours', '1 minute');
-- -1 | 0 | 1

-- page: r_interval_literals
-- feature: type interval
select date '2008-12-31' + interval '1 second', date '2008-12-31' + interval '3 hours, 35 minutes';
-- 2008-12-31 00:00:01 | 2008-12-31 03:35:00

select date '2008-12-31' + interval '52 weeks', date '2008-12-31' + interval '1w, 1h, 1m, 1s';
-- 2009-12-30 00:00:00 | 2009-01-07 01:01:01

select date '2008-12-31' + interval '0.5 days', date '2023-02-15' - interval '4 months', date '2023-03-31' - interval '4 months';
-- 2008-12-31 12:00:00 | 2022-10-15 00:00:00 | 2022-11-30 00:00:00

select timestamp '2008-12-31 10:00:00' + interval '30';
-- 2008-12-31 10:00:30

-- page: r_DATE-CONCATENATE_function
-- feature: operator + (date and time)
select date '2000-01-02' + time '20:00:00', time '01:00:00' + date '2000-01-02';
-- 2000-01-02 20:00:00 | 2000-01-02 01:00:00

select date '2000-01-01' + timetz '20:00:00 PST';
-- types: timestamptz
-- 2000-01-02 04:00:00+00

-- page: r_Datetime_types
-- feature: operator + and - (days)
select date '2020-03-01' - 1, date '2020-02-28' + 2, date '2020-03-01' - date '2020-02-01';
-- 2020-02-29 | 2020-03-01 | 29

-- was: refused
select timestamp '2020-03-01 12:00:00' - 1, timestamp '2020-02-28 12:00:00' + 2;
-- 2020-02-29 12:00:00 | 2020-03-01 12:00:00

select id from holds where listtime between trunc(timestamp '2008-03-01') - 2 and trunc(timestamp '2008-03-01') order by id;
-- 2

-- page: r_Datetime_types
-- feature: type date
create table days (start_date date, end_date date);
insert into days values ('2008-06-01', '2008-12-31'), ('Jun 1,2008', '20081231'), ('6/1/2008', '12-31-2008');

select distinct start_date, end_date from days;
-- 2008-06-01 | 2008-12-31

-- page: r_Datetime_types
-- feature: type timestamp
create table moments (a timestamp, b timestamptz);
insert into moments values ('Jun 1,2008  09:59:59', 'Jun 1,2008 09:59:59 EST'), ('Dec 31,2008 18:20', 'Dec 31,2008 18:20');

select * from moments order by 1;
-- types: timestamp | timestamptz
-- 2008-06-01 09:59:59 | 2008-06-01 14:59:59+00
-- 2008-12-31 18:20:00 | 2008-12-31 18:20:00+00

create table typed (a datetime, b timestamp without time zone, c time without time zone, d timetz);
insert into typed values ('2008-06-01 01:02:03', '20080601', '10:11', '10:11:12+02');

-- was: refused
select a, b, c, d from typed;
-- types: timestamp | timestamp | time | timetz
-- 2008-06-01 01:02:03 | 2008-06-01 00:00:00 | 10:11:00 | 08:11:12+00

-- was: refused
select convert(datetime, '2008-02-18 02:36:48'), cast('2008-02-18' as datetime), '2008-02-18'::datetime;
-- 2008-02-18 02:36:48 | 2008-02-18 00:00:00 | 2008-02-18 00:00:00

insert into days select timestamp '2008-07-01 10:11:12', timestamptz '2008-07-01 10:11:12+00';
-- changed: 1
