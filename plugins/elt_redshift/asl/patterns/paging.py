"""The states that keep what the tasks of a run did: what its history tells of them, page by page.

::

    read history ──> keep events ──> judge events ──more──> read history
                                         │ that was all
                                         v
                     read reports ──> keep reports ──> judge reports ──more──> read reports     (in the map layout)
                                                           └─> behind

In a job with parts, their histories are read behind the run's own, one after the other, by the same states.
Of each page those events are kept that readers look at (:mod:`elt_redshift.runs.history`), and of each event what they
take from it; so whoever reads the history table makes tasks of it by the same rules as of a run that goes on. A history
only grows: a page that is kept twice is the same, and after a redrive there are more.

A page is so small that it fits a state whatever SQL stands in it (:func:`page_size`): 256 KiB, as an answer of
GetExecutionHistory is counted. Where one event could be larger, and where the time of an Express workflow runs out,
nothing more is kept: commands complete that as long as Step Functions has the history.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import (
    INPUT,
    Code,
    Value,
    code_object,
    expression,
    fields,
    joined,
    padded,
    rendered,
)
from elt_redshift.asl.language.states import Call, Catch, Choice, Rule, State, Task
from elt_redshift.asl.patterns import outcomes
from elt_redshift.asl.patterns.recording import expiry
from elt_redshift.asl.patterns.running_parts import execution_of
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import SqlTask
from elt_redshift.protocol import dynamodb, joins, records
from elt_redshift.protocol.kept_events import (
    BARE,
    ENTERED,
    EXITED,
    MAPPED,
    MEMBERS,
    OF_PART,
    OF_SUBMISSIONS,
    PART_STARTS,
    STARTED,
    SUBMITTED,
)
from elt_redshift.protocol.limits import MAX_PAYLOAD

#: Most bytes that a page's events may take, which leaves room for what a state has besides; and bytes of an event
#: besides SQL, which parameters make larger.
ROOM = MAX_PAYLOAD * 3 // 4
EVENT_BYTES, PARAMETERS_BYTES = 3_000, 8_000

#: So many reports of tasks fit a page, each with a message of 2,000 characters.
REPORTS = 25

#: An Express workflow may last 5 minutes: after so many milliseconds no further page is read.
LAST_PAGE = 240_000

#: What is passed on of the run.
_RUN = {
    "executionArn": f"{INPUT}.executionArn",
    "name": f"{INPUT}.name",
    "redriveCount": f"{INPUT}.redriveCount",
    "redrives": outcomes.REDRIVES,
}

#: How long it has lasted; the number of the part that is read, 0 for the run.
_LASTS = "$millis() - $toMillis($states.context.Execution.StartTime)"
_NUMBER_OF_PART = f"$sum([0, {INPUT}.number_of_part])"

_READ, _KEEP, _JUDGE = "read history", "keep events", "judge events"
_READ_REPORTS, _KEEP_REPORTS, _JUDGE_REPORTS = "read reports", "keep reports", "judge reports"


def page_size(job: EltJob, mapped: bool) -> int | None:
    """How many events of a run of ``job`` fit a page, whichever they are; None: not even one.

    :param mapped: whether it has the map layout, in which no event holds SQL.
    """
    sql = 0 if mapped else max((_largest_event(task) for task in job.tasks), default=0)
    largest = EVENT_BYTES + sql + (PARAMETERS_BYTES if job.parameters else 0)
    return ROOM // largest or None


def _largest_event(task: SqlTask) -> int:
    """Bytes that the SQL of a task takes in an event, where it stands in a text of JSON within JSON: in the request, or
    in DescribeStatement's answer, which may tell a batch as a whole and by its parts."""
    texts = [statement.text for statement in task.statements]
    said = texts if len(texts) == 1 else [*texts, *texts]
    return len(json.dumps(json.dumps(said, ensure_ascii=False), ensure_ascii=False).encode())


