"""A deterministic simulation of a job's state machine: what it does when everything that can go wrong does.

A *schedule* is a job and a seed. It runs the compiled definition, with its real expressions and conditions, on virtual
time against models of Step Functions, DynamoDB and the Redshift Data API; the seed draws stops, redrives, competing
starts, lost answers, late arrivals and how statements end. Afterwards what happened is checked (:mod:`.histories`)::

    from elt_redshift.testing import Subject, run

    job = Subject.of(EltJob.load("sql/yearly_sales"))
    assert not [finding for seed in range(500) for finding in run(job, seed).findings]

It needs ``jsonata-python`` (in the extra ``local``), and neither Airflow nor AWS. docs/chaos.md says what it can show.
"""

from __future__ import annotations

from elt_redshift.testing.histories import Finding
from elt_redshift.testing.moves import Kind, Move
from elt_redshift.testing.network import Faults
from elt_redshift.testing.schedules import Chances, Outcome, run
from elt_redshift.testing.subject import Subject

__all__ = ["Chances", "Faults", "Finding", "Kind", "Move", "Outcome", "Subject", "run"]
