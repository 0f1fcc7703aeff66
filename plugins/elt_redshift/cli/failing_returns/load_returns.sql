delete from public.yearly_returns where year = :year;

insert into public.yearly_returns
select :year::int, count(*)
from public.returns
where extract(year from returned_on) = :year::int;
