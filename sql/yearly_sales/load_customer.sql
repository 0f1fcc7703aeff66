-- The customer dimension, type 1: a customer's row always shows its newest state. Only rows that are new or differ are
-- written, so a refresh without news touches nothing.

create temp table #customer_news
diststyle key
distkey (customer_key)
as
select
  c.c_custkey as customer_key,
  c.c_name as customer_name,
  c.c_address as address,
  n.n_name as nation_name,
  c.c_phone as phone,
  c.c_acctbal as account_balance,
  c.c_mktsegment as market_segment
from public.stg_customer c
join public.nation n on n.n_nationkey = c.c_nationkey
except
select customer_key, customer_name, address, nation_name, phone, account_balance, market_segment
from public.customer;

merge into public.customer
using #customer_news as news
on customer.customer_key = news.customer_key
when matched then update set
  customer_name = news.customer_name,
  address = news.address,
  nation_name = news.nation_name,
  phone = news.phone,
  account_balance = news.account_balance,
  market_segment = news.market_segment
when not matched then insert
  (customer_key, customer_name, address, nation_name, phone, account_balance, market_segment)
values
  (news.customer_key, news.customer_name, news.address, news.nation_name, news.phone, news.account_balance,
   news.market_segment);

drop table #customer_news;
