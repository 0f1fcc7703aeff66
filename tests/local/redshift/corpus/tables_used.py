"""Tables that several cases begin with."""

from __future__ import annotations

SALES = (
    "create table sales (id int not null distkey, region varchar(20) encode zstd, amount decimal(10,2), sold date) sortkey(sold)",
    "insert into sales values (1,'north',10.00,'2024-01-05'), (2,'north',30.00,'2024-02-29'), (3,'south',20.00,'2024-03-31'), "
    "(4,'south',null,'2024-12-31')",
)
PAIR = (
    "create table target (id int, name varchar(10))",
    "create table source (id int, name varchar(10))",
    "insert into target values (101,'Bob'), (102,'John'), (103,'Susan')",
    "insert into source values (102,'Tony'), (103,'Alice'), (104,'Bill')",
)
ERROR_LOG = (
    "create table employee (firstname varchar, lastname varchar)",
    "insert into employee values ('Tomas','Smith')",
    "create table employee_error_log (message varchar)",
)
