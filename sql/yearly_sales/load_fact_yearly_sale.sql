-- One year of sales: a row per customer and supplier. The year's rows are replaced as a whole in one transaction, so a
-- re-run gives the same rows, readers never see half a year, and other years are left alone.

-- The parameter arrives as text, like all of the Data API's, hence the casts; and it goes into an INSERT, because not every
-- database binds parameters in CREATE TABLE AS.
create temp table #yearly_sale (like public.fact_yearly_sale);

-- Amounts are summed exactly and rounded once, with round(): a cast to fewer decimals would cut them off in Redshift.
insert into #yearly_sale
  (sale_year, customer_key, supplier_key, customer_nation, supplier_nation, order_count, line_count, quantity,
   gross_amount, net_amount, tax_amount)
select
  cast(:year as smallint),
  c.customer_key,
  s.supplier_key,
  c.nation_name,
  s.nation_name,
  count(distinct o.o_orderkey),
  count(*),
  sum(l.l_quantity),
  sum(l.l_extendedprice),
  round(sum(l.l_extendedprice * (1 - l.l_discount)), 4),
  round(sum(l.l_extendedprice * (1 - l.l_discount) * l.l_tax), 4)
from public.orders o
join public.lineitem l on l.l_orderkey = o.o_orderkey
join public.customer c on c.customer_key = o.o_custkey
join public.supplier s on s.supplier_key = l.l_suppkey
where o.o_orderdate >= to_date(:year || '-01-01', 'YYYY-MM-DD')
  and o.o_orderdate < dateadd(year, 1, to_date(:year || '-01-01', 'YYYY-MM-DD'))
group by c.customer_key, s.supplier_key, c.nation_name, s.nation_name;

delete from public.fact_yearly_sale
where sale_year = cast(:year as smallint);

insert into public.fact_yearly_sale
  (sale_year, customer_key, supplier_key, customer_nation, supplier_nation, order_count, line_count, quantity,
   gross_amount, net_amount, tax_amount)
select
  sale_year, customer_key, supplier_key, customer_nation, supplier_nation, order_count, line_count, quantity,
  gross_amount, net_amount, tax_amount
from #yearly_sale;

drop table #yearly_sale;
