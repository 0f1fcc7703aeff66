"""All commands: the module that each one is in, and what it does.

A command imports what its own module needs, and ``elt-redshift --help`` none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: The exit status of a command that was interrupted.
INTERRUPTED: Final = 130

#: By module, in the order in which people are told of them.
COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "init": {
        "init": "Make a job of a folder of .sql files, or a first job in a new folder.",
    },
    "jobs": {
        "check": "Validate a job and list every mistake.",
        "compile": "Print the state machine definition.",
        "template": "Print the CloudFormation template.",
        "schema": "Print the JSON Schema of job.yaml, for editors.",
    },
    "plan": {
        "plan": "Tell what a job will do, cost and come close to.",
    },
    "deployment": {
        "deploy": "Create or update the job's stack, showing what changes.",
        "destroy": "Delete the job's stack, having said what goes and what stays.",
    },
    "runs": {
        "run": "Start an execution.",
        "redrive": "Let the failed run go on where it failed; if the job was deployed anew, with its new version.",
        "watch": "Show what the tasks of a run do, until it has ended.",
        "stop": "Stop a run, cancel what it runs in the database, and free the job.",
    },
    "past": {
        "history": "List the runs of a job, the newest first.",
        "tasks": "Show what each task of a run did.",
        "trends": "Tell how long each task takes, over many runs.",
    },
    "locks": {
        "status": "Show the audit table, or one job's item.",
        "unlock": "Free a job that no run holds any more, on record.",
        "audit": "Make an audit table for locks that belong to no deployed job.",
    },
    "policy": {
        "policy": "Print the IAM policy that somebody who uses jobs needs.",
    },
    "verify": {
        "verify": "Look in the account whether AWS does what is taken for granted here.",
    },
    "package": {
        "package": "Write what Amazon MWAA is given.",
    },
    "local": {
        "local": "the embedded AWS: up, down, status, psql, env",
    },
    "airflow": {
        "airflow": "Open Airflow's own pages over the embedded AWS, with a job that succeeds and one that fails.",
    },
    "demo": {
        "demo": "Run the walkthrough on an embedded AWS.",
    },
}

HELP: Final = {name: does for commands in COMMANDS.values() for name, does in commands.items()}
