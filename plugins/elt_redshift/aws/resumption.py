"""What a new execution keeps of an earlier one, and what it runs again; nothing is asked of AWS here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from elt_redshift.asl.fingerprints import Fingerprint, Fingerprints
from elt_redshift.aws.definitions import Definition
from elt_redshift.aws.execution_status import Execution
from elt_redshift.exceptions import EltError
from elt_redshift.protocol.audit import ASSUME_DONE, Assumption
from elt_redshift.protocol.limits import LONGEST_STATEMENT
from elt_redshift.protocol.statements import is_forgotten
from elt_redshift.protocol.times import iso_time
from elt_redshift.runs.causes import named
from elt_redshift.runs.history import TaskRun

#: The Data API has forgotten a statement that may be as old as this, when the next execution gets to look for it.
FORGETTING = LONGEST_STATEMENT - timedelta(hours=1)


class UnknowableError(EltError):
    """Whether the statements of ``tasks`` have run cannot be known any more, and nobody has said what to assume.

    :param execution: the name of the execution that has left them.
    """

    def __init__(self, execution: str, tasks: tuple[str, ...]) -> None:
        self.execution, self.tasks = execution, tasks
        super().__init__(
            f"Execution {execution} ended while {named(tasks)} ran, and the Data API has forgotten their statements. "
            f"See whether their work is there; then `elt-redshift redrive JOB --assume done {tasks[0]}` if it is, or "
            f"`--assume not-done {tasks[0]}`, one for each task."
        )


@dataclass(frozen=True)
class Submitted:
    """Where the statements of a task may be found.

    :param by: the name of the execution that may have submitted them.
    :param since: when it began to; None where that is not known.
    """

    by: str
    since: datetime | None = None

    @classmethod
    def inherited(cls, resumed: Mapping[str, Any]) -> dict[tuple[str, str], list[Submitted]]:
        """Of the tasks that it was told to look for, by name and fingerprint: where their statements may be."""
        first = str(resumed.get("from", "")).rpartition(":")[2]
        sought: dict[tuple[str, str], list[Submitted]] = {}
        for item in resumed.get("open", ()):
            place = cls(item.get("by", first), _moment(item.get("since")))
            sought.setdefault((item["task"], item["fingerprint"]), []).append(place)
        return sought

    def told(self) -> dict[str, str]:
        """As an item of the next execution's input has it."""
        return {"by": self.by, **({"since": iso_time(self.since)} if self.since else {})}


@dataclass(frozen=True)
class Resumption:
    """How the next execution goes on with the work of ``origin``.

    :param kept: the tasks that are done, unchanged, and not to be run again.
    :param open: unchanged tasks whose statements may have finished although the execution ended before: the new one
        finds that out.
    :param submitted: where to look for these, one place after the other; by default, among those of ``origin``.
    :param again: the other tasks, and why each of them runs.
    :param anew: why nothing can be kept; None where something could have been.
    """

    origin: Execution
    prints: Fingerprints
    kept: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    again: Mapping[str, str] = field(default_factory=dict)
    anew: str | None = None
    submitted: Mapping[str, Sequence[Submitted]] = field(default_factory=dict)

    def assuming(self, runs: Collection[TaskRun], assumed: Mapping[str, Assumption], now: datetime) -> Resumption:
        """The same where it is known of the open tasks what to take them for, if nobody can tell.

        :param runs: the tasks of the earlier execution.
        :raises UnknowableError: of some it is not.
        """
        forgotten = {run.name for run in runs if run.name in self.open and self._is_forgotten(run, now)}
        if unsaid := tuple(task for task in self.open if task in forgotten - assumed.keys()):
            raise UnknowableError(self.origin.name, unsaid)
        done = [task for task in self.open if task in forgotten and assumed[task] == ASSUME_DONE]
        again = {task: "it is taken for not done" for task in self.open if task in forgotten and task not in done}
        rest = tuple(task for task in self.open if task not in forgotten)
        return replace(self, kept=(*self.kept, *done), open=rest, again={**self.again, **again})

    @property
    def keeps(self) -> bool:
        """Whether something is kept, or may be."""
        return bool(self.kept or self.open)

    def given(self, asked: str) -> dict[str, Any]:
        """What the new execution is told; see :mod:`elt_redshift.asl.patterns.resumption`."""
        unsure = [
            {"task": name, "fingerprint": self.prints[name].whole, **place.told()}
            for name in self.open
            for place in self._submitted(name)
        ]
        return {
            "from": self.origin.arn,
            "kept": " ".join(self.prints[name].whole for name in self.kept),
            **({"open": unsure} if unsure else {}),
            "asked": asked,
        }

    def _submitted(self, task: str) -> Sequence[Submitted]:
        return self.submitted.get(task) or (Submitted(self.origin.name),)

    def _is_forgotten(self, run: TaskRun, now: datetime) -> bool:
        times = [place.since or run.since or run.started for place in self._submitted(run.name)]
        return is_forgotten(run.statement_id) or any(since is not None and now - since > FORGETTING for since in times)

    def told(self) -> Iterator[str]:
        """For the log: what is kept, what runs, and why; a line each."""
        if self.anew:
            yield f"All tasks run from the start: {self.anew}"
            return
        yield f"Kept from execution {self.origin.name}: {named(self.kept) or 'nothing'}."
        for why in dict.fromkeys(self.again.values()):
            yield f"Runs: {named([task for task, reason in self.again.items() if reason == why])}: {why}."
        if self.open:
            yield (
                f"Had begun: {named(self.open)}: kept if its statement has finished since, run again otherwise. (The "
                f"Data API remembers statements for {LONGEST_STATEMENT.total_seconds() / 3600:.0f} hours.)"
            )


