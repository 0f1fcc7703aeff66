"""DAGs as people write them for Amazon's RedshiftDataOperator, each the inside of ``with DAG(…)``.

``TABLE`` is a table of the snippet's own, with the columns ``n int, name varchar(40)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: What stands above each of them. ``common`` is what a team writes once.
HEAD = """
from datetime import datetime, timedelta

from airflow.providers.amazon.aws.operators.redshift_data import RedshiftDataOperator
from elt_redshift.airflow_compat import DAG, TaskGroup
{imports}
CLUSTER = {{"cluster_identifier": "warehouse", "database": "dev", "db_user": "awsuser"}}
SERVERLESS = {{"workgroup_name": "etl", "database": "dev"}}

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1), schedule=None, template_searchpath={files!r}) as dag:
"""

#: The files that some of them name.
FILES = {
    "one.sql": "insert into {{ params.table }} values (1, 'file')",
    "two.sql": "-- two statements\ninsert into {{ params.table }} values (2, ':n; is no name');\n"
    "insert into {{ params.table }} values (:n, '{{ ds }}');\n",
}


@dataclass(frozen=True)
class Snippet:
    """A DAG and what it leaves behind.

    :param rows: of its table.
    :param values: what tasks return, where that matters.
    :param imports: of its own.
    """

    body: str
    rows: list[list[Any]]
    values: dict[str, Any] = field(default_factory=dict)
    imports: str = ""


ONE = [[1, "a"]]
TASK = "from airflow.sdk import task\n"
RECORD = [{"longValue": 1}, {"stringValue": "a"}]

SNIPPETS = {
    "one_statement": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        cluster_identifier="warehouse",
        database="dev",
        db_user="awsuser",
        sql="insert into TABLE values (1, 'a')",
    )
""",
        ONE,
    ),
    "polled": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE values (1, 'a');",
        poll_interval=1,
        wait_for_completion=True,
        **CLUSTER,
    )
""",
        ONE,
    ),
    "serverless": Snippet(
        """
    RedshiftDataOperator(task_id="load", sql="insert into TABLE values (1, 'a')", **SERVERLESS)
""",
        ONE,
    ),
    "by_secret": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE values (1, 'a')",
        workgroup_name="etl",
        database="dev",
        secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:etl",
    )
""",
        ONE,
    ),
    "script": Snippet(
        '''
    RedshiftDataOperator(
        task_id="load",
        sql="""
            -- first the old rows; then the new ones
            delete from TABLE where n = 1;
            insert into TABLE values (1, 'a;b');
        """,
        **SERVERLESS,
    )
''',
        [[1, "a;b"]],
    ),
    "list": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql=["insert into TABLE values (1, 'a')", "update TABLE set name = 'b' where n = 1"],
        **SERVERLESS,
    )
""",
        [[1, "b"]],
    ),
    "file": Snippet(
        """
    RedshiftDataOperator(task_id="load", sql="one.sql", params={"table": "TABLE"}, **SERVERLESS)
""",
        [[1, "file"]],
    ),
    "files": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql=["one.sql", "two.sql"],
        params={"table": "TABLE"},
        parameters=[{"name": "n", "value": "3"}],
        **SERVERLESS,
    )
""",
        [[1, "file"], [2, ":n; is no name"], [3, "2026-02-03"]],
    ),
    "templates": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into {{ params.table }} values ({{ params.numbers | length }}, '{{ ds_nodash }}')",
        params={"table": "TABLE", "numbers": [1, 2]},
        **SERVERLESS,
    )
""",
        [[2, "20260203"]],
    ),
    "named_parameters": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE values (:n, :name)",
        parameters=[{"name": "n", "value": "1"}, {"name": "name", "value": "o'hara"}],
        **CLUSTER,
    )
""",
        [[1, "o'hara"]],
    ),
    "templated_parameters": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE select 1, :day where :day = to_char(date '2026-02-03', 'YYYY-MM-DD')",
        parameters=[{"name": "day", "value": "{{ ds }}"}],
        **SERVERLESS,
    )
""",
        [[1, "2026-02-03"]],
    ),
    "parameters_of_a_task": Snippet(
        """
    @task
    def choose():
        return [{"name": "n", "value": "1"}, {"name": "name", "value": "a"}]

    RedshiftDataOperator(
        task_id="load", sql="insert into TABLE values (:n, :name)", parameters=choose(), **SERVERLESS
    )
""",
        ONE,
        imports=TASK,
    ),
    "sql_of_a_task": Snippet(
        """
    @task
    def write():
        return ["insert into TABLE values (1, 'a')", "insert into TABLE values (2, 'b')"]

    RedshiftDataOperator(task_id="load", sql=write(), **SERVERLESS)
