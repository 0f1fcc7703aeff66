-- For trying out failures: takes the fact table away, as a careless migration would. load_fact_yearly_sale then fails with
-- Redshift's own "relation ... does not exist" after both dimensions are loaded. mend.sql undoes it.
alter table public.fact_yearly_sale rename to fact_yearly_sale_away;
