"""Definitions are parsed fast, and once: moto's own way takes half a second for a job of six tasks.

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

from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

_CACHED = 256  # definitions
_parsed: dict[str, Any] = {}
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


def _fast_lexer(text: Any) -> Any:
    """The tokens of a definition. What the grammar takes a lexeme for does not depend on what stands around it, so each
    is looked at once; a text with a part that is no token is left to the grammar, which says so."""
    tokens = _tokens(text)
    return ASLLexer(text) if tokens is None else ListTokenSource(tokens)


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