""",
        [[1, "a"], [2, "b"]],
        imports=TASK,
    ),
    "text_of_a_task": Snippet(
        """
    @task
    def write(name):
        return f"insert into TABLE values (1, '{name}')"

    RedshiftDataOperator(task_id="load", sql=write("a"), **SERVERLESS)
""",
        ONE,
        imports=TASK,
    ),
    "loop": Snippet(
        """
    before = None
    for number in (1, 2, 3):
        load = RedshiftDataOperator(
            task_id=f"load_{number}", sql=f"insert into TABLE select {number}, count(*) from TABLE", **SERVERLESS
        )
        if before:
            before >> load
        before = load
""",
        [[1, "0"], [2, "1"], [3, "2"]],
    ),
    "result": Snippet(
        """
    load = RedshiftDataOperator(task_id="load", sql="insert into TABLE values (1, 'a')", **SERVERLESS)
    read = RedshiftDataOperator(task_id="read", sql="select * from TABLE", return_sql_result=True, **SERVERLESS)

    @task
    def tell(results):
        return results[0]["Records"][0][1]["stringValue"]

    load >> read
    tell(read.output)
""",
        ONE,
        {"tell": "a"},
        TASK,
    ),
    "results": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql=["select 5 as five", "insert into TABLE values (1, 'a') ", "select * from TABLE"],
        return_sql_result=True,
        **SERVERLESS,
    )

    @task
    def tell(ti=None):
        return [result["Records"] for result in ti.xcom_pull("load")]

    tell().set_upstream(dag.get_task("load"))
""",
        ONE,
        {"tell": [[[{"longValue": 5}]], [], [RECORD]]},
        TASK,
    ),
    "statement_ids": Snippet(
        """
    load = RedshiftDataOperator(
        task_id="load", sql=["insert into TABLE values (1, 'a')", "select 1"], **SERVERLESS
    )

    @task
    def tell(ids):
        return [len(ids), [one.rpartition(":")[2] for one in ids]]

    tell(load.output)
""",
        ONE,
        {"tell": [2, ["1", "2"]]},
        TASK,
    ),
    "deferrable": Snippet(
        """
    RedshiftDataOperator(
        task_id="load", sql="insert into TABLE values (1, 'a')", deferrable=True, poll_interval=1, **CLUSTER
    )
""",
        ONE,
    ),
    "deferrable_result": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql=["insert into TABLE values (1, 'a')", "select * from TABLE"],
        deferrable=True,
        poll_interval=1,
        return_sql_result=True,
        **CLUSTER,
    )

    @task
    def tell(results):
        return [column["name"] for column in results[1]["ColumnMetadata"]]

    tell(dag.get_task("load").output)
""",
        ONE,
        {"tell": ["n", "name"]},
        TASK,
    ),
    "session": Snippet(
        """
    begin = RedshiftDataOperator(
        task_id="begin",
        sql="create temporary table staged as select 1 as n, 'a' as name",
        session_keep_alive_seconds=600,
        **CLUSTER,
    )
    load = RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE select * from staged",
        session_id="{{ task_instance.xcom_pull(task_ids='begin', key='session_id') }}",
    )
    begin >> load
""",
        ONE,
    ),
    "session_by_reference": Snippet(
        """
    begin = RedshiftDataOperator(
        task_id="begin",
        sql="create temporary table staged (n int, name varchar(40))",
        session_keep_alive_seconds=600,
        **SERVERLESS,
    )
    session = {"session_id": begin.output["session_id"]}
    fill = RedshiftDataOperator(task_id="fill", sql="insert into staged values (1, 'a')", **session)
    load = RedshiftDataOperator(task_id="load", sql="insert into TABLE select * from staged", **session)
    begin >> fill >> load
""",
        ONE,
    ),
    "not_waiting": Snippet(
        """
    start = RedshiftDataOperator(
        task_id="start", sql="insert into TABLE values (1, 'a')", wait_for_completion=False, **SERVERLESS
    )

    @task(retries=20, retry_delay=timedelta(seconds=1))
    def wait(ids):
        hook = RedshiftDataHook(aws_conn_id="aws_default")
        while not hook.check_query_is_finished(ids[0]):
            pass

    wait(start.output)
""",
        ONE,
        imports=TASK + "from airflow.providers.amazon.aws.hooks.redshift_data import RedshiftDataHook\n",
    ),
    "with_event": Snippet(
        """
    RedshiftDataOperator(task_id="load", sql="insert into TABLE values (1, 'a')", with_event=True, **SERVERLESS)
""",
        ONE,
    ),
    "default_args": Snippet(
        """
    dag.default_args.update(
        database="dev", workgroup_name="etl", aws_conn_id="aws_default", region_name="us-east-1", retries=1
    )
    RedshiftDataOperator(task_id="load", sql="insert into TABLE values (1, 'a')")
