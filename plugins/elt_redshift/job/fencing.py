"""What a job with a fence may hold: what is one transaction with the statement that checks the fence.

A procedure that commits cannot be told by its call. Redshift itself refuses COMMIT, ROLLBACK and TRUNCATE in procedures
that are called within a transaction block.
https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-transaction-management.html
"""

from __future__ import annotations

import re

from elt_redshift.job import keys, statements
from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import JobSpec, SqlStatement, SqlTask
from elt_redshift.job.sql import SqlSyntaxError
from elt_redshift.job.written import shown
from elt_redshift.protocol import fence
from elt_redshift.protocol.limits import MAX_BATCH

_SCHEMA = re.compile(keys.SCHEMA)
_OR_NOT = "or take out the job's fence"


def check(job: JobSpec, findings: Findings) -> None:
    """Note what cannot be fenced in a job that is to be."""
    if (isinstance(job.fence, str) and _SCHEMA.fullmatch(job.fence)) or job.fence is True:
        for task in job.tasks:
            _check_task(task, findings)
        for name in fence.PARAMETERS:
            if any(parameter.name == name for parameter in job.parameters):
                problem = f"The parameter '{name}' is taken by the fence."
                findings.add(("parameters", name), problem, "Choose another name.")
    elif job.fence is not False:
        remedy = "Write true, or the name of a schema, of letters, digits and '_'."
        findings.add(("fence",), f"The fence is {shown(job.fence)}.", remedy)


def _check_task(task: SqlTask, findings: Findings) -> None:
    key = ("tasks", str(task.name))
    if task.transaction is False:
        problem = f"The statements of task '{task.name}' commit one by one, which no fence can hold back."
        findings.add((*key, "transaction"), problem, f"Leave out transaction: false, {_OR_NOT}.")
    if len(task.statements) == MAX_BATCH:
        problem = f"The task '{task.name}' has {MAX_BATCH} statements; with the fence's own, {MAX_BATCH - 1} fit."
        findings.add((*key, task.kind), problem, f"Split the task, {_OR_NOT}.")
    for statement in task.statements:
        if task.transaction is True and (found := _outside(statement)):
            problem = f"'{found}' of task '{task.name}' is no part of a transaction, so that no fence can hold it back."
            remedy = f"{'Use DELETE' if found == 'TRUNCATE' else 'Give it a job of its own'}, {_OR_NOT}."
            statements.add(task, statement, statements.first_offset(statement.text), problem, remedy, findings)


def _outside(statement: SqlStatement) -> str | None:
    try:
        return statements.beyond_a_transaction(statement)
    except SqlSyntaxError:  # which is told by who reads the statements
        return None
