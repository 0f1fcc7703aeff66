"""Texts that come through Step Functions and CloudFormation as they were written."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.language.jsonata import as_it_is, code, literal, read
from elt_redshift.asl.target import ROLE_PLACEHOLDER
from elt_redshift.aws.definitions import Definition
from elt_redshift.local.stepfunctions.jsonata import evaluate

from .jobs import job, task

_TEXTS = st.text(st.sampled_from("{}%$\"'\\u a1\n\r\t\0é😀\u2028"), max_size=12)
_ROLE = (ROLE_PLACEHOLDER,)


def _arrives(said: str) -> str:
    """What a service is given: JSON, then Step Functions on whatever stands between its marks."""
    text = str(json.loads(json.dumps(said)))
    return evaluate(text[2:-2], {}) if text.startswith("{%") and text.endswith("%}") else text


@given(_TEXTS)
def test_a_literal_is_its_text(text: str) -> None:
    """JSONata reads it so, and nobody finds a mark in it."""
    assert evaluate(literal(text), {}) == text
    assert evaluate(code(text), {}) == text
    assert not re.search(r"\$\{|\{\{|\{%|%\}", literal(text))


@given(_TEXTS)
def test_a_text_comes_through(text: str) -> None:
    """Into the service, and back to who reads definitions; deployment and Step Functions find nothing of theirs."""
    said = as_it_is(text)
    assert (_arrives(said), read(said)) == (text, text)
    assert said == text or not re.search(r"\$\{|\{\{|\{%|%\}", said[2:-2])


@pytest.mark.parametrize(
    "text", [f"copy '{ROLE_PLACEHOLDER}'", f"{ROLE_PLACEHOLDER} ${{x}} ${ROLE_PLACEHOLDER}", "$${x}"]
)
def test_only_what_deployment_shall_fill_in_is_left_to_it(text: str) -> None:
    """The warehouse's role is filled in, also in a text that is a literal for other reasons."""
    filled = as_it_is(text, kept=_ROLE).replace(ROLE_PLACEHOLDER, "arn")
    assert "${" not in filled
    assert _arrives(filled) == text.replace(ROLE_PLACEHOLDER, "arn")


@pytest.mark.parametrize(
    "sql", ["{%$string(6*7)%}", "select '{{resolve:ssm:/secret}}'", "select 1 -- {%}", "select '${x}'"]
)
def test_sql_is_no_code(sql: str) -> None:
    """Whatever it looks like, a statement is sent, shown and deployed as it stands."""
    machine = compile_job(job(task("a", sql=(sql,)), task("b", "a", sql=(sql, "select 2"))))
    definition = machine.definition()
    assert _arrives(definition["States"]["a"]["Arguments"]["Sql"]) == sql
    assert [_arrives(one) for one in definition["States"]["b"]["Arguments"]["Sqls"]] == [sql, "select 2"]
    assert Definition(json.dumps(definition), None, {}).statements("b") == (sql, "select 2")
