"""Date functions, which name a part of a date as a bare word: a function for each part here.

https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html
"""

from __future__ import annotations

from elt_redshift.local.redshift.dialect.calls.call import Call, Rewrite, Rewritten
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.tokens import lex, string_value

_SPELLINGS = {
    "millennium": "millennium millennia mil mils",
    "century": "century centuries c cent cents",
    "decade": "decade decades dec decs",
    "epoch": "epoch",
    "year": "year years y yr yrs",
    "quarter": "quarter quarters qtr qtrs",
    "month": "month months mon mons",
    "week": "week weeks w",
    "dow": "dayofweek dow dw weekday",
    "doy": "dayofyear doy dy yearday",
    "day": "day days d",
    "hour": "hour hours h hr hrs",
    "minute": "minute minutes m min mins",
    "second": "second seconds s sec secs",
    "milliseconds": "millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
    "microseconds": "microsecond microseconds microsec microsecs usecond useconds us usec usecs",
    "timezone": "timezone",
    "timezone_hour": "timezone_hour",
    "timezone_minute": "timezone_minute",
}
#: The one name here for each of Redshift's names of a date part.
PARTS = {spelling: part for part, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_NOT_ADDED = ("epoch", "timezone", "timezone_hour", "timezone_minute")


def _part(argument: str) -> str:
    """:raises UnsupportedSqlError: there is no such part."""
    tokens = lex(argument)
    name = string_value(tokens[0]) if len(tokens) == 1 and tokens[0].kind == "string" else argument.strip('"')
    part = PARTS.get(name.lower())
    if part is None:
        raise UnsupportedSqlError(f'timestamp units "{name}" not recognized')
    return part


def _moment(argument: str) -> str:
    """A date or time; a bare literal, which could be any kind of either, as a timestamp."""
    tokens = lex(argument)
    return f"{argument}::timestamp" if len(tokens) == 1 and tokens[0].kind == "string" else argument


def _stepped(argument: str) -> str:
    part = _part(argument)
    if part in _NOT_ADDED:
        raise UnsupportedSqlError(f'timestamp units "{argument}" not supported')
    return part


def _dateadd(call: Call) -> Rewritten:
    part, amount, moment = call.arguments
    return f"redshift.dateadd_{_stepped(part)}({amount}, {_moment(moment)})", call.end + 1


def _datediff(call: Call) -> Rewritten:
    part, first, last = call.arguments
    return f"redshift.datediff_{_stepped(part)}({_moment(first)}, {_moment(last)})", call.end + 1


def _date_part(call: Call) -> Rewritten:
    part, moment = call.arguments
    return f"redshift.pgdate_part_{_part(part)}({_moment(moment)})", call.end + 1


def _extract(call: Call) -> Rewritten:
    part, separator, moment = call.arguments[0].partition(" ")
    moment = moment.lstrip()
    if not separator or not moment.lower().startswith("from"):
        return None
    return f"redshift.extract_{_part(part)}({_moment(moment[4:].strip())})", call.end + 1


def _date_trunc(call: Call) -> Rewritten:
    part, moment = call.arguments
    tokens = lex(part)
    if len(tokens) == 1 and tokens[0].kind == "string":
        part = f"'{PARTS.get(string_value(tokens[0]).lower(), string_value(tokens[0]))}'"
    return f"date_trunc({part}, {_moment(moment)})", call.end + 1


REWRITES: dict[str, Rewrite] = {
    "date_add": _dateadd,
    "date_diff": _datediff,
    "date_part": _date_part,
    "date_trunc": _date_trunc,
    "dateadd": _dateadd,
    "datediff": _datediff,
    "datepart": _date_part,
    "extract": _extract,
    "pgdate_part": _date_part,
}
