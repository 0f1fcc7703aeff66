"""What a compiled job will cost and how far it is from each limit of Step Functions, known before it is deployed.

Everything is read from the definition as it will be deployed, walked by :mod:`simulation`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from elt_redshift.asl.bounds import size
from elt_redshift.asl.language import names
from elt_redshift.asl.language.states import Flow
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.patterns.judging import MAX_LOOKS
from elt_redshift.asl.patterns.lock import LOOK
from elt_redshift.graph.layout import MAX_DEPTH
from elt_redshift.planning.counting import EVENTS
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulation import Simulation
from elt_redshift.protocol.limits import (
    ANSWER_PER_STATEMENT,
    LONG_POLL,
    LONGEST_STATEMENT,
    MAX_ACTIVE_STATEMENTS,
    MAX_DEFINITION,
    MAX_EVENTS,
    MAX_NAME,
    MAX_PAYLOAD,
    MAX_SUBMISSIONS,
)

#: US dollars for one state transition of a Standard workflow in most regions, us-east-1 among them, without the free
#: 4,000 a month: $0.025 for 1,000. https://aws.amazon.com/step-functions/pricing/
PRICE = 0.025 / 1000

#: What comes out of a branch, at most, in bytes: attempt, failures, redrives, and the task and statement that ended.
_BRANCH_OUTPUT = 256

#: The longest that a statement may take, in seconds.
_DAY = LONGEST_STATEMENT.total_seconds()


@dataclass(frozen=True)
class Run:
    """What one run adds up to.

    :param transitions: billed state transitions, those of child executions included.
    :param events: of the longest history; each child execution has one of its own.
    """

    transitions: int
    events: int

    @property
    def cost(self) -> float:
        """US dollars for Step Functions; the few DynamoDB writes of a run cost less than its transitions."""
        return self.transitions * PRICE


@dataclass(frozen=True)
class Limit:
    """How far something is from the most that is allowed.

    :param where: the state that comes nearest, if it is about one.
    """

    name: str
    used: int
    allowed: int
    unit: str
    where: str = ""

    @property
    def left(self) -> int:
        return self.allowed - self.used


@dataclass(frozen=True)
class Estimates:
    """All of it for one compiled job.

    :param best: every statement ends within its first long poll, no task has to wait for another branch.
    :param typical: statements take as long as is expected of them.
    :param worst: every attempt of every task lasts until its timeout (or 24 hours), all retries are used, every join
        waits, and where the job waits for its lock, it waits as long as it may.
    :param safe_seconds: with all statements taking this long, the history still stays within its limit, every join and
        the longest wait for the lock included; at most 24 hours, after which Redshift ends a statement.
    """

    states: int
    best: Run
    typical: Run
    worst: Run
    safe_seconds: float
    limits: tuple[Limit, ...]


def estimate(machine: StateMachine, typical: Simulation) -> Estimates:
    """Estimate what ``machine`` does.

    :param typical: a run of its definition with the expected durations.
    """
    definitions = _definitions(machine)
    tasks = machine.job.tasks
    looks = _looking(machine.flow)
    last = {task.name: task.timeout.total_seconds() if task.timeout else _DAY for task in tasks}
    run = partial(simulate, machine)
    worst = run(Scenario(last, {task.name: task.retry_rule.times for task in tasks}, joins="always"))
    best = run(Scenario(dict.fromkeys(last, 0.0), joins="never"))
    return Estimates(
        states=sum(1 for definition in definitions for _ in _states(definition)),
        best=_run(best),
        typical=_run(typical),
        worst=Run(worst.transitions + looks.transitions, _longest(worst, looks.events)),
        safe_seconds=_safe(run, list(last), looks.events),
        limits=tuple(_limits(machine, definitions, typical)),
    )


def _definitions(machine: StateMachine) -> list[dict[str, Any]]:
    """That of the job, and those of its parts."""
    return [machine.definition(), *(part.definition() for part in machine.parts)]


def simulate(machine: StateMachine, scenario: Scenario) -> Simulation:
    """One run of a compiled job."""
    follower = machine.follower if machine.follows else None
    return Simulation(machine.flow, scenario, machine.job_file or (), follower, machine.parts)


def _run(simulation: Simulation) -> Run:
    return Run(simulation.transitions, simulation.events)


def _longest(simulation: Simulation, looks: int) -> int:
    """Events of the longest history, if the execution itself, not a child, waited for the lock with so many."""
    return max(simulation.events, simulation.executions[0].events + looks)


def _looking(flow: Flow) -> Run:
    """The longest wait for the lock."""
    if not flow.find(names.WAITING):
        return Run(0, 0)
    events = sum(EVENTS[type(state)] for name in LOOK if (state := flow.find(name)))
    return Run(MAX_LOOKS * len(LOOK), MAX_LOOKS * events)


def _safe(run: Callable[[Scenario], Simulation], tasks: list[str], reserved: int) -> float:
    """The longest duration, in half minutes, that all statements may have with no history longer than allowed."""

    def fits(seconds: float) -> bool:
        return _longest(run(Scenario(dict.fromkeys(tasks, seconds), joins="always")), reserved) <= MAX_EVENTS

    if fits(_DAY):
        return _DAY
    polls = range(int(_DAY / LONG_POLL))
    return LONG_POLL * max(0, bisect_left(polls, True, key=lambda poll: not fits(poll * LONG_POLL)) - 1)


def _limits(machine: StateMachine, definitions: Sequence[Mapping[str, Any]], typical: Simulation) -> Iterator[Limit]:
    largest = max(range(len(definitions)), key=lambda place: size(definitions[place]))
    where = machine.parts[largest - 1].name if largest else ""
    yield Limit("definition", size(definitions[largest]), MAX_DEFINITION, "bytes", where)
    yield Limit("history of a typical run", typical.events, MAX_EVENTS, "events")
    payload, where = max(one for definition in definitions for one in _payloads(machine, definition))
    yield Limit("payload of a state", payload, MAX_PAYLOAD, "bytes", where)
    states = [(name, depth) for definition in definitions for name, _, depth in _states(definition)]
    longest = max((name for name, _ in states), key=len)
    yield Limit("state name", len(longest), MAX_NAME, "characters", longest)
    yield Limit("Parallel states nested", max(depth for _, depth in states), MAX_DEPTH, "levels")
    yield Limit("statements at one time", typical.peak, MAX_ACTIVE_STATEMENTS, "statements")
    yield Limit("submissions in a second", typical.burst, MAX_SUBMISSIONS, "statements")


def _payloads(machine: StateMachine, definition: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The largest payload of each state that has one to speak of, in bytes; a child execution's is its item."""
    for item in machine.job_file or ():
        yield size(item) + ANSWER_PER_STATEMENT * len(item["statements"]), item["name"]
    statements = {task.name: len(task.statements) for task in machine.job.tasks}
    for name, state, _ in _states(definition):
        if state["Type"] == "Task":
            # DescribeStatement answers with the SQL that was submitted.
            yield size(state["Arguments"]) + ANSWER_PER_STATEMENT * statements.get(name, 0), name
        elif state["Type"] == "Parallel":
            yield _BRANCH_OUTPUT * len(state["Branches"]), name


def _states(flow: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every state of ``flow`` with its name and the number of Parallel states around it, itself included."""
    for name, state in flow["States"].items():
        inside = depth + (state["Type"] == "Parallel")
        yield name, state, inside
        for branch in state.get("Branches", ()):
            yield from _states(branch, inside)
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"], depth)
