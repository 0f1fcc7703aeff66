"""What a task of ours can tell of its lineage: the SQL that ran, where, and for which job."""

from __future__ import annotations

from dataclasses import dataclass

#: Neither a cluster nor a workgroup tells its port to the Data API; this is Redshift's own default.
PORT = 5439


@dataclass(frozen=True)
class Warehouse:
    """A database of a cluster or of a Serverless workgroup.

    :param name: the cluster's identifier or the workgroup's name.
    """

    name: str
    region: str
    database: str

    @classmethod
    def known(cls, name: str | None, region: str | None, database: str | None) -> Warehouse | None:
        """None where a part of it is not known."""
        return cls(name, region, database) if name and region and database else None

    @property
    def namespace(self) -> str:
        """As OpenLineage names a Redshift, and Amazon's hook a workgroup too: from the first and the third part of its
        host. https://openlineage.io/docs/spec/naming#redshift"""
        return f"redshift://{self.name}.{self.region}:{PORT}"


@dataclass(frozen=True)
class ToldStatement:
    """A statement, or a batch, of the Data API.

    :param sqls: the texts as they were sent: with the names of their parameters, without the values.
    :param rows: how many rows it returned or changed, where that is known.
    :param id: None while it is not submitted.
    :param warehouse: None where it is not known.
    """

    sqls: tuple[str, ...] = ()
    warehouse: Warehouse | None = None
    id: str | None = None
    rows: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Told:
    """What a task tells.

    :param job_id: of the job that the task belongs to, as far as it is known, as ``job_name``.
    :param tasks: the job's tasks that this one stands for.
    """

    job_id: str | None = None
    job_name: str | None = None
    tasks: tuple[str, ...] = ()
    execution_arn: str | None = None
    statement: ToldStatement = ToldStatement()
