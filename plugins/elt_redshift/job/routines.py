"""Bodies of procedures and functions that are written without quotes."""

from __future__ import annotations


class Routine:
    """Follows one statement to tell whether it is inside the unquoted body of a procedure or function.

    Redshift wants bodies quoted, and a quoted body is one token. Written without quotes, the body's semicolons must not
    cut the script either, so that Redshift (and not a piece of a procedure) tells what is wrong. ``BEGIN`` and ``END``
    count only after ``CREATE PROCEDURE|FUNCTION … AS``: elsewhere they start and end a transaction.
    """

    def __init__(self) -> None:
        self._head: list[str] = []
        self._previous = ""
        self._body = False
        self._declaring = False
        self._depth = 0

    @property
    def open(self) -> bool:
        """Whether a body has begun and not ended."""
        return self._declaring or self._depth > 0

    def see(self, word: str, text: str) -> None:
        """Take notice of the statement's next meaningful token.

        :param word: the token in lower case; empty unless it is an unquoted name.
        """
        if self._body:
            self._count(word)
        elif self._previous == "as" and word in ("begin", "declare") and self._is_routine():
            self._body = True
            self._count(word)
        elif len(self._head) < 4:
            self._head.append(word)
        self._previous = word or text

    def _is_routine(self) -> bool:
        return self._head[0] == "create" and not {"procedure", "function"}.isdisjoint(self._head)

    def _count(self, word: str) -> None:
        if word == "declare":
            self._declaring = self._depth == 0
        elif word == "end":
            self._depth -= 1
        elif self._opens(word):
            self._declaring = False
            self._depth += 1

    def _opens(self, word: str) -> bool:
        if word == "if":  # elsewhere it is part of DROP … IF EXISTS
            return self._previous in (";", "begin", "then", "else", "loop")
        return word in ("begin", "case", "loop") and self._previous != "end"
