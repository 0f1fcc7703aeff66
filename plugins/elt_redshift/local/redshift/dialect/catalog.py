"""What the rewriter may ask the database: which columns a query has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

#: The type of a SUPER here: see sql/super.sql.
SUPER_OID = 142
#: PostgreSQL's arrays, which Redshift has in its catalog only: of "char", name, int2, int4, text, oid, aclitem, and its
#: two kinds of vectors.
ARRAY_OIDS = frozenset({1002, 1003, 1005, 1007, 1009, 1028, 1034, 22, 30})


@dataclass(frozen=True)
class ResultColumn:
    """A column of a query: its name, and PostgreSQL's oid of its type."""

    name: str
    oid: int


class Catalog(Protocol):
    """Knows the tables that are there."""

    def columns(self, query: str) -> tuple[ResultColumn, ...] | None:
        """The columns of ``query``, which is in PostgreSQL's words; ``None`` when it cannot be run."""


class NoCatalog:
    """Where no database can be asked."""

    def columns(self, query: str) -> tuple[ResultColumn, ...] | None:
        return None
