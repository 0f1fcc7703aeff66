"""Checks of Step Functions and CloudFormation: what a scratch stack is made as, and what its run does."""

from __future__ import annotations

import json
from typing import Any

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.template import warehouse
from elt_redshift.aws.template.rendering import render
from elt_redshift.aws.validation import compile_accepted
from elt_redshift.aws.verification.bench import Bench, NotShownError, expect
from elt_redshift.aws.verification.jobs import BAD, GOOD, MESSAGE, TOLD
from elt_redshift.protocol.statements import FINISHED


def long_polling(bench: Bench) -> str:
    """A definition with WaitTimeSeconds is valid, or refused for that alone, and then the fallback is valid."""
    machine = compile_accepted(bench.account.client("stepfunctions"), bench.job)
    return (
        "WaitTimeSeconds is known" if machine.target.long_polling else "WaitTimeSeconds is refused by name; fell back"
    )


def definition(bench: Bench) -> str:
    """What a stack's Definition becomes: numbers stay numbers, what is not used is dropped."""
    described = bench.account.client("stepfunctions").describe_state_machine(
        stateMachineArn=bench.stack.state_machine_arn
    )
    made = json.loads(described["definition"])
    arguments = [one for one in _arguments(made) if "Sql" in one]
    expect(arguments, "no state submits a statement")
    members = {name for one in arguments for name in one} & {*warehouse.CONNECTION, "WorkgroupName", "SecretArn"}
    expect(members == bench.where.keys(), f"{', '.join(sorted(members))} in the definition")
    waits = {one["WaitTimeSeconds"] for one in arguments if "WaitTimeSeconds" in one}
    expect(all(isinstance(one, int) for one in waits), waits)
    return f"{', '.join(sorted(members))}; WaitTimeSeconds {', '.join(map(str, waits)) or 'not there'}"


def _arguments(value: Any) -> list[dict[str, Any]]:
    match value:
        case {"Arguments": dict() as found, **rest}:
            return [found, *_arguments(rest)]
        case dict():
            return [found for one in value.values() for found in _arguments(one)]
        case list():
            return [found for one in value for found in _arguments(one)]
    return []


def rules(bench: Bench) -> str:
    """A stack without a warehouse, and one with two, are refused before anything is made."""
    template = render(compile_job(bench.job, Target())).template
    url = bench.account.uploads(bench.stack.stack).template(template)
    said = []
    for given in ({}, {warehouse.CLUSTER: "a", warehouse.WORKGROUP: "abc", warehouse.USER: "u"}):
        try:
            bench.account.stacks.prepare(f"{bench.name}-refused", template, given, {}, url)
        except AwsError as error:
            said.append(error.message)
        else:
            bench.account.client("cloudformation").delete_stack(StackName=f"{bench.name}-refused")
            expect(False, f"taken with {given or 'no warehouse'}")
    expect(all("Give RedshiftClusterIdentifier" in one for one in said), "; ".join(said))
    return said[1]


def answered_with_status(bench: Bench) -> str:
    """executeStatement inside Step Functions answers with Status, having waited."""
    if not compile_accepted(bench.account.client("stepfunctions"), bench.job).target.long_polling:
        raise NotShownError("Step Functions does not know WaitTimeSeconds here")
    (answer,) = bench.submissions(GOOD)
    expect(answer and answer.get("Status") == FINISHED, answer)
    return f"Status {answer['Status']}"


def name_with_token(bench: Bench) -> str:
    """A StatementName may end in a task's token."""
    return _by_event(bench)


def matching_event(bench: Bench) -> str:
    """A statement's event has its whole name, and a pattern of its beginning matches it."""
    return _by_event(bench)


def answering_role(bench: Bench) -> str:
    """Another role than the waiting machine's may answer with its token."""
    return _by_event(bench)


def _by_event(bench: Bench) -> str:
    """All three show in this: the task that waits was answered."""
    (answer,) = bench.submissions(TOLD)
    expect(answer is not None, "no event has ended the wait")
    return f"answered with {', '.join(sorted(answer))}"


def failed_gate(bench: Bench) -> str:
    """A gate that raises fails the execution with Redshift's message in its cause."""
    run = bench.first
    expect(run.error == "States.QueryEvaluationError", run.error)
    expect(MESSAGE in (run.cause or ""), run.cause)
    return f"{run.error}: {run.cause}"


def gate_after_redrive(bench: Bench) -> str:
    """After a redrive the gate is evaluated again, and lets the task run once more; what had succeeded does not."""
    expect(bench.redriven.redrive_count == 1, f"{bench.redriven.redrive_count} redrives")
    submitted = {task: len(bench.submissions(task)) for task in (GOOD, BAD)}
    expect(submitted == {GOOD: 1, BAD: 2}, submitted)
    return f"{BAD} was submitted twice, {GOOD} once"


def children(bench: Bench) -> str:
    """Children of a Map Run get what the ItemSelector makes of the run's variables and context, and submit by it."""
    tasks = bench.large.tasks
    statuses = {name: one.status for name, one in tasks.items()}
    expect(statuses == {GOOD: "succeeded", BAD: "failed"}, statuses)
    expect(MESSAGE in (tasks[BAD].message or ""), tasks[BAD].message)
    return f"{GOOD} succeeded, and {BAD} behind it failed: {tasks[BAD].message}"


def children_after_redrive(bench: Bench) -> str:
    """A redrive of the parent redrives the child that failed, and no other; the audit item has the parent's count."""
    large = bench.large
    again = {name: one.statement_id != large.tasks[name].statement_id for name, one in large.tasks_redriven.items()}
    expect(again == {GOOD: False, BAD: True}, f"another statement: {again}")
    item = bench.account.audit(large.table).read(large.job.job_id)
    expect(item and item.redrives == "1", item and item.redrives)
    return f"{BAD} has another statement, {GOOD} has not; {item and item.redrives} redrive in the audit item"


def in_history(bench: Bench) -> str:
    """The history has the failed run, with what failed."""
    past = bench.account.past_runs(bench.stack.history_table)
    arn = bench.first.arn

    def kept() -> Any:
        return next((one for one in past.runs(bench.job.job_id) if one.execution == arn), None)

    found = bench.until(kept, "The run is not in the history")
    expect((found.outcome, found.task) == ("failed", BAD), f"{found.outcome}, task {found.task}")
    return f"{found.outcome}: {found.message}"
