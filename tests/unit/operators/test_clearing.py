"""Whatever fails, is mended, cleared or stopped: Airflow's states come to equal the execution's.

The machine drives the decisions of the real mirrors (:class:`Redriver`, ``outcome_of``) over a Step Functions in
memory, with a model of Airflow's part: tries, trigger rules and clears.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.execution_status import Snapshot
from elt_redshift.aws.executions import Executions
from elt_redshift.operators.redriving import Cleared, Pursued, Redriver, clear_token
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.group import decider
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions, definition

NAME = partial(run_execution_name, "sales", "manual__2026", "start_execution")

#: Two tasks side by side, one behind both, one behind the first.
UPSTREAM = {"a": (), "b": (), "c": ("a", "b"), "d": ("a",)}
FAILED = ("failed", "upstream_failed")


@dataclass
class Mirror:
    """A task instance: its state, its tries, what it follows, and what it saw last: attempt and redrives.

    ``redriven``: the clear for which it has redriven; ``owed``: how often its tasks must have run before it is green.
    """

    state: str = "none"
    tries: int = 0
    max_tries: int = 0
    pursued: Pursued | None = None
    saw: tuple[str, int] = ("", 0)
    redriven: str = ""
    owed: dict[str, int] = field(default_factory=dict)


@dataclass
class Client(FakeStepFunctions):
    """Counts the tokens of redrives by execution."""

    tokens: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(definition=definition(*UPSTREAM))

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        answer = super().start_execution(stateMachineArn, name, input)
        kept = json.loads(input).get("resume", {}).get("kept", "")
        prints = Definitions(self, lambda: None).deployed(stateMachineArn).prints or {}
        execution = self.executions[answer["executionArn"]]
        if not execution.events:
            for task, one in prints.items():
                if one.whole in kept:
                    execution.keep(task)
        return answer

    def redrive_execution(self, executionArn: str, clientToken: str) -> dict[str, Any]:
        before = len(self.executions[executionArn].redrives)
        answer = super().redrive_execution(executionArn, clientToken)
        if len(self.executions[executionArn].redrives) > before:
            self.tokens.append((executionArn, clientToken))
        return answer


class Clearing(RuleBasedStateMachine):
    """One DAG run, with a mirror for each task: which tasks each mirror shows, and behind which others it begins."""

    SHOWN: ClassVar[dict[str, tuple[str, ...]]] = {task: (task,) for task in UPSTREAM}
    BEHIND: ClassVar[dict[str, tuple[str, ...]]] = UPSTREAM

    @initialize()
    def begin(self) -> None:
        self.client, self.clears = Client(), 0
        self.executions = Executions(self.client, MACHINE)
        self.mirrors = {name: Mirror() for name in self.SHOWN}
        self.ran: Counter[str] = Counter()
        self._start()

    # Airflow's part

    def _redriver(self, mirror: Mirror | None = None) -> Redriver:
        token = clear_token("sales", "manual__2026", self.clears)
        definitions = Definitions(self.client, lambda: None)
        words = (
            self._cleared,
            partial(setattr, mirror or Mirror(), "redriven", token),
            lambda: any(mirror.redriven == token for mirror in self.mirrors.values()),
        )
        return Redriver(self.executions, NAME, {}, lambda: None, "7", token, definitions, *words)

    def _cleared(self) -> Cleared:
        states = {name: mirror.state for name, mirror in self.mirrors.items()}
        open_ones = tuple(frozenset(self.SHOWN[name]) for name, state in states.items() if state != "success")
        return Cleared(open_ones, whole=not any(state in ("success", *FAILED) for state in states.values()))

    def _start(self, cleared: bool = False) -> None:
        self._redriver().start(repeated=False, cleared=cleared)

    @rule(number=st.integers(0, 3))
    def run(self, number: int) -> None:
        """The scheduler and a worker take a mirror on."""
        name = sorted(self.SHOWN)[number % len(self.SHOWN)]
        mirror, before = self.mirrors[name], [self.mirrors[up].state for up in self.BEHIND.get(name, ())]
        if mirror.state != "none":
            return
        if any(state in FAILED for state in before):
            mirror.state = "upstream_failed"
        elif all(state == "success" for state in before):
            mirror.tries += 1
            cleared = mirror.max_tries > 0
            mirror.pursued, mirror.state = (
                self._redriver(mirror).mirror(frozenset(self.SHOWN[name]), cleared),
                "deferred",
            )

    @rule()
    def look(self) -> None:
        """The triggerer looks for every mirror."""
        for name, mirror in self.mirrors.items():
            if mirror.state != "deferred" or mirror.pursued is None:
                continue
            snapshot = self._snapshot(mirror.pursued.arn)
            assert snapshot.execution.redrive_count >= mirror.pursued.redrives
            tasks = self.SHOWN[name] if name not in UPSTREAM else ()
            if outcome := decider(name, tasks, lambda _: None)(snapshot):
                mirror.state = "success" if outcome.status == "succeeded" else "failed"
                late = [task for task, times in mirror.owed.items() if self.ran[task] < times]
                assert mirror.state == "failed" or not late, f"{late} were not run again"
                mirror.saw = (snapshot.execution.arn, snapshot.execution.redrive_count)

    def _snapshot(self, arn: str) -> Snapshot:
        return self.executions.look(arn, TaskRuns(UPSTREAM))

    @rule(tasks=st.sets(st.sampled_from(sorted(UPSTREAM)), min_size=1))
    def clear(self, tasks: set[str]) -> None:
        """Somebody clears tasks, as the UI proposes: with everything behind them."""
        self._clear({name for name, shown in self.SHOWN.items() if any(tasks & {one, *UPSTREAM[one]} for one in shown)})

    @rule()
    def clear_failed(self) -> None:
        self._clear({name for name, mirror in self.mirrors.items() if mirror.state in FAILED})

    @precondition(lambda self: not any(mirror.state in ("none", "deferred") for mirror in self.mirrors.values()))
    @rule()
    def clear_all(self) -> None:
        done = {run.name for run in self._snapshot(self.execution.arn).tasks if run.status == "succeeded"}
        self._clear(set(self.SHOWN))
        for name, mirror in self.mirrors.items():
            mirror.owed = {task: self.ran[task] + (task in done) for task in self.SHOWN[name]}
        self._start(cleared=True)

    def _clear(self, names: set[str]) -> None:
        self.clears += bool(names)
        for name in names:
            mirror = self.mirrors[name]
            if mirror.state == "success" and self.execution.status != "RUNNING":
                mirror.owed = {task: self.ran[task] + 1 for task in self.SHOWN[name]}
            mirror.max_tries, mirror.state = mirror.tries, "none"

    # Step Functions' part

    @property
    def execution(self) -> FakeExecution:
        return list(self.client.executions.values())[-1]

    def _can_run(self, task: str) -> bool:
        runs = {run.name: run.status for run in self._snapshot(self.execution.arn).tasks}
        ready = all(runs[name] == "succeeded" for name in UPSTREAM[task])
        return self.execution.status == "RUNNING" and ready and runs[task] != "succeeded"

    @rule(task=st.sampled_from(sorted(UPSTREAM)))
    def succeed(self, task: str) -> None:
        if self._can_run(task):
            self.execution.succeed(task)
            self.ran[task] += 1
            runs = self._snapshot(self.execution.arn).tasks
            if all(run.status == "succeeded" for run in runs):
                self.execution.end("SUCCEEDED")

    @rule(task=st.sampled_from(sorted(UPSTREAM)))
    def fail(self, task: str) -> None:
        if self._can_run(task):
            self.execution.fail(task, "ERROR")

    @rule()
    def all_goes_well(self) -> None:
        """For a while nothing fails."""
        for _ in range(3):
            for number in range(len(self.SHOWN)):
                self.run(number)
            for task in UPSTREAM:
                self.succeed(task)
            self.look()

    @rule()
    def stop(self) -> None:
        if self.execution.status == "RUNNING":
            self.execution.end("ABORTED")

    @rule()
    def fourteen_days_pass(self) -> None:
        if self.execution.status != "RUNNING":
            self.execution.too_old = True

    # What holds

    @invariant()
    def one_redrive_for_each_clear(self) -> None:
        assert len(self.client.tokens) == len(set(self.client.tokens))
        assert all(
            token in {clear_token("sales", "manual__2026", n) for n in range(self.clears + 1)}
            for _, token in self.client.tokens
        )

    @invariant()
    def what_was_seen_is_true(self) -> None:
        """A mirror that has seen the execution since its last redrive shows what the task is."""
        latest = self.execution
        runs = {run.name: run.status for run in self._snapshot(latest.arn).tasks}
        for name, mirror in self.mirrors.items():
            states = {runs[task] for task in self.SHOWN[name]}
            if mirror.state == "success" and mirror.saw[0] == latest.arn:
                assert states == {"succeeded"}
            if mirror.state == "failed" and mirror.saw == (latest.arn, len(latest.redrives)):
                assert states != {"succeeded"}

    def teardown(self) -> None:
        """In the end somebody clears what failed until nothing has, and everything is as the execution has it."""
        if not hasattr(self, "client"):
            return
        for _ in range(6):
            self.all_goes_well()
            self.clear_failed()
        runs = {run.name: run.status for run in self._snapshot(self.execution.arn).tasks}
        assert {mirror.state for mirror in self.mirrors.values()} == {"success"}, (self.mirrors, runs)
        seen_latest = [name for name, mirror in self.mirrors.items() if mirror.saw[0] == self.execution.arn]
        assert all(runs[task] == "succeeded" for name in seen_latest for task in self.SHOWN[name])


class ClearingGroups(Clearing):
    """The same with a mirror for each group of tasks, all of which begin behind the start."""

    SHOWN: ClassVar[dict[str, tuple[str, ...]]] = {"first": ("a", "c"), "second": ("b", "d")}
    BEHIND: ClassVar[dict[str, tuple[str, ...]]] = {}


TestClearing = Clearing.TestCase
TestClearing.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestClearingGroups = ClearingGroups.TestCase
TestClearingGroups.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
