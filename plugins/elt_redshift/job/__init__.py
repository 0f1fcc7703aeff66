"""The pure model of an ELT job: what users write, read and checked before anything touches AWS."""

from elt_redshift.job.model import EltJob, LockPolicy, Node, Parameter, SqlStatement, SqlTask

__all__ = ["EltJob", "LockPolicy", "Node", "Parameter", "SqlStatement", "SqlTask"]
