"""Result sets, and every response held against AWS's model."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from elt_redshift.local.redshift import EmbeddedRedshift
from elt_redshift.local.redshift.statements import Status

from .conftest import CLUSTER, fetch, run


def test_fields_by_type(client: Any) -> None:
    """Each type of Redshift has its kind of field."""
    described = run(
        client,
        "select 1::smallint, 2::int, 3::bigint, 1.5::real, 2.25::double precision, true, 'a'::varchar(3), "
        "'b'::char(2), 12.30::decimal(5,2), date '2024-02-29', timestamp '2024-02-29 10:11:12', "
        "timestamptz '2024-02-29 10:11:12+00', 'abc'::varbyte, json_parse('{\"a\": 1}'), null::int",
    )
    (row,) = client.get_statement_result(Id=described["Id"])["Records"]
    assert row == [
        {"longValue": 1},
        {"longValue": 2},
        {"longValue": 3},
        {"doubleValue": 1.5},
        {"doubleValue": 2.25},
        {"booleanValue": True},
        {"stringValue": "a"},
        {"stringValue": "b "},
        {"stringValue": "12.30"},
        {"stringValue": "2024-02-29"},
        {"stringValue": "2024-02-29 10:11:12"},
        {"stringValue": "2024-02-29 10:11:12+00"},
        {"blobValue": b"abc"},
        {"stringValue": '{"a":1}'},
        {"isNull": True},
    ]


def test_column_metadata(client: Any) -> None:
    """Names, types and sizes of columns are Redshift's."""
    described = run(client, "select 1 as a, 'x'::varchar(7) as b, 1.5::decimal(8,3) as c, getdate() as d")
    columns = client.get_statement_result(Id=described["Id"])["ColumnMetadata"]
    found = [(column["name"], column["typeName"], column["precision"], column["scale"]) for column in columns]
    assert found == [("a", "int4", 10, 0), ("b", "varchar", 7, 0), ("c", "numeric", 8, 3), ("d", "timestamp", 29, 6)]
    assert [column["isSigned"] for column in columns] == [True, False, True, False]


def test_a_long_result_comes_in_pages(client: Any) -> None:
    """NextToken leads through all rows."""
    described = run(client, "select generate_series(1, 2500)")
    assert described["ResultRows"] == 2500
    first = client.get_statement_result(Id=described["Id"])
    assert first["TotalNumRows"] == 2500
    assert first["NextToken"]
    assert [value for (value,) in fetch(client, described["Id"])] == list(range(1, 2501))
    with pytest.raises(ClientError, match="NextToken is not valid"):
        client.get_statement_result(Id=described["Id"], NextToken="%")


def test_an_empty_result_is_a_result(client: Any) -> None:
    """A query without rows has a result set, a statement without one has none."""
    described = run(client, "select 1 where false")
    assert (described["HasResultSet"], described["ResultRows"]) == (True, 0)
    assert client.get_statement_result(Id=described["Id"])["Records"] == []
    with pytest.raises(ClientError, match="Query does not have result"):
        client.get_statement_result(Id=run(client, "set query_group to 'x'")["Id"])


def test_a_result_as_csv(client: Any) -> None:
    """With ResultFormat CSV the rows come from GetStatementResultV2, and only from there."""
    described = run(client, "select 1 as a, 'x,y' as b union all select 2, null order by 1", ResultFormat="CSV")
    result = client.get_statement_result_v2(Id=described["Id"])
    assert result["ResultFormat"] == "CSV"
    assert [record["CSVRecords"] for record in result["Records"]] == ['a,b\r\n1,"x,y"\r\n2,\r\n']
    with pytest.raises(ClientError, match="another format"):
        client.get_statement_result(Id=described["Id"])


def test_the_catalog_operations(client: Any, schema: str) -> None:
    """Databases, schemas, tables and columns can be listed."""
    run(client, f"create table {schema}.t (a int not null, b varchar(5) default 'x')")
    assert client.list_databases(**CLUSTER)["Databases"] == ["dev"]
    assert schema in client.list_schemas(**CLUSTER)["Schemas"]
    tables = client.list_tables(SchemaPattern=schema, **CLUSTER)["Tables"]
    assert tables == [{"name": "t", "schema": schema, "type": "TABLE"}]
    columns = client.describe_table(Schema=schema, Table="t", **CLUSTER)["ColumnList"]
    assert [(column["name"], column["typeName"], column["nullable"]) for column in columns] == [
        ("a", "int4", 0),
        ("b", "varchar", 1),
    ]
    with pytest.raises(ClientError, match="DatabaseConnectionException"):
        client.list_tables(ClusterIdentifier="warehouse", Database="nowhere")


def unknown_members(shape: Any, value: Any, path: str) -> list[str]:
    """The members in ``value`` that AWS's shape does not have."""
    if shape.type_name == "structure":
        known = shape.members
        unknown = [f"{path}.{name}" for name in value if name not in known]
        below = [
            found
            for name in value
            if name in known
            for found in unknown_members(known[name], value[name], f"{path}.{name}")
        ]
        return unknown + below
    if shape.type_name == "list":
        return [found for item in value for found in unknown_members(shape.member, item, f"{path}[]")]
    return []


def test_responses_are_of_awss_shapes(redshift: EmbeddedRedshift) -> None:
    """No response has a member that AWS's model does not know, and each has the required ones."""
    api = redshift.data_api
    model = boto3.client("redshift-data", region_name="us-east-1").meta.service_model
    wait = {"WaitTimeSeconds": 30}
    single = {
        "Sql": "select :a",
        "Parameters": [{"name": "a", "value": "1"}],
        "SessionKeepAliveSeconds": 1,
        "StatementName": "n",
    }
    statement_id = api.call("ExecuteStatement", {**single, **CLUSTER, **wait})["Id"]
    batch_id = api.call("BatchExecuteStatement", {"Sqls": ["select 1", "select 1/0"], **CLUSTER, **wait})["Id"]
    csv_id = api.call("ExecuteStatement", {"Sql": "select 1", "ResultFormat": "CSV", **CLUSTER, **wait})["Id"]
    slow_id = api.call("ExecuteStatement", {"Sql": "select pg_sleep(60)", **CLUSTER})["Id"]
    calls = [
        ("ExecuteStatement", {**single, **CLUSTER, **wait}),
        ("BatchExecuteStatement", {"Sqls": ["select 1"], **CLUSTER, **wait}),
        ("DescribeStatement", {"Id": statement_id}),
        ("DescribeStatement", {"Id": batch_id}),
        ("DescribeStatement", {"Id": f"{batch_id}:2"}),
        ("GetStatementResult", {"Id": statement_id}),
        ("GetStatementResultV2", {"Id": csv_id}),
        ("ListStatements", {}),
        ("ListSessions", {}),
        ("ListDatabases", CLUSTER),
        ("ListSchemas", CLUSTER),
        ("ListTables", CLUSTER),
        ("DescribeTable", {"Table": "pg_class", "Schema": "pg_catalog", **CLUSTER}),
        ("CancelStatement", {"Id": slow_id}),
    ]
    assert {operation for operation, _ in calls} == set(api.operations) == set(model.operation_names)
    for operation, request in calls:
        shape = model.operation_model(operation).output_shape
        response = api.call(operation, request)
        assert unknown_members(shape, response, operation) == []
        assert set(shape.required_members) <= set(response)


def test_statuses_are_awss() -> None:
    """The statuses are exactly those of AWS's model."""
    model = boto3.client("redshift-data", region_name="us-east-1").meta.service_model
    assert {str(status) for status in Status} == set(model.shape_for("StatementStatusString").enum)
