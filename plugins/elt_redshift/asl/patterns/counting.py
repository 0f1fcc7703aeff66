"""The state that counts the runs that have done their work, for the alarm on a job that has not for too long
(:mod:`elt_redshift.protocol.metrics`).

It comes before the write by which an end is taken up: an end is counted at least once, and the alarm asks only whether
there was any. An end that is told late counts for when it was; CloudWatch takes none that is two weeks old, and
whatever it refuses leaves the states behind it alone: the alarm itself tells of what is not counted.
"""

from __future__ import annotations

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, expression
from elt_redshift.asl.language.states import Catch, Task
from elt_redshift.asl.target import Target
from elt_redshift.protocol import metrics, records

#: An execution's ARN is its state machine's, with another kind and a name behind.
_MACHINE = (
    f"($a := $split({INPUT}.executionArn, ':'); $join([$a[0], $a[1], $a[2], $a[3], $a[4], 'stateMachine', $a[6]], ':'))"
)


def count_success(target: Target, next: str) -> Task:
    """The state, which is given what :mod:`.outcomes` has found out, and passes it on.

    :param next: the state behind it.
    """
    counted = {
        "MetricName": metrics.RUNS_SUCCEEDED,
        "Dimensions": [{"Name": metrics.STATE_MACHINE, "Value": expression(_MACHINE)}],
        "Timestamp": expression(f"$fromMillis({INPUT}.stopDate)"),
        "Value": expression(f"{INPUT}.outcome = '{records.DONE}' ? 1 : 0"),
    }
    return Task(
        "count success",
        calls.PUT_METRIC_DATA,
        {"Namespace": metrics.NAMESPACE, "MetricData": [counted]},
        next=next,
        output=expression(INPUT),
        retry=calls.RETRY,
        catch=(Catch((calls.ANY_ERROR,), next, expression(INPUT)),),
        partition=target.partition,
    )
