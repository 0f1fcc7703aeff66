create table if not exists public.yearly_returns (year int, returned bigint);
create table if not exists public.yearly_orders (year int, ordered bigint);