@dataclass(frozen=True)
class PagePattern:
    """Builds these states, which are given what :mod:`.outcomes` has found out.

    :param mapped: whether the job has the map layout.
    :param next: the state behind them.
    :param parts: how many parts the job has.
    """

    job: EltJob
    target: Target
    mapped: bool
    next: str
    parts: int = 0

    def states(self) -> Iterator[State]:
        """The states, the first one first; none where no event would fit a page."""
        if (size := page_size(self.job, self.mapped)) is None:
            return
        yield self._read(size)
        yield self._put(_KEEP, records.PAGE_OF_EVENTS, _JUDGE)
        yield self._judge(_JUDGE, _READ, _READ_REPORTS if self.mapped else self.next, *self._to_parts())
        if self.mapped:
            yield self._read_reports()
            yield self._put(_KEEP_REPORTS, records.PAGE_OF_REPORTS, _JUDGE_REPORTS)
            yield self._judge(_JUDGE_REPORTS, _READ_REPORTS, self.next)

    def _read(self, size: int) -> Task:
        whose = (
            f"$exists({INPUT}.part) ? {INPUT}.part : {INPUT}.executionArn" if self.parts else f"{INPUT}.executionArn"
        )
        request = code_object(ExecutionArn=whose, MaxResults=str(size))
        more = f"$exists({INPUT}.next) ? {{'NextToken': {INPUT}.next}} : {{}}"
        waits = self.job.waits_for_events
        run = f"[{INPUT}.run, $k[n = '{names.RUN_TASKS}'].d.progress.run][-1]"
        page = code_object(
            **self._whose,
            page="$string([$k])",
            number="$count($h) > 0 ? $h[0].Id : 0",
            next="$states.result.NextToken",
            last=str(records.NOT_LAST) if self.mapped else self._last("$states.result.NextToken"),
            **({"run": run} if self.mapped else {}),
        )
        task = self._reading(
            _READ,
            calls.GET_PART_HISTORY if self.parts else calls.GET_EXECUTION_HISTORY,
            expression(f"$merge([{request}, {more}])"),
            f"($h := $states.result.Events; $k := {kept('$h', submissions=waits, parts=bool(self.parts))}; {page})",
            _KEEP,
        )
        if not self.parts:
            return task
        # A part that was not started has an empty page, so that the last one is there in any case.
        nothing = code_object(**self._whose, page="'[]'", number="0", last=self._last("$nothing"))
        unstarted = Catch((calls.NO_SUCH_EXECUTION,), _KEEP, expression(nothing))
        return replace(task, retry=calls.LEFT_PART_RETRY, catch=(unstarted, *task.catch))

    @property
    def _whose(self) -> dict[str, str]:
        """What is passed on of whose history is read: the run's; or a part's, by its number and execution."""
        return {
            **_RUN,
            **({"number_of_part": f"{INPUT}.number_of_part", "part": f"{INPUT}.part"} if self.parts else {}),
        }

    def _last(self, more: str) -> str:
        return _last(more, f" or {_NUMBER_OF_PART} < {self.parts}" if self.parts else "")

    def _to_parts(self) -> Iterator[Rule]:
        """Behind the last page of the run, and of each part, the next part's first one is read."""
        if not self.parts:
            return
        arns = ", ".join(execution_of(self.target, number) for number in range(1, self.parts + 1))
        following = code_object(**_RUN, number_of_part="$n", part=f"([{arns}][$n - 1]) & {INPUT}.name")
        yield Rule(
            expression(f"$not($exists({INPUT}.next)) and {_NUMBER_OF_PART} < {self.parts} and {_LASTS} < {LAST_PAGE}"),
            _READ,
            expression(f"($n := {_NUMBER_OF_PART} + 1; {following})"),
        )

    def _read_reports(self) -> Task:
        """The reports are kept as DynamoDB has them. Without a key of the run's items no task has begun."""
        called = {f"#{number}": name for number, name in enumerate((joins.TASK_KEY, *joins.REPORT))}
        request = code_object(
            TableName=f"'{self.target.join_table}'",
            Limit=str(REPORTS),
            ConsistentRead="true",
            KeyConditionExpression="'#run = :run'",
            ProjectionExpression=f"'{', '.join(called)}'",
            ExpressionAttributeNames=json.dumps({"#run": joins.RUN_KEY, **called}),
            ExpressionAttributeValues=f"{{':run': {{'S': $exists({INPUT}.run) ? {INPUT}.run : '-'}}}}",
        )
        more = f"$exists({INPUT}.from) ? {{'ExclusiveStartKey': {INPUT}.from}} : {{}}"
        page = code_object(
            **_RUN,
            run=f"{INPUT}.run",
            page="$string([$states.result.Items])",
            number=f"$exists({INPUT}.from) ? {INPUT}.number + 1 : 1",
            **{"from": "$states.result.LastEvaluatedKey"},
            next="$states.result.LastEvaluatedKey",
            last=_last("$states.result.LastEvaluatedKey"),
        )
        return self._reading(
            _READ_REPORTS, calls.QUERY_JOIN_ITEMS, expression(f"$merge([{request}, {more}])"), page, _KEEP_REPORTS
        )

    def _reading(self, name: str, call: Call, arguments: str, output: str, following: str) -> Task:
        return Task(
            name,
            call,
            arguments,
            next=following,
            output=expression(output),
            retry=calls.RETRY,
            catch=(Catch((calls.TOO_LARGE,), self.next, {}),),
            partition=self.target.partition,
        )

    def _put(self, name: str, kind: str, following: str) -> Task:
        number = padded(f"$string({INPUT}.number)", 6)
        if self.parts:
            number = Code(f"($exists({INPUT}.part) ? $split({INPUT}.part, ':')[6] & '/' : '') & {number}")
        key: Mapping[str, Value] = {
            records.OF: joined(*records.of_run(self.job.job_id, Code(f"{INPUT}.name"))),
            records.AT: joined(*records.page_at(kind, number)),
        }
        values = fields(
            page=f"{INPUT}.page",
            last=f"$string({INPUT}.last)",
            redrives=f"$string({INPUT}.redrives)",
            expiry=expiry(self.job),
        )
        return Task(
            name,
            calls.UPDATE_HISTORY,
            dynamodb.update(
                self.target.history_table,
                {part: rendered(value) for part, value in key.items()},
                records.KEEP_PAGE,
                values,
            ),
            next=following,
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), self.next, {}),),
            partition=self.target.partition,
        )

    def _judge(self, name: str, more: str, otherwise: str, *besides: Rule) -> Choice:
        further = Rule(expression(f"$exists({INPUT}.next) and {_LASTS} < {LAST_PAGE}"), more)
        return Choice(name, (further, *besides), default=otherwise)


