"""What a run, the executions of its parts, and whoever reads or stops them have agreed on.

A job that is too large for one state machine is cut into parts, each a state machine of its own. A run starts one
execution of each, all by its own name, and waits for them; the run is the owner of the lock. So nobody needs to write
down which executions belong to a run: its definition names the machines, and their executions are called as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from elt_redshift.protocol.executions import execution_arn

#: The state of a run that runs its parts, side by side.
RUN_PARTS: Final = "run parts"

#: How a part is started: the state goes on when the part has ended.
START: Final = "states:startExecution.sync:2"

# The members of a part's input: the run, of which these are told …
RUN: Final = "run"
OWNER, NAME, KEY, REDRIVES, REDRIVEN, SINCE = "owner", "name", "key", "redrives", "redriven", "since"
# … and what all parts of it are told alike; ``print`` is of the definition that the part is expected to have.
FENCE, LOCK = "fence", "lock"  # of a job with a fence: the era and number of its claim, and the audit table
CONNECTION, PARAMETERS, KEPT, PRINT = "connection", "parameters", "kept", "print"

#: The member by which consoles show which execution has started another one.
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
STARTED_BY_EXECUTION: Final = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def state(number: int) -> str:
    """The state of a run that starts the ``number``-th part, from 1; what else is about the part begins alike."""
    return f"part {number}"


def machines(definition: Mapping[str, Any]) -> dict[str, str]:
    """The ARNs of the machines of a run's parts, by the states that start them; none of a job that has no parts.

    :param definition: that of the run, as deployed.
    """
    return dict(_machines(definition))


def executions(definition: Mapping[str, Any], run_name: str) -> dict[str, str]:
    """The same of the executions of the parts of a run, which may not have been started yet."""
    return {name: execution_arn(machine, run_name) for name, machine in _machines(definition)}


def _machines(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for branch in definition["States"].get(RUN_PARTS, {}).get("Branches", ()):
        start = branch["StartAt"]
        yield start, branch["States"][start]["Arguments"]["StateMachineArn"]
