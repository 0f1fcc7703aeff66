"""Definitions are parsed fast, and once, and so are the states that several have in common: the machines of a job, its
next version, the definition that was validated before it. Moto's own way takes half a second for a job of six tasks.

None of these changes what comes out; tests/local/stepfunctions/test_parsing.py holds that.
"""

from __future__ import annotations

import functools
import gc
import re
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from antlr4 import InputStream
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.ListTokenSource import ListTokenSource
from antlr4.Token import CommonToken, Token
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.parse import asl_parser
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.parse.typed_props import TypedProps

from elt_redshift.local.stepfunctions.lexemes import Lexemes, State
from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

_CACHED = 256  # definitions
_parsed: dict[str, Any] = {}
_STATES = 16384
_OF_KNOWN = 4  # tokens: the name, the colon, two braces
_states: dict[State, Any] = {}
_parsing = threading.RLock()  # ANTLR's runtime fills caches while it parses


@PATCHES.method(
    AmazonStateLanguageParser, "parse", "Parsed a definition (100 ms) for each execution; the result has no state."
)
def parse(original: Any, definition: str) -> Any:
    with _parsing:
        if definition not in _parsed:
            if len(_parsed) >= _CACHED:
                _parsed.clear()
            with _uncollected():
                program, _ = original(definition)
            _parsed[definition] = program, None  # nobody wants the syntax tree, of a million objects
        return _parsed[definition]


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: it would look through the growing tree again and again, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _fast_parser(tokens: Any) -> Any:
    """ANTLR's faster prediction: what it can read, it reads as the slower one does, and it can read every definition.

    (https://github.com/antlr/antlr4/blob/master/runtime/Java/src/org/antlr/v4/runtime/atn/PredictionMode.java)
    """
    parser: Any = ASLParser(tokens)
    parser._interp.predictionMode = PredictionMode.SLL
    return parser


PATCHES.value(
    asl_parser, "ASLParser", "Predicted with full context: half as long again for the same tree.", _fast_parser
)


class _Name(CommonToken):
    """The name of a state, and what was read of that before."""

    state: State
    read: Any


class _Known(ASLParser.State_declContext):
    """A state that has been read before."""

    read: Any

    def accept(self, visitor: Any) -> Any:
        return self.read


@PATCHES.method(ASLParser, "state_decl", "Read anew the states that a definition has in common with others.")
def state_decl(original: Any, self: Any) -> Any:
    name = self.getCurrentToken()
    if not isinstance(name, _Name) or name.read is None:
        return original(self)
    known = _Known(self, self._ctx, self.state)
    known.read = name.read
    self.enterRule(known, self.state, self.RULE_state_decl)
    self.getTokenStream().seek(name.tokenIndex + _OF_KNOWN)
    self.exitRule()
    return known


@PATCHES.method(Preprocessor, "visitState_decl", "Forgot the states of one definition before it read the next.")
def visit_state(original: Any, self: Any, ctx: Any) -> Any:
    read = original(self, ctx)
    if isinstance(ctx.start, _Name):
        if len(_states) >= _STATES:
            _states.clear()
        _states[ctx.start.state] = read
    return read


@PATCHES.method(
    TypedProps,
    "__str__",
    "Put all of a Parallel's states together for a message that is hardly ever told: a tenth of it.",
)
def text_of_props(original: Any, self: Any) -> str:
    return ", ".join(kind.__name__ for kind in self._instance_by_type)


class _Text(InputStream):
    """A definition, whose letters are numbers once the grammar asks for one."""

    def _loadString(self) -> None:  # noqa: N802
        self._index, self._size = 0, len(self.strdata)

    @functools.cached_property
    def data(self) -> list[int]:
        return [ord(letter) for letter in self.strdata]


PATCHES.value(asl_parser, "InputStream", "Made a number of each letter, at which nobody looks.", _Text)


def _fast_lexer(text: Any) -> Any:
    """The tokens of a definition. What the grammar takes a lexeme for does not depend on what stands around it, so each
    is looked at once; a text with a part that is no token is left to the grammar, which says so."""
    tokens = _tokens(text)
    return ASLLexer(text) if tokens is None else ListTokenSource(tokens)


PATCHES.value(asl_parser, "ASLLexer", "Went through a definition letter by letter: a third of the time.", _fast_lexer)


def _tokens(text: Any) -> list[Any] | None:
    """None: a part is no token. Of a state that is known, there are its name, the colon and its braces only."""
    whole = str(text)
    lexemes, source = Lexemes(whole), (ASLLexer(text), text)
    names, lines, found = dict(_names(lexemes, lexemes.states())), _lines(whole), []
    for place in _unknown(lexemes, names):
        lexeme, start = lexemes.texts[place], lexemes.starts[place]
        if (kind := _kind(lexeme)) is None:
            return None
        made = source, kind, Token.DEFAULT_CHANNEL, start, start + len(lexeme) - 1
        token = _Name(*made) if place in names else CommonToken(*made)
        if isinstance(token, _Name):
            token.state, token.read = names[place][1], _states.get(names[place][1])
        line = bisect_left(lines, start)
        token.line, token.column, token.text = line, start - lines[line - 1] - 1, lexeme
        found.append(token)
    return found


def _names(lexemes: Lexemes, states: Iterable[tuple[int, int, State]]) -> Iterator[tuple[int, tuple[int, State]]]:
    """The places of states' names and their ends, except within states that are known."""
    for name, end, state in states:
        yield name, (end, state)
        if state not in _states:
            yield from _names(lexemes, lexemes.inner(name, state[0]))


def _unknown(lexemes: Lexemes, names: dict[int, tuple[int, State]]) -> Iterator[int]:
    """The places of all lexemes but those within states that are known."""
    place = 0
    while place < len(lexemes.texts):
        end, state = names.get(place, (0, None))
        if state in _states:
            yield from (place, place + 1, place + 2, end)
            place = end
        else:
            yield place
        place += 1


def _lines(text: str) -> list[int]:
    """Where lines begin: the places of the breaks before them."""
    return [-1, *(match.start() for match in re.finditer("\n", text))]


@functools.lru_cache(maxsize=16384)
def _kind(lexeme: str) -> int | None:
    """The type of the one token that a lexeme is; None if it is not one."""
    lexer: Any = ASLLexer(InputStream(lexeme))
    lexer.removeErrorListeners()
    token = lexer.nextToken()
    return token.type if token.stop == len(lexeme) - 1 and token.start == 0 else None


@PATCHES.method(
    ASLParser.Program_declContext,
    "getText",
    "Put all tokens together for a message that is hardly ever told: a fifth of the time.",
)
def text_of_program(original: Any, self: Any) -> str:
    return str(self.start.getInputStream().getText(self.start.start, self.stop.stop))
