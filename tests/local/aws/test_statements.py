"""SQL through the Data API, whatever botocore is installed."""

from __future__ import annotations

import uuid

from elt_redshift.aws.statements import Statements, Submission
from tests.local.conftest import ClientFactory

WAREHOUSE = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}


def test_an_old_botocore_sends_parameters_and_mode_of_a_batch(client: ClientFactory) -> None:
    """Where botocore's model of a batch is older than both, as on MWAA's older images, they arrive all the same."""
    data = client("redshift-data")
    members = data.meta.service_model.operation_model("BatchExecuteStatement").input_shape.members
    for name in ("Parameters", "ExecutionMode"):
        members.pop(name, None)
    statements, table = Statements(data), f"t_{uuid.uuid4().hex}"
    sqls = [f"create table {table} as select :year::int as year", "select 1 / 0"]
    batch = Submission(sqls, WAREHOUSE, "old", uuid.uuid4().hex, {"year": "1998"}, transaction=False)
    assert statements.describe(statements.submit(batch), 30).status == "FAILED"
    kept = statements.submit(Submission([f"select year from {table}"], WAREHOUSE, "new", uuid.uuid4().hex, {}))
    assert statements.describe(kept, 30).status == "FINISHED"
    assert statements.records(kept) == [[1998]]
