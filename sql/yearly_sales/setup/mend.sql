-- Undoes break.sql; then `elt-redshift redrive` continues the failed execution where it stopped.
alter table public.fact_yearly_sale_away rename to fact_yearly_sale;
