"""What makes parsing fast changes nothing that comes out of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from antlr4 import CommonTokenStream, InputStream
from antlr4.Token import Token
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser

from elt_redshift.asl.compiler import compile_job
from elt_redshift.local.stepfunctions import parsing
from tests.unit.asl.jobs import JOBS

#: Each kind of token that the grammar has, next to what is hardly told from it.
KINDS = r"""
{ "Next" : "next", "a.$": "$", "b": "$.x[0]", "c":"$$.Map", "d": "$var", "e": "States.Format('{}, [x]: \"', $.y)",
  "f": "{% $states.input & \"é\" %}", "g": [true,false ,null, 0, -1, 1.5, -2.5e-3, 1E+2], "h": "\\", "i": "States.ALL",
	"j": "\u00e9\n", "k": "", "l": {}, "States.Timeout": "States.Format(" }
"""


def _seen(tokens: list[Any]) -> list[Any]:
    return [(token.type, token.text, token.start, token.stop, token.line, token.column) for token in tokens]


def _by_the_grammar(text: str) -> list[Any]:
    stream: Any = CommonTokenStream(ASLLexer(InputStream(text)))
    stream.fill()
    return [token for token in stream.tokens if token.type != Token.EOF]


@pytest.mark.parametrize("text", [KINDS, json.dumps(compile_job(JOBS["event"]).definition(), indent=2)])
def test_the_tokens_are_the_grammars(text: str) -> None:
    """Their kinds, texts and places are those that the grammar finds letter by letter."""
    found = parsing._tokens(InputStream(text))
    assert found is not None
    assert _seen(found) == _seen(_by_the_grammar(text))


@pytest.mark.parametrize(
    "text", ['{"a": tru}', '{"a": "\\q"}', '{"a": "b}', '{"a": 007}', '{"a": 1.}', '{"a": "\x01"}', "{\xa0}"]
)
def test_what_is_no_token_is_left_to_the_grammar(text: str) -> None:
    """It has its own ways to go on behind one, and to tell of it."""
    assert parsing._tokens(InputStream(text)) is None


def test_the_text_of_a_program_is_the_definitions() -> None:
    """As a message quotes it."""
    text = '{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}'
    tree = ASLParser(CommonTokenStream(ASLLexer(InputStream(text)))).state_machine()
    assert parsing.text_of_program(None, tree.getChild(0)) == text
