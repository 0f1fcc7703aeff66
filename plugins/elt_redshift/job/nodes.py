"""Wiring tasks of a job that is being built: ``a >> b``, as with Airflow's operators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from elt_redshift.exceptions import JobError, Problem

Wired = TypeVar("Wired", "Node", "list[Node]", "tuple[Node, ...]")


class Wirable(Protocol):
    """A job to which edges can be added."""

    name: str

    def _wire(self, upstream: str, downstream: str) -> None: ...


class Node:
    """A task of a job that is being built; wires edges with ``>>`` and ``<<``, as Airflow's operators do."""

    __slots__ = ("_job", "name")

    def __init__(self, job: Wirable, name: str) -> None:
        self._job, self.name = job, name

    def __repr__(self) -> str:
        return f"<task {self.name} of {self._job.name}>"

    def __rshift__(self, other: Wired) -> Wired:
        """``a >> b``: b waits for a. Gives b, so that chains read left to right."""
        for node in _nodes(other):
            node._wait_for(self)
        return other

    def __lshift__(self, other: Wired) -> Wired:
        """``a << b``: a waits for b. Gives b."""
        for node in _nodes(other):
            self._wait_for(node)
        return other

    def __rrshift__(self, other: Iterable[Node]) -> Node:
        """``[a, b] >> c``: c waits for a and b. Gives c."""
        for node in _nodes(other):
            self._wait_for(node)
        return self

    def __rlshift__(self, other: Iterable[Node]) -> Node:
        """``[a, b] << c``: a and b wait for c. Gives c."""
        for node in _nodes(other):
            node._wait_for(self)
        return self

    def _wait_for(self, upstream: Node) -> None:
        if upstream._job is not self._job:
            problem = f"{self!r} cannot wait for {upstream!r}, a task of another job."
            raise JobError([Problem(f"job {self._job.name}", problem, "Wire tasks of one job.")])
        self._job._wire(upstream.name, self.name)


def _nodes(wired: Node | Iterable[Node]) -> list[Node]:
    nodes = [wired] if isinstance(wired, Node) else list(wired)
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"{node!r} is no task; wire what job.task(...) gave, or lists of it.")
    return nodes