def _last(more: str, further: str = "") -> str:
    """Whether a page is the last one, given JSONata of what the next one is asked for by."""
    return f"$exists({more}){further} ? {records.NOT_LAST} : {outcomes.REDRIVES}"


def kept(events: str, submissions: bool, parts: bool = False) -> str:
    """What is kept of a page's events, as :mod:`elt_redshift.runs.pages` reads it.

    :param events: JSONata that gives them.
    :param submissions: whether tasks wait for events, so that the answers to submissions are looked at.
    :param parts: whether the job has parts, so that their starts are.
    """
    entered, exited = "StateEnteredEventDetails", "StateExitedEventDetails"
    types = [*(kind for kind in BARE if submissions or kind not in OF_SUBMISSIONS), STARTED, MAPPED]
    types += [SUBMITTED] if submissions else []
    told = (
        f"$exists({entered}) ? $contains({entered}.Name, /{ENTERED}/) : "
        f"$exists({exited}) ? $contains({exited}.Name, /{EXITED}/) : Type in {types}"
    )
    text = (
        f"$exists({entered}) ? {entered}.Input : $exists({exited}) ? {exited}.Output : TaskSubmittedEventDetails.Output"
    )
    if parts:
        told = f"{told} or TaskScheduledEventDetails.Resource = '{PART_STARTS[1]}'"
        text = f"Type = '{PART_STARTS[0]}' ? TaskScheduledEventDetails.Parameters : {text}"
    origin = outcomes.given("ExecutionStartedEventDetails.Input", "resume.from")
    members = f"function($one, $key) {{$key in {[*MEMBERS, *(OF_PART if parts else ())]}}}"
    taken = (
        f"Type = '{STARTED}' ? {{'resume': {{'from': {origin}}}}} : "
        f"Type = '{MAPPED}' ? {{'mapRunArn': MapRunStartedEventDetails.MapRunArn}} : "
        f"($t := {text}; $v := $type($t) = 'string' ? $parse($t); $type($v) = 'object' ? $sift($v, {members}))"
    )
    one = code_object(
        i="Id",
        p="PreviousEventId",
        t="Type",
        w="$type(Timestamp) = 'number' ? Timestamp * 1000 : $toMillis(Timestamp)",
        n=f"$exists({entered}) ? {entered}.Name : {exited}.Name",
        d=taken,
    )
    return f"{events}[{told}].{one}"
