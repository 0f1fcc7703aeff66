"""What each `wait` costs: billed transitions and history events of one task, for statements of several lengths.

    python benchmarks/waiting.py

Walks through the compiled definitions with a clock that only this script moves; each expression is evaluated as it
stands there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from elt_redshift.asl.calls import TIMEOUT
from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WAITS, Wait
from elt_redshift.local.stepfunctions.jsonata import evaluate

LENGTHS = {"1 s": 1, "45 s": 45, "4 min": 240, "10 min": 600, "1 h": 3600, "2 h": 7200, "8 h": 28800}
CONTEXT = {"Execution": {"Id": "arn", "Name": "run", "RedriveCount": 0}, "Task": {"Token": "token"}}
#: Entered, Scheduled, Started, Succeeded, Exited; a wait for a token has Submitted, too.
EVENTS = {"Choice": 2, "Wait": 2, "Task": 5}


@dataclass
class Walk:
    """One task's way through its states, while its statement runs for ``length`` seconds."""

    states: dict[str, Any]
    length: int
    now: float = 0
    input: Any = field(default_factory=lambda: {"attempt": 1, "failures": 0, "redrives": 0})
    transitions: int = 0
    events: int = 0

    def run(self, name: str, end: str) -> None:
        while name != end:
            state = self.states[name]
            self.transitions += 1
            self.events += EVENTS[state["Type"]] + state.get("Resource", "").endswith(".waitForTaskToken")
            name = getattr(self, state["Type"].lower())(state)

    def value(self, template: Any, **more: Any) -> Any:
        if isinstance(template, dict):
            return {key: self.value(item, **more) for key, item in template.items()}
        if isinstance(template, str) and template.startswith("{%"):
            return evaluate(template[2:-2].strip(), {"states": {"input": self.input, "context": CONTEXT, **more}})
        return template

    def choice(self, state: dict[str, Any]) -> str:
        for rule in state["Choices"]:
            if self.value(rule["Condition"]):
                self.input = self.value(rule.get("Output", self.input))
                return str(rule["Next"])
        return str(state["Default"])

    def wait(self, state: dict[str, Any]) -> str:
        self.now += self.value(state["Seconds"])
        self.input = self.value(state["Output"])
        return str(state["Next"])

    def task(self, state: dict[str, Any]) -> str:
        if state["Resource"].endswith(".waitForTaskToken"):
            return self.token(state)
        patience = self.value(state["Arguments"].get("WaitTimeSeconds", 0))
        self.now = max(self.now, min(self.now + patience, self.length))
        status = "FINISHED" if self.now >= self.length else "STARTED"
        result = {"Id": "s1", "Status": status, "Statements": [{"Id": "s1", "Status": status}]}
        self.input = self.value(state["Output"], result=result)
        return str(state["Next"])

    def token(self, state: dict[str, Any]) -> str:
        """The event comes when the statement ends, if that is before the timeout."""
        patience = self.value(state["TimeoutSeconds"])
        self.now = min(self.now + patience, self.length)
        if self.now == self.length:
            self.input = self.value(state["Output"], result={"Id": "s1"})
            return str(state["Next"])
        error = {"Error": TIMEOUT, "Cause": ""}
        catch = next(one for one in state["Catch"] if {TIMEOUT, "States.ALL"} & {*one["ErrorEquals"]})
        self.input = self.value(catch["Output"], errorOutput=error)
        return str(catch["Next"])


def walk(wait: Wait, seconds: int) -> Walk:
    """Run a task of one statement of that length."""
    job = EltJob(job_id="1", name="one", wait=wait)
    job.task("a", statement="select 1")
    made = Walk(compile_job(job).definition()["States"], seconds)
    made.run("a", "release lock")
    return made


def table() -> str:
    """A line for each length: transitions, and history events in brackets."""
    lines = [f"{'':10}" + "".join(f"{wait:>16}" for wait in WAITS)]
    for text, seconds in LENGTHS.items():
        cells = (walk(wait, seconds) for wait in WAITS)
        lines.append(f"{text:10}" + "".join(f"{one.transitions} ({one.events})".rjust(16) for one in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"transitions (history events) of a task, by how long its statement runs\n{table()}\n")
