"""Which errors of AWS and of Redshift pass, and what is to be done about each: one table, which the state machine, the
Airflow operators and the triggers use alike.

Errors are told apart by name *and* text. A throttle can arrive as a ``ValidationException`` whose text names it, Step
Functions gives errors that the API's model does not list the name of the whole service
(``RedshiftData.RedshiftDataException``), and what a statement fails with is text alone.

========== ================================================== ======================================================
kind       what it is                                         what is to be done
========== ================================================== ======================================================
throttled  too many calls, or too many active statements      wait and ask again; it never counts as a failure
connection the call, or its answer, was lost on its way; AWS  the same call again, under the same ClientToken; a
           failed; the database could not be reached          statement is looked for by its name first
conflict   the statement's transaction met another one        a new attempt, unasked only of what is one transaction
other      anything else                                      it fails, unless the task's ``retries`` say otherwise
========== ================================================== ======================================================

https://docs.aws.amazon.com/redshift-data/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html#API_ExecuteStatement_Errors and
https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation-serializable-isolation-troubleshooting.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

Kind = Literal["throttled", "connection", "conflict", "other"]

KINDS: tuple[Kind, ...] = get_args(Kind)

#: What tells each kind, in the error's name or in its text. The pieces are regular expressions that Python and JSONata
#: read alike; they are short, since every task's states hold those of a refused call.
_SIGNS: Mapping[Kind, tuple[str, ...]] = {
    "throttled": ("Throttl", "ate exceeded", "TooManyRequests", "(Statements|Sessions|Requests)Exceeded"),
    "connection": (
        "InternalServer",
        "Unavailable",
        "Code: 5",
        "DatabaseConnection",
        "QueryTimeout",
        "SdkClient",
        "onnection (was )?(reset|refused|closed|lost|timed out)",
        "ould not connect",
        "erminating connection",
    ),
    "conflict": ("ERROR: +1023", "erializable isolation violation", "conflict with concurrent transaction"),
}

#: How botocore calls lost connections, by the names of its exceptions.
_OF_BOTOCORE = re.compile("EndpointConnection|ConnectionClosed|ConnectionError|ConnectTimeout|ReadTimeout|HTTPClient")

#: Of these an error of a *call* passes by itself: nothing has failed yet.
PASSING: tuple[Kind, ...] = ("throttled", "connection")


def kind(name: str, text: str) -> Kind:
    """The kind of an error.

    :param name: AWS's code, or a Python exception's; empty where there is only a text.
    """
    if _OF_BOTOCORE.search(name):
        return "connection"
    whole = f"{name} {text}"
    return next((one for one in _SIGNS if re.search(pattern(one), whole)), "other")


def passes(name: str, text: str) -> bool:
    """Whether the same call may well succeed later."""
    return kind(name, text) in PASSING


def pattern(*kinds: Kind) -> str:
    """What the errors of these kinds show in ``<name> <text>``, as a regular expression."""
    return "|".join(sign for one in kinds for sign in _SIGNS[one])
