"""Reading expressions in a fraction of moto's time."""

from __future__ import annotations

import functools
from typing import Any, cast

from elt_redshift.local.copies import deep_copy, frozen, thawed


def read_fast() -> None:
    """Moto reads an update's expression twice, copies its tree twice, and goes through it ten times, asking of each
    node whether it is of one of some abstract classes: half of what an update takes. Here an expression is read once,
    trees are copied by pickle, and which class a node counts as is asked once for each of Python's classes.
    """
    from moto.dynamodb.parsing import ast_nodes, expressions, validators

    nodes, reading, holding = cast(Any, ast_nodes), cast(Any, expressions), cast(Any, validators)
    parser, tokens = reading.UpdateExpressionParser, reading.ExpressionTokenizer

    @functools.lru_cache(maxsize=1024)
    def tree(expression: str) -> bytes:
        return frozen(parser(tokens.make_list(expression)).parse())

    parser.make = lambda expression: thawed(tree(expression))
    holding.deepcopy = deep_copy
    nodes.DepthFirstTraverser.traverse = _traverse
    nodes.Node.find_clauses = _clauses_finder((nodes.Expression, nodes.UpdateExpressionFunction))


_counts_as: Any = functools.cache(issubclass)


def _traverse(self: Any, node: Any) -> Any:
    """Each node after its children, as moto goes through them."""
    return _Walk(self).walk(node, -1)


class _Walk:
    """One traverser's way through one tree."""

    def __init__(self, traverser: Any) -> None:
        self._before = traverser.pre_processing_of_child
        self._by_kind = traverser._processing_map()
        self._processors: dict[type, Any] = {}

    def walk(self, node: Any, child_id: int) -> Any:
        parent, children = node.parent, node.children
        for index, child in enumerate(children or ()):
            self._before(node, index)
            if hasattr(child, "children"):
                self.walk(child, index)
        kind = type(node)
        if kind not in self._processors:
            self._processors[kind] = self._processor(kind)
        if process := self._processors[kind]:
            node = process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    def _processor(self, kind: type) -> Any:
        return next((process for of, process in self._by_kind.items() if _counts_as(kind, of)), None)


def _clauses_finder(holders: tuple[type, ...]) -> Any:
    def find_clauses(self: Any, wanted: Any) -> list[Any]:
        found = []
        for child in self.children or ():
            if type(child) in wanted:
                found.append(child)
            elif _counts_as(type(child), holders):
                found += child.find_clauses(wanted)
        return found

    return find_clauses
