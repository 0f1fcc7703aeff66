"""Strings, intrinsic functions and JSONPath."""

import json
from typing import Any

import pytest

from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import ROLE, Aws, jsonata, jsonpath, passing


@beyond_stock("assert {'v': ", "KeyError('\\\\", "KeyError(\\", "KeyError('name')")
@pytest.mark.parametrize(
    ("function", "value"),
    [
        (r"States.Format('it\'s {}', $.a)", "it's A"),
        (r"States.Format('\{\} {}', $.a)", "{} A"),
        ('States.Format(\'{"k": "{}"}\', $.a)', '{"k": "A"}'),
        (r"States.Format('a\\b {}', $.a)", "a\\b A"),
        ("States.Format('{} {name}', $.a)", "A {name}"),
    ],
)
def test_format_takes_escapes_and_braces(aws: Aws, function: str, value: str) -> None:
    """Escaped quotes, braces, backslashes and JSON's own escapes come through States.Format."""
    assert aws.output(jsonpath({"a": passing(Parameters={"v.$": function})}), {"a": "A"}) == {"v": value}


@beyond_stock("assert {'v': ")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.rows[0].name", "a"),
        ("$.rows[0]", {"name": "a"}),
        ("$.rows[*].name", ["a"]),
        ("$.rows[0:1]", [{"name": "a"}]),
        ("$..name", ["a"]),
        ("$.none[*]", []),
        ("$.nested[0][0].v", 1),
    ],
)
def test_definite_paths_give_values_and_others_lists(aws: Aws, path: str, value: Any) -> None:
    """An index is definite; wildcards, slices and descendants give lists, of one element too."""
    data = {"rows": [{"name": "a"}], "none": [], "nested": [[{"v": 1}]]}
    every = ["$.rows[0].name", "$.rows[*].name", "$..name", "$.rows[0:1]"]
    output = aws.output(
        jsonpath({"a": passing(Parameters={"v.$": path, "all": {f"{i}.$": p for i, p in enumerate(every)}})}), data
    )
    assert output == {"v": value, "all": {"0": "a", "1": ["a"], "2": ["a"], "3": [{"name": "a"}]}}


@beyond_stock("u00e9")
def test_strings_keep_json_escapes(aws: Aws) -> None:
    """A literal with quotes, newlines and unicode escapes is the text that JSON means."""
    text = 'say "hi"\n\t\\ \u2028 é 😀'
    assert aws.output(jsonpath({"é \\": passing(Parameters={"v": text})})) == {"v": text}
    arn = aws.start(jsonpath({"é \\": passing()}))
    aws.ended(arn)
    assert aws.entered(arn) == ["é \\"]


@beyond_stock("'' == 'InvalidDefinition'")
def test_a_refused_jsonata_definition_leaves_no_trace(aws: Aws) -> None:
    """After a JSONata definition was refused, a JSONPath definition is still read as JSONPath."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "TimeoutSeconds": 1, "HeartbeatSeconds": 2}
    bad = json.dumps(jsonata({"a": {**state, "End": True}}))
    assert aws.fails("create_state_machine", name="refused", definition=bad, roleArn=ROLE) == "InvalidDefinition"
    assert aws.output(jsonpath({"a": passing(Parameters={"v.$": "$.x"})}), {"x": 1}) == {"v": 1}
