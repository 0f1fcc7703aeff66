-- The supplier dimension, type 1: a supplier's row always shows its newest state; suppliers that no longer arrive stay,
-- because facts still refer to them.
--
-- When a statement fails, Redshift rolls back the procedure's work, runs the EXCEPTION block in a transaction of its own (so
-- the row of the log survives) and raises the error again, so that the caller sees it:
-- https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-trapping-errors.html
create or replace procedure public.sp_load_supplier()
as $$
declare
  v_loaded bigint := 0;
begin
  delete from public.supplier
  using public.stg_supplier
  where supplier.supplier_key = stg_supplier.s_suppkey;

  insert into public.supplier (supplier_key, supplier_name, address, nation_name, phone, account_balance)
  select s.s_suppkey, s.s_name, s.s_address, n.n_name, s.s_phone, s.s_acctbal
  from public.stg_supplier s
  join public.nation n on n.n_nationkey = s.s_nationkey;

  get diagnostics v_loaded := row_count;
  raise info 'sp_load_supplier loaded % suppliers', v_loaded;
exception
  when others then
    insert into public.etl_error_log (procedure_name, error_state, error_message)
    values ('sp_load_supplier', sqlstate, sqlerrm);
end;
$$
language plpgsql;
