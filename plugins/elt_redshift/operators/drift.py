"""Whether the job that a DAG shows is the one that is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from elt_redshift.job.model import EltJob
from elt_redshift.runs.causes import named

if TYPE_CHECKING:
    from elt_redshift.asl.fingerprints import Fingerprints
    from elt_redshift.aws.definitions import Definition

#: So many characters of SQL are handed on in an XCom.
MAX_SHOWN = 40_000

#: What is done about a difference; None: ``fail`` where tasks or edges differ, ``warn`` where only SQL does.
OnDrift = Literal["fail", "warn", "ignore"]
ON_DRIFT: tuple[OnDrift, ...] = get_args(OnDrift)


@dataclass(frozen=True)
class Drift:
    """How a DAG's job and the deployed one differ.

    :param graph: what differs in tasks and edges, in words.
    :param sql: the tasks that are the same but for their SQL, and the deployed SQL of each.
    """

    job: str
    graph: tuple[str, ...] = ()
    sql: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """All differences, one behind the other."""
        return "; ".join([*self.graph, *([f"other SQL in {named(tuple(self.sql))}"] if self.sql else [])])

    def __str__(self) -> str:
        return (
            f"Job {self.job} of this DAG is not the deployed one: {self.words}. Deploy the job again with "
            "`elt-redshift deploy`, or bring its new version to Airflow."
        )

    @property
    def shown(self) -> dict[str, str]:
        """The deployed SQL, as far as it is short enough to be handed on to the mirrors."""
        shown, left = {}, MAX_SHOWN
        for task, text in self.sql.items():
            if len(text) <= left:
                shown[task], left = text, left - len(text)
        return shown

    def fails(self, on_drift: OnDrift | None) -> bool:
        """Whether no run may begin."""
        return on_drift == "fail" or (on_drift is None and bool(self.graph))


def drift(job: EltJob, deployed: Definition) -> Drift | None:
    """How they differ; None: not at all, or an older version of the package deployed the job and does not tell."""
    from elt_redshift.asl import fingerprints  # what only workers do is not for DAG files

    if deployed.prints is None:
        return None
    ours = fingerprints.of_job(job)
    graph = tuple(_graph(ours, deployed.prints))
    both = [task for task in ours if task in deployed.prints]
    changed = [task for task in both if ours[task].own != deployed.prints[task].own]
    sql = {task: ";\n\n".join(deployed.statements(task)) + ";" for task in changed}
    return Drift(job.name, graph, sql) if graph or sql else None


def _graph(ours: Fingerprints, theirs: Fingerprints) -> Iterator[str]:
    if more := [task for task in ours if task not in theirs]:
        yield f"only the DAG has {named(more)}"
    if missing := [task for task in theirs if task not in ours]:
        yield f"the DAG lacks {named(missing)}"
    if rewired := [task for task in ours if task in theirs and ours[task].upstream != theirs[task].upstream]:
        yield f"other upstreams of {named(rewired)}"
