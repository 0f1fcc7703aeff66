-- Loads the source data from S3. Fill in ${Bucket}, ${Prefix} and ${RedshiftIAMRoleARN} first: COPY takes no parameters.
-- Safe to run again: rows of an earlier load are replaced. (DELETE and not TRUNCATE, which would commit half of the script.)
-- The files have a header and '|' between fields, as `tpchgen-cli csv --delimiter '|'` writes them.

delete from public.nation;
copy public.nation
from 's3://${Bucket}/${Prefix}/nation.csv'
iam_role '${RedshiftIAMRoleARN}'
format as csv delimiter '|' ignoreheader 1 compupdate off;

delete from public.stg_customer;
copy public.stg_customer
from 's3://${Bucket}/${Prefix}/customer.csv'
iam_role '${RedshiftIAMRoleARN}'
format as csv delimiter '|' ignoreheader 1 compupdate off;

delete from public.stg_supplier;
copy public.stg_supplier
from 's3://${Bucket}/${Prefix}/supplier.csv'
iam_role '${RedshiftIAMRoleARN}'
format as csv delimiter '|' ignoreheader 1 compupdate off;

delete from public.orders;
copy public.orders
from 's3://${Bucket}/${Prefix}/orders.csv'
iam_role '${RedshiftIAMRoleARN}'
format as csv delimiter '|' ignoreheader 1 compupdate off;

delete from public.lineitem;
copy public.lineitem
from 's3://${Bucket}/${Prefix}/lineitem.csv'
iam_role '${RedshiftIAMRoleARN}'
format as csv delimiter '|' ignoreheader 1 compupdate off;
