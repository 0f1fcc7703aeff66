delete from public.yearly_orders where year = :year;

insert into public.yearly_orders
select :year::int, count(*)
from public.orders
where extract(year from o_orderdate) = :year::int;
