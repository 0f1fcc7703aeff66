"""``SELECT * EXCLUDE (columns)``: the columns that are left, by name.

https://docs.aws.amazon.com/redshift/latest/dg/r_EXCLUDE_list.html
"""

from __future__ import annotations

from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.select import Select
from elt_redshift.local.redshift.dialect.queries.sources import identifier
from elt_redshift.local.redshift.dialect.tokens import lex, quoted_name, strip, text


def rewrite(select: Select, context: Context) -> None:
    """:raises UnsupportedSqlError: nobody knows the table's columns."""
    if not select.excluded:
        return
    unwanted = {identifier(strip(column)[-1]) for column in select.excluded}
    source = text(expression(select.clauses.get("from", [])))
    items = []
    for item in select.items:
        written = text(item).strip()
        if not written.endswith("*"):
            items.append(item)
            continue
        columns = context.columns(source, written)
        if columns is None:
            raise UnsupportedSqlError("EXCLUDE is not emulated where the tables do not exist yet; list the columns.")
        table = written[:-1]
        items += [lex(f"{table}{quoted_name(column.name)}") for column in columns if column.name not in unwanted]
    select.items, select.excluded = items, []
