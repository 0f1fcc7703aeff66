select o.year, o.ordered, r.returned
from public.yearly_orders o
join public.yearly_returns r on r.year = o.year;
