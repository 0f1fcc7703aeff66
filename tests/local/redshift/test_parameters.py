"""Named parameters."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from elt_redshift.local.redshift import DataApiError, EmbeddedRedshift

from .conftest import CLUSTER, fetch, run, run_batch, values


def given(**parameters: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in parameters.items()]


def test_a_value_takes_the_type_of_its_surroundings(client: Any, schema: str) -> None:
    """A string from the request compares with an INT column and fills a DATE column."""
    run(client, f"create table {schema}.t (year int, day date)")
    run(client, f"insert into {schema}.t values (:year, :day)", Parameters=given(year="1998", day="1998-05-01"))
    found = values(
        client, f"select * from {schema}.t where year = :y and day > :d", Parameters=given(y="1998", d="1998-01-01")
    )
    assert found == [(1998, "1998-05-01")]


def test_values_are_never_sql(client: Any) -> None:
    """Quotes and semicolons in a value stay in the value."""
    value = "'; drop table x; --\\"
    assert values(client, "select :v, :v", Parameters=given(v=value)) == [(value, value)]


def test_only_tokens_are_parameters(client: Any) -> None:
    """A colon in a string, a comment, a cast, a quoted name or a longer word is no parameter."""
    sql = """select ':a', 5::varchar as "x:a", :ab || 'c' -- :a
             /* :a */"""
    assert values(client, sql, Parameters=given(ab="b")) == [(":a", "5", "bc")]


def test_a_parameter_that_nothing_refers_to_is_refused(client: Any) -> None:
    """Every parameter given must be used; the message names the ones that are not."""
    with pytest.raises(ClientError, match=r"Unused parameters: \[b\]"):
        client.execute_statement(Sql="select :a", Parameters=given(a="1", b="2"), **CLUSTER)


def test_a_parameter_that_is_not_given_is_refused(client: Any) -> None:
    """Every parameter in the text must be given."""
    with pytest.raises(ClientError, match="Cannot find parameter: b"):
        client.execute_statement(Sql="select :a, :b", Parameters=given(a="1"), **CLUSTER)


def test_a_parameter_given_twice_is_refused(client: Any) -> None:
    """Two values for one name are an error."""
    with pytest.raises(ClientError, match="duplicate"):
        client.execute_statement(Sql="select :a", Parameters=[*given(a="1"), *given(a="2")], **CLUSTER)


def test_an_empty_value_is_refused(redshift: EmbeddedRedshift) -> None:
    """AWS's model wants at least one character; boto3 refuses before it sends."""
    with pytest.raises(DataApiError, match="greater than or equal to 1"):
        redshift.data_api.call("ExecuteStatement", {"Sql": "select :a", "Parameters": given(a=""), **CLUSTER})


def test_a_batch_needs_each_parameter_once(client: Any) -> None:
    """In a batch every statement may use any of the parameters, and each must be used by at least one."""
    described = run_batch(client, ["select :a", "select :b", "select 3"], Parameters=given(a="1", b="2"))
    assert described["QueryParameters"] == given(a="1", b="2")
    assert [fetch(client, f"{described['Id']}:{place}") for place in (1, 2)] == [[("1",)], [("2",)]]
    with pytest.raises(ClientError, match="unused parameters"):
        client.batch_execute_statement(Sqls=["select :a", "select 1"], Parameters=given(a="1", c="2"), **CLUSTER)


def test_parameters_reach_a_procedure(client: Any, schema: str) -> None:
    """The arguments of a CALL are parameters like any other."""
    run(client, f"create table {schema}.t (year int)")
    run(
        client,
        f"create procedure {schema}.p(y int) as $$ begin insert into {schema}.t values (y); end $$ language plpgsql",
    )
    assert run(client, f"call {schema}.p(:year)", Parameters=given(year="1998"))["Status"] == "FINISHED"
    assert values(client, f"select year from {schema}.t") == [(1998,)]
