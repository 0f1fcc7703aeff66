"""A model of the Redshift Data API and of what a warehouse makes of its statements.

https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from elt_redshift.protocol import statements as names
from elt_redshift.protocol.fence import writing
from elt_redshift.protocol.limits import LONGEST_STATEMENT
from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import ServiceError
from elt_redshift.testing.fence import Fence, claimed, writes
from elt_redshift.testing.functions import iso
from elt_redshift.testing.quotas import Quotas

#: What becomes of a statement: it commits, fails and leaves nothing, or fails in a way that another try may mend.
Ends = Literal["commits", "fails", "conflicts"]

#: So long the Data API knows a statement after its end, in seconds.
VISIBLE = LONGEST_STATEMENT.total_seconds()

_ERRORS = {
    "fails": "ERROR: division by zero",
    "conflicts": "ERROR: 1023 DETAIL: Serializable isolation violation on table",
}


@dataclass(frozen=True)
class Behaviour:
    """How one submission goes.

    :param seconds: how long it takes.
    :param ends: how it ends.
    :param part: of a batch that commits each statement, or of a procedure that commits, the part that fails, from 0.
    :param late: after a cancellation it goes on so many seconds, and ends by itself if it would have by then.
    """

    seconds: float = 1.0
    ends: Ends = "commits"
    part: int = 0
    late: float = 0.1


@dataclass
class Statement:
    """A submitted statement.

    :ivar claim: what it shows the job's fence.
    :ivar fenced: the fence has held it back.
    :ivar parts: what it commits, one by one (each is a transaction).
    :ivar committed: how many of these, and when.
    """

    id: str
    name: str
    created: float
    behaviour: Behaviour
    parts: int
    batch: bool
    event: bool
    claim: str | None = None
    status: str = names.SUBMITTED
    ended: float | None = None
    error: str | None = None
    commits: list[float] = field(default_factory=list)
    end: Promise = field(default_factory=Promise)
    fenced: bool = False

    @property
    def job(self) -> str:
        return self.name.split(names.SLASH)[0]

    @property
    def owner(self) -> str:
        return self._named(1)

    @property
    def task(self) -> str:
        return self._named(2)

    @property
    def attempt(self) -> str:
        return self._named(3)

    def _named(self, place: int) -> str:
        return self.name.split(names.SLASH)[place]


class RedshiftData:
    """:param behave: how a new statement goes, given its name and how many transactions it makes.
    :param parts: how many transactions a submission makes, given its request.
    :param on_end: called with each statement that has ended.
    :param memory: seconds for which a ClientToken is known.
    :ivar quotas: what it refuses because it is too much.
    :ivar active: how many statements have not ended.
    """

    def __init__(
        self,
        clock: Clock,
        behave: Callable[[str, int], Behaviour],
        on_end: Callable[[Statement], None],
        memory: float,
        parts: Callable[[Mapping[str, Any]], int],
    ) -> None:
        self._clock, self._behave, self._on_end, self._memory = clock, behave, on_end, memory
        self._parts = parts
        self._tokens: dict[str, tuple[float, Statement, str]] = {}
        self.statements: dict[str, Statement] = {}
        self._fence, self._fencing = Fence(), dict[str, Statement]()
        self.quotas, self.active = Quotas(clock), 0

    def execute_statement(self, request: Mapping[str, Any]) -> Any:
        """https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html"""
        name, token = request["StatementName"], request.get("ClientToken")
        known = self._tokens.get(token) if token else None
        if known and known[0] > self._clock.now:
            if known[2] != name:
                raise ServiceError("ValidationException", "The ClientToken was used with other parameters")
            statement = known[1]
        else:
            statement = self._submit(name, request)
            if token:
                self._tokens[token] = (self._clock.now + self._memory, statement, name)
        seconds = request.get("WaitTimeSeconds")
        return self._look(statement, seconds, lambda: self._submitted(statement, seconds))

    batch_execute_statement = execute_statement

    def describe_statement(self, request: Mapping[str, Any]) -> Any:
        """https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html"""
        statement = self._find(request["Id"])
        return self._look(statement, request.get("WaitTimeSeconds"), lambda: _described(statement))

    def list_statements(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html"""
        prefix, status = request.get("StatementName", ""), request.get("Status", names.FINISHED)
        newest = reversed(self.statements.values())
        found = [
            _listed(one)
            for one in newest
            if one.name.startswith(prefix) and status in (names.ANY, one.status) and self._visible(one)
        ]
        first = int(request.get("NextToken", 0))
        most = request.get("MaxResults", 100)
        more = {"NextToken": str(first + most)} if len(found) > first + most else {}
        return {"Statements": found[first : first + most], **more}

    def cancel_statement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html"""
        statement = self._find(request["Id"])
        if statement.ended is not None:
            raise ServiceError("ValidationException", "Could not cancel a query that is already in its end state")
        self._clock.after(statement.behaviour.late, self._abort, statement)
        return {"Status": True}

    def finish(self, statement: Statement) -> None:
        """Let a statement that is open commit what it has not yet, at once."""
        for part in range(len(statement.commits), statement.parts):
            self._part(statement, part)

    def _submit(self, name: str, request: Mapping[str, Any]) -> Statement:
        self.quotas.submit(self.active, name)
        self.active += 1
        parts = self._parts(request)
        statement = Statement(
            f"s{len(self.statements) + len(self._fencing) + 1}",
            name,
            self._clock.now,
            self._behave(name, parts),
            parts,
            "Sqls" in request,
            bool(request.get("WithEvent")),
            claimed(request),
        )
        if writes(name):
            self._fencing[statement.id] = statement
            making = len(request["Sqls"]) > len(writing(""))
            self._clock.after(statement.behaviour.seconds, self._write_fence, statement, making)
            return statement
        self.statements[statement.id] = statement
        share = statement.behaviour.seconds / parts
        self._clock.after(share / 2, self._start, statement)
        for part in range(parts):
            self._clock.after(share * (part + 1), self._part, statement, part)
        return statement

    def _start(self, statement: Statement) -> None:
        if statement.ended is None:
            statement.status = names.STARTED
            if statement.claim and not self._fence.passes(statement.claim):
                statement.fenced = True
                self._end(statement, names.FAILED, _ERRORS["fails"])

    def _write_fence(self, statement: Statement, making: bool) -> None:
        self._fence.there |= making
        if not self._fence.there:
            self._end(statement, names.FAILED, "ERROR: relation does not exist")
            return
        statement.status = names.STARTED
        self._wait_for([one for one in self.statements.values() if one.status == names.STARTED], statement)

    def _wait_for(self, begun: list[Statement], statement: Statement) -> None:
        """The lock is there once the transactions that had begun before have ended."""
        if any(one.ended is None for one in begun):
            self._clock.after(1.0, self._wait_for, begun, statement)
        elif statement.ended is None:
            self._fence.write(statement.claim or "")
            self._end(statement, names.FINISHED)

    def _part(self, statement: Statement, part: int) -> None:
        if statement.ended is not None:
            return
        behaviour = statement.behaviour
        if behaviour.ends != "commits" and part == min(behaviour.part, statement.parts - 1):
            self._end(statement, names.FAILED, _ERRORS[behaviour.ends])
            return
        statement.commits.append(self._clock.now)
        if part == statement.parts - 1:
            self._end(statement, names.FINISHED)

    def _abort(self, statement: Statement) -> None:
        if statement.ended is None:
            self._end(statement, names.ABORTED)

    def _end(self, statement: Statement, status: str, error: str | None = None) -> None:
        statement.status, statement.error, statement.ended = status, error, self._clock.now
        self.active -= 1
        statement.end.keep()
        self._on_end(statement)

    def _look(self, statement: Statement, seconds: Any, answer: Callable[[], dict[str, Any]]) -> Any:
        """The answer, at once or, at the latest ``seconds`` from now, when the statement has ended."""
        if not seconds or statement.ended is not None:
            return answer()
        promise = Promise()
        statement.end.then(lambda _: promise.keep(answer()))
        self._clock.after(seconds, lambda: promise.keep(answer()))
        return promise

    def _submitted(self, statement: Statement, seconds: Any) -> dict[str, Any]:
        return {"Id": statement.id, **({"Status": statement.status} if seconds else {})}

    def _find(self, statement_id: str) -> Statement:
        whole = statement_id.partition(":")[0]
        found = self.statements.get(whole) or self._fencing.get(whole)
        if found is None or not self._visible(found):
            raise ServiceError("ResourceNotFoundException", f"Query {statement_id} does not exist.")
        return found

    def _visible(self, statement: Statement) -> bool:
        return statement.ended is None or self._clock.now < statement.ended + VISIBLE


def _described(statement: Statement) -> dict[str, Any]:
    before = [] if statement.claim is None else [names.FAILED if statement.fenced else names.FINISHED]
    statuses = [*before, *(_status_of(statement, part) for part in range(statement.parts) if not statement.fenced)]
    parts = [{"Id": f"{statement.id}:{place}", "Status": status} for place, status in enumerate(statuses, 1)]
    return {
        "Id": statement.id,
        "Status": statement.status,
        "CreatedAt": _iso(statement.created),
        "UpdatedAt": _iso(statement.created if statement.ended is None else statement.ended),
        **({"Error": statement.error} if statement.error else {}),
        **({"SubStatements": parts} if statement.batch else {}),
    }


def _status_of(statement: Statement, part: int) -> str:
    if part < len(statement.commits):
        return names.FINISHED
    return statement.status if part == len(statement.commits) else names.SUBMITTED


def _listed(statement: Statement) -> dict[str, Any]:
    return {
        "Id": statement.id,
        "StatementName": statement.name,
        "Status": statement.status,
        "CreatedAt": _iso(statement.created),
    }


def _iso(seconds: float) -> str:
    return iso(seconds * 1000)
