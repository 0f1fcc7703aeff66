"""The command ``verify``: what only AWS can show, looked at in the account."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Column, Table

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import utc_now
from elt_redshift.aws.errors import aws_errors
from elt_redshift.aws.template import names, warehouse
from elt_redshift.aws.verification import rows
from elt_redshift.aws.verification.bench import PREFIX, Bench
from elt_redshift.aws.verification.recording import Recording
from elt_redshift.aws.verification.rows import Result, Row
from elt_redshift.cli.listing import add_forms, show
from elt_redshift.cli.options import Commands, add_aws, command, load
from elt_redshift.exceptions import EltError

_PARAMETERS = {
    "cluster": warehouse.CLUSTER,
    "workgroup": warehouse.WORKGROUP,
    "database": warehouse.DATABASE,
    "user": warehouse.USER,
    "secret": warehouse.SECRET,
}
_STYLE = {"confirmed": "green", "differs": "red", "not shown": "yellow"}
COLUMNS = ("row", "outcome", "claim", "seen", "calls")


def add_parser(commands: Commands) -> None:
    made = command(commands, "verify", verify)
    made.add_argument("--aws", action="store_true", required=True, help="yes, in the account that boto3 finds")
    made.add_argument("--row", type=int, action="append", default=[], metavar="NUMBER", help="only this row")
    for option in _PARAMETERS:
        made.add_argument(f"--{option}", metavar="VALUE", help="where SQL runs; default: where the job's stack has it")
    made.add_argument("--record", metavar="FILE", help="keep the calls and AWS's answers, to test the embedded AWS by")
    made.add_argument("--yes", action="store_true", help="do not ask before anything is made")
    add_forms(made)
    add_aws(made)


def verify(given: argparse.Namespace) -> int:
    chosen, account = rows.chosen(given.row), Account.here(given.region)
    recording = Recording({call for row in chosen for call in row.calls})
    if given.record:
        account = recording.through(account)
    bench = Bench(account, _parameters(given, account), lambda line: print(line, file=sys.stderr))
    if not given.yes and not _agreed(bench, chosen):
        raise EltError("Nothing was made. To go on without being asked, give --yes.")
    found: list[Result] = []
    try:
        for result in rows.results(bench, chosen):
            found.append(result)
            print(f"Row {result.row.number}: {result.outcome}.", file=sys.stderr)
    finally:
        if left := bench.remove():
            print(f"error: {left}", file=sys.stderr)
    told = [*map(_row, found)]
    if given.record:
        Path(given.record).write_text(recording.dump(account.number, utc_now(), told), encoding="utf-8")
    show(given, COLUMNS, told, lambda: _table(found))
    return int(bool(left) or any(one.outcome == "differs" for one in found))


def _parameters(given: argparse.Namespace, account: Account) -> dict[str, str]:
    """Where SQL runs: as it is told, or as the job's stack has it."""
    default = {warehouse.DATABASE: "dev"}
    told = {parameter: value for option, parameter in _PARAMETERS.items() if (value := getattr(given, option))}
    job = load(given)
    if told:
        if (warehouse.CLUSTER in told) == (warehouse.WORKGROUP in told):
            raise EltError("Where the SQL runs is a cluster or a workgroup: give --cluster or --workgroup.")
        return {**default, **told}
    stack = account.stacks.find(job.name, given.stack).stack
    with aws_errors(f"stack {stack}"):
        described: Any = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    has = {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", ())}
    if has.get(names.OTHER_ROLE):
        raise EltError(
            f"The warehouse of stack {stack} is in another account, where this does not reach. Name one of this "
            "account: --cluster or --workgroup."
        )
    return {**default, **{name: has[name] for name in _PARAMETERS.values() if has.get(name)}}


def _agreed(bench: Bench, chosen: tuple[Row, ...]) -> bool:
    """Tell what is about to be made, and ask."""
    where = ", ".join(f"{name} {value}" for name, value in bench.where.items())
    told = [f"{len(chosen)} rows are checked, by SQL that touches nobody's tables: {where}."]
    if any(row.stack for row in chosen):
        told.append(f"Up to four buckets and stacks {PREFIX}-… are made, their jobs run, and all goes at the end.")
    print(*told, sep="\n", file=sys.stderr)
    return sys.stdin.isatty() and input("Type yes to go on: ").strip() == "yes"


def _row(one: Result) -> dict[str, Any]:
    return {
        "row": one.row.number,
        "outcome": one.outcome,
        "claim": one.row.claim,
        "seen": one.seen,
        "calls": list(one.row.calls),
    }


def _table(found: list[Result]) -> RenderableType:
    counts = Counter(one.outcome for one in found)
    by_hand = ", ".join(f"{number} ({takes})" for number, takes in rows.BY_HAND.items())
    table = Table(Column("row", justify="right"), "outcome", "what is to be so", Column("seen", overflow="fold"))
    table.caption = (
        f"{', '.join(f'{count} {outcome}' for outcome, count in counts.items())}. Only people can check {by_hand}. "
        "The other rows of docs/verify-on-aws.md have no program yet."
    )
    for one in found:
        outcome = f"[{_STYLE[one.outcome]}]{one.outcome}[/]"
        table.add_row(str(one.row.number), outcome, escape(one.row.claim), escape(one.seen))
    return table
