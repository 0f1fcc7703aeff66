"""What SQL does with the tables, schemas and procedures that it names: the words for it, and a script's sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

#: ``temp``: makes a table that is gone with its session. ``empties``: what was in it is gone. ``needs``: it must be
#: there, whatever is in it. ``path``: is where names without a schema are looked up from here on.
Kind = Literal["makes", "temp", "empties", "writes", "reads", "needs", "drops", "calls", "path"]

#: Where a name without a schema is looked up, unless the script says otherwise.
PUBLIC = "public"
#: What Redshift brings along, which nobody's file makes.
_SYSTEM = ("pg_", "stl_", "stv_", "svl_", "svv_", "svcs_", "sys_")
_SCHEMA = "schema "
_SYSTEM_SCHEMAS = ("pg_catalog", "information_schema", "pg_internal")


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that a statement does.

    :param name: as Redshift folds it, in lower case, with its schema if it was written with one.
    """

    kind: Kind
    name: str


@dataclass(slots=True)
class Uses:
    """What a script does, by name. Reading what the script itself made is left out.

    :ivar makes: creates it, or gives it this name. Who fills or reads it otherwise comes behind that.
    :ivar writes: changes rows or shape of it.
    :ivar drops: leaves it gone at the end.
    :ivar temporary: makes it for itself; it is not among the others.
    :ivar calls: procedures, whose own doing is not looked into.
    :ivar unknown: the places of statements that nobody understood.
    """

    makes: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    drops: set[str] = field(default_factory=set)
    temporary: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)

    def changes(self, name: str) -> bool:
        return name in self.makes or name in self.writes

    def touches(self, name: str) -> bool:
        """Whether it wants something of ``name``, and not only to have it gone."""
        return self.changes(name) or name in self.reads or name in self.needs


def folded(parts: Iterable[str]) -> str:
    """A name of these parts; Redshift folds quoted ones to lower case, too."""
    return ".".join("_".join(part.lower().split()) for part in parts)


def procedure(name: str) -> str:
    """The name under which a procedure is told from a table."""
    return f"{name}()"


def schema(name: str) -> str:
    """The name under which a schema is told from a table."""
    return f"{_SCHEMA}{name}"


def is_schema(name: str) -> bool:
    return name.startswith(_SCHEMA)


def is_system(name: str) -> bool:
    """Whether it is a table or view of Redshift's own."""
    first, _, last = name.rpartition(".")
    return first in _SYSTEM_SCHEMAS or (first == PUBLIC and last.startswith(_SYSTEM))


class Script:
    """Sums up what the statements of a script do, one after the other."""

    def __init__(self) -> None:
        self.uses = Uses()
        self._path = PUBLIC
        self._own: set[str] = set()

    def add(self, uses: Iterable[Use]) -> None:
        for use in uses:
            if use.kind == "path":
                self._path = use.name
                continue
            whole = "." in use.name or is_schema(use.name)
            name = use.name if whole else f"{self._path}.{use.name}"
            if use.kind == "temp":
                self.uses.temporary.add(name)
            elif name not in self.uses.temporary:
                self._note(use.kind, name)

    def _note(self, kind: Kind, name: str) -> None:
        uses = self.uses
        if kind in ("makes", "empties"):
            self._own.add(name)
        match kind:
            case "makes":
                uses.makes.add(name)
                uses.drops.discard(name)
            case "writes" | "empties":
                uses.writes.add(name)
            case "reads" if name not in self._own:
                uses.reads.add(name)
            case "drops":
                uses.drops.add(name)
            case "calls":
                uses.calls.add(name)
                uses.reads.add(name)
            case "needs":
                uses.needs.add(name)
        if not is_schema(name):
            uses.needs.add(schema(name.rpartition(".")[0]))
