"""What is around a SELECT: tables of the queries that it stands in, common table expressions, the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from elt_redshift.local.redshift.dialect.catalog import Catalog, NoCatalog, ResultColumn


@dataclass(frozen=True)
class Context:
    """:param tables: what the queries around call their tables.
    :param elements: those of them that are elements of a SUPER array or values of a SUPER object.
    :param commons: the common table expressions that are visible, in PostgreSQL's words.
    """

    catalog: Catalog = field(default_factory=NoCatalog)
    tables: frozenset[str] = frozenset()
    elements: frozenset[str] = frozenset()
    commons: tuple[str, ...] = ()

    def within(self, tables: Iterable[str], elements: Iterable[str]) -> Context:
        """For what stands inside a query of ``tables``, of which ``elements`` are parts of SUPER values."""
        return replace(self, tables=self.tables | set(tables), elements=frozenset(elements))

    def with_common(self, definition: str) -> Context:
        """For what stands behind a common table expression."""
        return replace(self, commons=(*self.commons, definition))

    def columns(self, source: str, items: str = "*") -> tuple[ResultColumn, ...] | None:
        """The columns of ``select items from source``, both in PostgreSQL's words; ``None``: nobody knows."""
        commons = f"with recursive {', '.join(self.commons)} " if self.commons else ""
        return self.catalog.columns(f"{commons}select {items} from {source} limit 0")  # noqa: S608 - rewrites SQL
