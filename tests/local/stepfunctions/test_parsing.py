"""What makes parsing fast changes nothing that comes out of it."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import pytest
from antlr4 import CommonTokenStream, InputStream
from antlr4.Token import Token
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

from elt_redshift.asl.compiler import compile_job
from elt_redshift.local import stepfunctions
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


def _form(component: Any) -> Any:
    """All that a component consists of."""
    if isinstance(component, dict):
        return {str(_form(key)): _form(value) for key, value in component.items()}
    if isinstance(component, list | tuple | set):
        return [_form(each) for each in component]
    if not hasattr(component, "__dict__") or isinstance(component, type | Enum):
        return repr(component)
    held = {name: value for name, value in vars(component).items() if name != "heap_key"}
    return type(component).__qualname__, _form(held)


def _read(definition: dict[str, Any]) -> Any:
    return AmazonStateLanguageParser.parse(json.dumps(definition))[0]


@pytest.fixture
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    stepfunctions.apply_all()
    monkeypatch.setattr(parsing, "_parsed", {})
    monkeypatch.setattr(parsing, "_states", {})


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("name", ["event", "map", "two_then_one"])
def test_a_known_state_is_read_as_an_unknown_one(name: str) -> None:
    """A job is read alike, whether its states are known from another of its definitions or not."""
    definition = compile_job(JOBS[name]).definition()
    alone = _form(_read(definition))
    known = len(parsing._states)
    parsing._parsed.clear()
    assert _form(_read(definition)) == alone
    assert len(parsing._states) == known > 0


@pytest.mark.usefixtures("nothing_known")
def test_states_that_look_alike_in_another_language_are_others() -> None:
    """What a text means depends on the query language around it."""
    states = {"a": {"Type": "Pass", "Next": "b"}, "b": {"Type": "Succeed"}}
    for language in ({}, {"QueryLanguage": "JSONata"}, {"QueryLanguage": "JSONPath"}):
        read = _read({"StartAt": "a", "States": states, **language})
        wanted = language.get("QueryLanguage", "JSONPath")
        modes = {state.query_language.query_language_mode.name for state in read.states.states.values()}
        assert modes == {wanted}


@pytest.mark.usefixtures("nothing_known")
def test_states_of_a_definition_of_two_languages_are_not_known_again() -> None:
    """Which one is in force where, only the parser can tell."""
    states = {"a": {"Type": "Pass", "QueryLanguage": "JSONata", "Next": "b"}, "b": {"Type": "Succeed"}}
    _read({"StartAt": "a", "States": states})
    assert not parsing._states
    _read({"StartAt": "a", "States": states, "QueryLanguage": "JSONata"})
    assert not parsing._states


@pytest.mark.usefixtures("nothing_known")
def test_a_state_that_is_refused_is_not_known() -> None:
    """It is refused each time, beside states that are known."""
    states = {"a": {"Type": "Pass", "Next": "b"}, "b": {"Type": "Succeed"}}
    _read({"StartAt": "a", "States": states})
    broken = {**states, "b": {"Type": "Succeed", "Unheard": {"of": True}}}
    for _ in range(2):
        with pytest.raises(ASLParserException):
            _read({"StartAt": "a", "States": broken})


@pytest.mark.usefixtures("nothing_known")
def test_data_that_look_like_a_known_state_are_none() -> None:
    """A definition that is data of another stays as it is."""
    end = {"b": {"Type": "Succeed"}}
    _read({"StartAt": "b", "States": end})
    outer = {"a": {"Type": "Pass", "Result": {"States": end}, "Next": "b"}, **end}
    read = _read({"StartAt": "a", "States": outer}).states.states["a"]
    assert end == read.result.result_obj["States"]