def plan(
    origin: Execution,
    runs: Collection[TaskRun],
    old: Definition,
    new: Definition,
    cleared: Collection[str] = (),
) -> Resumption:
    """Which tasks of ``new`` need not run.

    :param runs: the tasks of ``origin``, which ran the definition ``old``.
    :param cleared: tasks that somebody wants to run again although they are done.
    """
    if old.prints is None or new.prints is None:
        which = "that execution" if old.prints is None else "the deployed state machine"
        why = f"the definition of {which} was made by an older elt_redshift and does not tell what is unchanged."
        return Resumption(origin, new.prints or {}, anew=why)
    if old.warehouse != new.warehouse:
        return Resumption(origin, new.prints, anew="the job was deployed for another warehouse since.")
    return _compared(origin, {run.name: run for run in runs}, old.prints, new.prints, cleared)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _compared(
    origin: Execution, runs: Mapping[str, TaskRun], old: Fingerprints, new: Fingerprints, cleared: Collection[str]
) -> Resumption:
    inherited, sought = str((origin.resumed or {}).get("kept", "")), Submitted.inherited(origin.resumed or {})
    kept, unsure, again = [], dict[str, Sequence[Submitted]](), {}
    for task, now in new.items():
        before, status = old.get(task), runs[task].status if task in runs else "waiting"
        why = _why(task, before, now, old, new) or ("it was cleared" if task in cleared else None)
        done = status == "succeeded" or (before is not None and before.whole in inherited)
        if why is None and done:
            kept.append(task)
        elif why is None and (status in ("running", "aborted") or runs[task].unseen):
            own = Submitted(origin.name, runs[task].since or runs[task].started)
            # Where the origin has no statement of its own, it may have been about to pass one that it had found.
            unsure[task] = (own, *([] if runs[task].statement_id else sought.get((task, now.whole), [])))
        elif why is None and status == "waiting" and (task, now.whole) in sought:
            unsure[task] = sought[task, now.whole]  # whether the origin has found it is not known
        else:
            again[task] = why if why and (done or before is None) else "it had not succeeded"
    return Resumption(origin, new, tuple(kept), tuple(unsure), again, submitted=unsure)


def _why(task: str, before: Fingerprint | None, now: Fingerprint, old: Fingerprints, new: Fingerprints) -> str | None:
    """What has changed about a task; None: nothing."""
    if before is None:
        return "it is new in the job"
    if before.whole == now.whole:
        return None
    if before.own != now.own:
        return "its SQL has changed"
    if before.upstream != now.upstream:
        return "it waits for other tasks than before"
    changed = [up for up in now.upstream if old[up].whole != new[up].whole]
    return f"it is behind {named(changed)}, which has changed"
