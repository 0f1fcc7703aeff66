"""The lexemes of a definition, and where among them its states stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: No token of the grammar is longer than one of these, or begins in one and ends in another.
_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:," \t\r\n]+|"', re.DOTALL)
_PROGRAMS = ('"ItemProcessor"', '"Iterator"')
_CLOSING = {"}": "{", "]": "["}

State = tuple[str, str]
"""What a state is: the query language around it, and its lexemes."""


class Lexemes:
    """Those of a text; all places are indices of them.

    :param text: a definition; one that is no JSON has no states.
    """

    def __init__(self, text: str) -> None:
        found = [(match[0], match.start()) for match in _LEXEME.finditer(text)]
        self.texts = [lexeme for lexeme, _ in found]
        self.starts = [start for _, start in found]
        self._ends = _ends(self.texts)

    def states(self) -> Iterator[tuple[int, int, State]]:
        """The outermost states: the places of the name and of the closing brace, and what the state is.

        None if it depends on the place which query language is in force.
        """
        told = [value for key, value in self._members(0) if self.texts[key] == '"QueryLanguage"']
        if len(told) == self.texts.count('"QueryLanguage"') < 2:
            language = self.texts[told[0]] if told else ""
            yield from self._of_program(0, language)

    def inner(self, name: int, language: str) -> Iterator[tuple[int, int, State]]:
        """The states within a state, as :meth:`states` gives them."""
        for key, value in self._members(name + 2):
            if self.texts[key] in _PROGRAMS:
                yield from self._of_program(value, language)
            elif self.texts[key] == '"Branches"' and self.texts[value] == "[":
                for branch in self._items(value):
                    yield from self._of_program(branch, language)

    def _of_program(self, program: int, language: str) -> Iterator[tuple[int, int, State]]:
        for key, value in self._members(program):
            if self.texts[key] == '"States"':
                for name, body in self._members(value):
                    if self.texts[body] == "{" and (end := self._ends.get(body)):
                        yield name, end, (language, " ".join(self.texts[name : end + 1]))

    def _members(self, place: int) -> Iterator[tuple[int, int]]:
        """The keys and the values of the object that begins at a place; none if it is no object."""
        if self.texts[place : place + 1] == ["{"]:
            for key in self._items(place, skip=2):
                yield key, key + 2

    def _items(self, place: int, skip: int = 0) -> Iterator[int]:
        """The items of what begins at a place; before the value of each there are so many lexemes."""
        end, item = self._ends.get(place, 0), place + 1
        while item + skip < end:
            yield item
            value = item + skip
            item = self._ends.get(value, value) + 2


def _ends(lexemes: list[str]) -> dict[int, int]:
    """The places of closing brackets, by those of the opening ones."""
    open_, found = [], {}
    for place, lexeme in enumerate(lexemes):
        if lexeme in ("{", "["):
            open_.append(place)
        elif lexeme in _CLOSING and open_ and lexemes[open_[-1]] == _CLOSING[lexeme]:
            found[open_.pop()] = place
    return found
