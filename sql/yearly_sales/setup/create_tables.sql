-- The demo's tables. Safe to run again: what exists stays as it is.
--
-- All of them live in the schema public, because the row-count queries of the AWS article this job follows
-- ("Accelerate orchestration of an ELT process using AWS Step Functions and Amazon Redshift Data API") count
-- public.customer, fact_yearly_sale, lineitem, nation, orders and supplier, and run here unchanged. There, customer and
-- supplier are the dimensions that the job loads, so the raw customers and suppliers arrive in stg_customer and stg_supplier;
-- lineitem, nation and orders are read by the job just as they arrive.
--
-- Column types are TPC-H's, money as numeric(18,4). No constraints: Redshift would not enforce them.

-- What COPY fills.

create table if not exists public.nation (
  n_nationkey integer not null encode raw,
  n_name varchar(25) not null encode zstd,
  n_regionkey integer not null encode az64,
  n_comment varchar(152) encode zstd
)
backup no
diststyle all
sortkey (n_nationkey);

create table if not exists public.stg_customer (
  c_custkey bigint not null encode az64,
  c_name varchar(25) not null encode zstd,
  c_address varchar(40) not null encode zstd,
  c_nationkey integer not null encode az64,
  c_phone varchar(15) not null encode zstd,
  c_acctbal numeric(18,4) not null encode az64,
  c_mktsegment varchar(10) not null encode bytedict,
  c_comment varchar(117) encode zstd
)
backup no
diststyle key
distkey (c_custkey);

create table if not exists public.stg_supplier (
  s_suppkey bigint not null encode az64,
  s_name varchar(25) not null encode zstd,
  s_address varchar(40) not null encode zstd,
  s_nationkey integer not null encode az64,
  s_phone varchar(15) not null encode zstd,
  s_acctbal numeric(18,4) not null encode az64,
  s_comment varchar(101) encode zstd
)
backup no
diststyle even;

create table if not exists public.orders (
  o_orderkey bigint not null encode az64,
  o_custkey bigint not null encode az64,
  o_orderstatus char(1) not null encode zstd,
  o_totalprice numeric(18,4) not null encode az64,
  o_orderdate date not null encode raw,
  o_orderpriority varchar(15) not null encode bytedict,
  o_clerk varchar(15) not null encode zstd,
  o_shippriority integer not null encode az64,
  o_comment varchar(79) encode zstd
)
backup no
diststyle key
distkey (o_orderkey)
sortkey (o_orderdate);

-- Distributed as orders is: the fact's join stays on each node.
create table if not exists public.lineitem (
  l_orderkey bigint not null encode raw,
  l_partkey bigint not null encode az64,
  l_suppkey bigint not null encode az64,
  l_linenumber integer not null encode az64,
  l_quantity numeric(12,2) not null encode az64,
  l_extendedprice numeric(18,4) not null encode az64,
  l_discount numeric(5,4) not null encode az64,
  l_tax numeric(5,4) not null encode az64,
  l_returnflag char(1) not null encode zstd,
  l_linestatus char(1) not null encode zstd,
  l_shipdate date not null encode az64,
  l_commitdate date not null encode az64,
  l_receiptdate date not null encode az64,
  l_shipinstruct varchar(25) not null encode bytedict,
  l_shipmode varchar(10) not null encode bytedict,
  l_comment varchar(44) encode zstd
)
backup no
diststyle key
distkey (l_orderkey)
compound sortkey (l_orderkey, l_linenumber);

-- What the job loads: two dimensions with the nation's name in them, and the fact.

create table if not exists public.customer (
  customer_key bigint not null encode raw,
  customer_name varchar(25) not null encode zstd,
  address varchar(40) not null encode zstd,
  nation_name varchar(25) not null encode bytedict,
  phone varchar(15) not null encode zstd,
  account_balance numeric(18,4) not null encode az64,
  market_segment varchar(10) not null encode bytedict
)
diststyle key
distkey (customer_key)
sortkey (customer_key);

create table if not exists public.supplier (
  supplier_key bigint not null encode raw,
  supplier_name varchar(25) not null encode zstd,
  address varchar(40) not null encode zstd,
  nation_name varchar(25) not null encode bytedict,
  phone varchar(15) not null encode zstd,
  account_balance numeric(18,4) not null encode az64
)
diststyle all
sortkey (supplier_key);

-- One row per year of order, customer and supplier. A year's rows are replaced as a whole, so sale_year leads the sort key.
create table if not exists public.fact_yearly_sale (
  sale_year smallint not null encode raw,
  customer_key bigint not null encode az64,
  supplier_key bigint not null encode az64,
  customer_nation varchar(25) not null encode bytedict,
  supplier_nation varchar(25) not null encode bytedict,
  order_count integer not null encode az64,
  line_count integer not null encode az64,
  quantity numeric(18,2) not null encode az64,
  gross_amount numeric(18,4) not null encode az64,
  net_amount numeric(18,4) not null encode az64,
  tax_amount numeric(18,4) not null encode az64
)
diststyle key
distkey (customer_key)
compound sortkey (sale_year, customer_key);

-- What went wrong inside stored procedures; sp_load_supplier writes to it.
create table if not exists public.etl_error_log (
  procedure_name varchar(128) not null encode zstd,
  error_time timestamp not null default sysdate encode raw,
  error_state varchar(5) not null encode zstd,
  error_message varchar(4096) not null encode zstd
)
backup no
diststyle even
sortkey (error_time);
