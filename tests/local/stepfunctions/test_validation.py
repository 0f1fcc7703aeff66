"""What is refused before it is created."""

import json
from typing import Any

import pytest

from elt_redshift.local.stepfunctions.validate import diagnostics
from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import ROLE, Aws, branch, jsonata, jsonpath, passing, sdk

WAIT = {"Type": "Wait", "Seconds": 1, "End": True}
SCHEMA, TARGET = "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET"
CATCH = jsonata({"a": sdk("dynamodb:listTables", {}, End=True, Catch=[{"ErrorEquals": ["X"], "Next": "no"}])})
CHOICE = {"Type": "Choice", "Choices": [{"Condition": True, "Next": "b"}], "Default": "c"}
DEFAULT = jsonata({"a": CHOICE, "b": passing()})
PARALLEL = {"Type": "Parallel", "Branches": [branch({"a": passing()})], "End": True}

BAD: list[tuple[str, Any, str, str]] = [
    ("no JSON", "{", "INVALID_JSON_DESCRIPTION", ""),
    ("no object", "[]", "INVALID_JSON_DESCRIPTION", ""),
    ("no StartAt", {"States": {"a": passing()}}, SCHEMA, "/StartAt"),
    ("StartAt is no state", jsonpath({"a": passing()}, start="b"), TARGET, "/StartAt"),
    ("no states", {"StartAt": "a", "States": {}}, SCHEMA, "/States"),
    ("Next is no state", jsonpath({"a": {"Type": "Pass", "Next": "b"}}), TARGET, "/States/a/Next"),
    ("unreachable", jsonpath({"a": passing(), "b": passing()}), TARGET, "/States/b"),
    ("neither Next nor End", jsonpath({"a": {"Type": "Pass"}}), SCHEMA, "/States/a"),
    ("unknown type", jsonpath({"a": {"Type": "Loop", "End": True}}), SCHEMA, "/States/a/Type"),
    ("unknown field", jsonpath({"a": passing(Nxt="b")}), SCHEMA, "/States/a/Nxt"),
    ("unknown field above", {**jsonpath({"a": passing()}), "Start": "a"}, SCHEMA, "/Start"),
    ("JSONata's field in JSONPath", jsonpath({"a": passing(Output=1)}), SCHEMA, "/States/a/Output"),
    ("JSONPath's field in JSONata", jsonata({"a": passing(Parameters={})}), SCHEMA, "/States/a/Parameters"),
    ("name too long", jsonpath({"n" * 81: passing()}), SCHEMA, f"/States/{'n' * 81}"),
    ("same name in a branch", jsonata({"a": PARALLEL}), SCHEMA, "/States/a/Branches/0/States/a"),
    ("bad expression", jsonata({"a": passing(Output={"k": "{% 1 + %}"})}), SCHEMA, "/States/a/Output/k"),
    ("$eval", jsonata({"a": passing(Output="{% $eval('1') %}")}), SCHEMA, "/States/a/Output"),
    ("Catch without target", CATCH, TARGET, "/States/a/Next"),
    ("Default without target", DEFAULT, TARGET, "/States/a/Default"),
    ("no Branches", jsonata({"a": {"Type": "Parallel", "End": True}}), SCHEMA, "/States/a"),
    ("no ItemProcessor", jsonata({"a": {"Type": "Map", "End": True}}), SCHEMA, "/States/a"),
    (
        "no such service",
        jsonata({"a": sdk("redshiftdatas:executeStatement", {}, End=True)}),
        SCHEMA,
        "/States/a/Resource",
    ),
    (
        "no such action",
        jsonata({"a": sdk("redshiftdata:executeStatements", {}, End=True)}),
        SCHEMA,
        "/States/a/Resource",
    ),
    (
        "no such argument",
        jsonata({"a": sdk("redshiftdata:executeStatement", {"Sqll": "x"}, End=True)}),
        SCHEMA,
        "/States/a/Arguments",
    ),
    (
        "argument in the API's case",
        jsonata({"a": sdk("sfn:describeExecution", {"executionArn": "x"}, End=True)}),
        SCHEMA,
        "/States/a/Arguments",
    ),
    ("too large", jsonpath({"a": passing(Comment="x" * 1_048_576)}), SCHEMA, ""),
    ("the grammar's own", jsonpath({"a": {"Type": "Wait", "Seconds": "x", "End": True}}), SCHEMA, ""),
]


@pytest.mark.parametrize(("definition", "code", "location"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_definition_is_diagnosed_and_refused(aws: Aws, definition: Any, code: str, location: str) -> None:
    """ValidateStateMachineDefinition says what and where; CreateStateMachine refuses."""
    text = definition if isinstance(definition, str) else json.dumps(definition)
    if len(text) <= 1_048_576:  # boto itself refuses to validate a larger one
        answer = aws.sfn.validate_state_machine_definition(definition=text)
        assert answer["result"] == "FAIL"
        assert (code, location) in [(item["code"], item["location"]) for item in answer["diagnostics"]]
        assert all(item["message"] and item["severity"] == "ERROR" for item in answer["diagnostics"])
        assert aws.fails("create_state_machine", name="bad", definition=text, roleArn=ROLE) == "InvalidDefinition"
    else:
        assert [(item.code, item.location) for item in diagnostics(text)] == [(code, location)]


def test_a_good_definition_has_no_diagnostics(aws: Aws) -> None:
    """Both languages, all state types."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "end"}]
    processor = branch({"item": passing()})
    processor["ProcessorConfig"] = {"Mode": "INLINE"}
    states = {
        "task": sdk(
            "redshiftdata:executeStatement", {"Sql": "select 1", "Database": "dev"}, Catch=catch, Next="choice"
        ),
        "choice": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "map"}], "Default": "parallel"},
        "map": {"Type": "Map", "Items": "{% [1] %}", "ItemProcessor": processor, "Catch": catch, "Next": "parallel"},
        "parallel": {**PARALLEL, "Arguments": "{% 1 %}", "Next": "wait"},
        "wait": {"Type": "Wait", "Seconds": "{% 1 %}", "Next": "end"},
        "end": {"Type": "Succeed"},
    }
    del states["parallel"]["End"]
    answer = aws.sfn.validate_state_machine_definition(definition=json.dumps(jsonata(states)))
    assert (answer["result"], answer["diagnostics"]) == ("OK", [])


def test_all_findings_are_reported_at_once(aws: Aws) -> None:
    """Every mistake is in the list, up to maxResults."""
    definition = json.dumps(jsonpath({"a": passing(X=1, Y=2), "b": passing()}))
    answer = aws.sfn.validate_state_machine_definition(definition=definition)
    assert [item["location"] for item in answer["diagnostics"]] == ["/States/a/X", "/States/a/Y", "/States/b"]
    answer = aws.sfn.validate_state_machine_definition(definition=definition, maxResults=1)
    assert (len(answer["diagnostics"]), answer["truncated"]) == (1, True)


@beyond_stock("DID NOT RAISE")
def test_an_update_is_validated_too(aws: Aws) -> None:
    """UpdateStateMachine refuses what CreateStateMachine refuses."""
    machine = aws.create(jsonpath({"a": passing()}))
    bad = json.dumps(jsonpath({"a": {"Type": "Pass", "Next": "b"}}))
    assert aws.fails("update_state_machine", stateMachineArn=machine, definition=bad) == "InvalidDefinition"


def test_duplicate_state_names_are_found() -> None:
    """A name written twice in one object would silently replace the first."""
    state = json.dumps(passing())
    assert "Duplicate" in str(diagnostics(f'{{"StartAt": "a", "States": {{"a": {state}, "a": {state}}}}}')[0])
