"""Definitions are parsed fast, and once, and so are the states that several have in common: the machines of a job, its
next version, the definition that was validated before it. Moto's own way takes half a second for a job of six tasks.

None of these changes what comes out; tests/local/stepfunctions/test_parsing.py holds that.
"""

from __future__ import annotations

import functools
import gc
import re
import threading
from collections.abc import Iterator
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

from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

_CACHED = 256  # definitions
_parsed: dict[str, Any] = {}
_STATES = 16384
_states: dict[tuple[str, str], Any] = {}  # by the language and the lexemes
_parsing = threading.RLock()  # ANTLR's runtime fills caches while it parses
#: No token of the grammar is longer than one of these, or begins in one and ends in another.
_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:," \t\r\n]+|[ \t\r\n]+|"', re.DOTALL)


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


class _Tokens(ListTokenSource):
    """The tokens of a definition, and which of them are its states."""

    def __init__(self, tokens: list[Any]) -> None:
        super().__init__(tokens)
        self._lexemes = [token.text for token in tokens]
        self._ends = _ends(self._lexemes)
        self._language = self._of_all()

    def _of_all(self) -> str | None:
        """The one query language of all states; None where some have another one than the rest."""
        told = [place for place, lexeme in enumerate(self._lexemes) if lexeme == '"QueryLanguage"']
        if not told:
            return ""
        outer = len(told) == 1 and not any(begin < told[0] < end for begin, end in self._ends.items() if begin)
        return self._lexemes[told[0] + 2] if outer else None

    def state(self, begin: int) -> tuple[tuple[str, str], int] | None:
        """What the state is that begins, with its name, at a token, and the token behind it; None: that is unknown."""
        end = self._ends.get(begin + 2)
        if self._language is None or end is None:
            return None
        return (self._language, " ".join(self._lexemes[begin : end + 1])), end + 1


def _ends(lexemes: list[str]) -> dict[int, int]:
    """The places of closing braces, by those of the opening ones."""
    open_, found = [], {}
    for place, lexeme in enumerate(lexemes):
        if lexeme == "{":
            open_.append(place)
        elif lexeme == "}" and open_:
            found[open_.pop()] = place
    return found


class _Known(ASLParser.State_declContext):
    """A state that has been read before."""

    read: Any

    def accept(self, visitor: Any) -> Any:
        return self.read


@PATCHES.method(ASLParser, "state_decl", "Read the states anew that a definition has in common with others.")
def state_decl(original: Any, self: Any) -> Any:
    source, begin = self.getTokenStream().tokenSource, self.getCurrentToken().tokenIndex
    found = source.state(begin) if isinstance(source, _Tokens) else None
    if found is None or found[0] not in _states:
        return original(self)
    known = _Known(self, self._ctx, self.state)
    known.read = _states[found[0]]
    self.enterRule(known, self.state, self.RULE_state_decl)
    self.getTokenStream().seek(found[1])
    self.exitRule()
    return known


@PATCHES.method(Preprocessor, "visitState_decl", "Forgot the states of one definition before it read the next.")
def visit_state(original: Any, self: Any, ctx: Any) -> Any:
    state, source = original(self, ctx), ctx.parser.getTokenStream().tokenSource
    if isinstance(source, _Tokens) and (found := source.state(ctx.start.tokenIndex)):
        if len(_states) >= _STATES:
            _states.clear()
        _states[found[0]] = state
    return state


def _fast_lexer(text: Any) -> Any:
    """The tokens of a definition. What the grammar takes a lexeme for does not depend on what stands around it, so each
    is looked at once; a text with a part that is no token is left to the grammar, which says so."""
    tokens = _tokens(text)
    return ASLLexer(text) if tokens is None else _Tokens(tokens)


PATCHES.value(asl_parser, "ASLLexer", "Went through a definition letter by letter: a third of the time.", _fast_lexer)


def _tokens(text: Any) -> list[Any] | None:
    source, found, line, begun = (ASLLexer(text), text), [], 1, 0
    for match in _LEXEME.finditer(str(text)):
        lexeme, start = match[0], match.start()
        if lexeme[0] in " \t\r\n":
            if breaks := lexeme.count("\n"):
                line, begun = line + breaks, start + lexeme.rfind("\n") + 1
            continue
        if (kind := _kind(lexeme)) is None:
            return None
        token = CommonToken(source, kind, Token.DEFAULT_CHANNEL, start, match.end() - 1)
        token.line, token.column, token.text = line, start - begun, lexeme
        found.append(token)
    return found


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