""",
        ONE,
    ),
    "group": Snippet(
        """
    with TaskGroup("stage") as stage:
        RedshiftDataOperator(task_id="a", sql="insert into TABLE values (1, 'a')", **SERVERLESS)
        RedshiftDataOperator(task_id="b", sql="insert into TABLE values (2, 'b')", **SERVERLESS)
    stage >> RedshiftDataOperator(task_id="end", sql="delete from TABLE where n = 2", **SERVERLESS)
""",
        ONE,
    ),
    "mapped_sql": Snippet(
        """
    RedshiftDataOperator.partial(task_id="load", **SERVERLESS).expand(
        sql=["insert into TABLE values (1, 'a')", "insert into TABLE values (2, 'b')"]
    )
""",
        [[1, "a"], [2, "b"]],
    ),
    "mapped_parameters": Snippet(
        """
    RedshiftDataOperator.partial(
        task_id="load", sql="insert into TABLE values (:n, 'a')", poll_interval=1, **SERVERLESS
    ).expand(parameters=[[{"name": "n", "value": "1"}], [{"name": "n", "value": "2"}]])
""",
        [[1, "a"], [2, "a"]],
    ),
    "mapped_over_a_task": Snippet(
        """
    @task
    def regions():
        return [{"sql": f"insert into TABLE values ({n}, 'r')"} for n in (1, 2, 3)]

    RedshiftDataOperator.partial(task_id="load", **CLUSTER).expand_kwargs(regions())
""",
        [[1, "r"], [2, "r"], [3, "r"]],
        imports=TASK,
    ),
    "connection": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE values (1, 'a')",
        aws_conn_id="{{ var.value.get('conn', 'aws_default') }}",
        region_name="us-east-1",
        verify=False,
        botocore_config={"read_timeout": 60, "retries": {"max_attempts": 3}},
        **SERVERLESS,
    )
""",
        ONE,
    ),
    "bounded": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE values (1, 'a')",
        execution_timeout=timedelta(minutes=30),
        retries=2,
        retry_delay=timedelta(seconds=5),
        **SERVERLESS,
    )
""",
        ONE,
    ),
    "procedure": Snippet(
        """
    create = RedshiftDataOperator(
        task_id="create",
        sql='''
            create or replace procedure sp_TABLE(which int) as $$
            begin
                insert into TABLE values (which, 'a');
            end;
            $$ language plpgsql;
        ''',
        **SERVERLESS,
    )
    create >> RedshiftDataOperator(
        task_id="call", sql="call sp_TABLE(:n)", parameters=[{"name": "n", "value": "1"}], **SERVERLESS
    )
""",
        ONE,
    ),
    "subclass": Snippet(
        """
    class Loading(RedshiftDataOperator):
        template_fields = (*RedshiftDataOperator.template_fields, "table")

        def __init__(self, *, table, **kwargs):
            super().__init__(sql=f"insert into {table} values (1, 'a')", **kwargs)
            self.table = table

        def execute(self, context):
            self.log.info("Loading %s", self.table)
            return {"ids": super().execute(context)}

    Loading(task_id="load", table="TABLE", deferrable=False, **SERVERLESS)
""",
        ONE,
    ),
    "branches": Snippet(
        """
    count = RedshiftDataOperator(
        task_id="count", sql="select count(*) from TABLE", return_sql_result=True, **SERVERLESS
    )

    @task.branch
    def choose(results):
        return "fill" if results[0]["Records"][0][0]["longValue"] == 0 else "forget"

    choose(count.output) >> [
        RedshiftDataOperator(task_id="fill", sql="insert into TABLE values (1, 'a')", **SERVERLESS),
        RedshiftDataOperator(task_id="forget", sql="delete from TABLE", **SERVERLESS),
    ]
""",
        ONE,
        imports=TASK,
    ),
    "setup_and_teardown": Snippet(
        """
    make = RedshiftDataOperator(task_id="make", sql="create table TABLE_made (n int)", **SERVERLESS)
    load = RedshiftDataOperator(
        task_id="load",
        sql=["insert into TABLE_made values (1)", "insert into TABLE select n, 'a' from TABLE_made"],
        **SERVERLESS,
    )
    drop = RedshiftDataOperator(task_id="drop", sql="drop table TABLE_made", **SERVERLESS)
    make >> load >> drop.as_teardown(setups=make)
""",
        ONE,
    ),
    "callbacks_and_no_xcom": Snippet(
        """
    RedshiftDataOperator(
        task_id="load",
        sql="insert into TABLE values (1, 'a')",
        do_xcom_push=False,
        on_success_callback=lambda context: context["ti"].log.info("loaded"),
        **SERVERLESS,
    )

    @task
    def tell(ti=None):
        return str(ti.xcom_pull("load"))

    tell().set_upstream(dag.get_task("load"))
""",
        ONE,
        {"tell": "None"},
        TASK,
    ),
}
