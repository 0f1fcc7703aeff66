"""The rows of docs/verify-on-aws.md that a program checks: the one place that knows them. Their numbers are bold there.

https://docs.aws.amazon.com/redshift-data/latest/APIReference/
https://docs.aws.amazon.com/step-functions/latest/apireference/
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.verification import data_api, dynamodb, followers, joins, probe, stacks
from elt_redshift.aws.verification.bench import Bench, DiffersError, NotShownError
from elt_redshift.exceptions import EltError

#: ``confirmed``: AWS does it so. ``differs``: it does not. ``not shown``: it was not seen, for a reason that is told.
Outcome = Literal["confirmed", "differs", "not shown"]

_EXECUTE = ("redshift-data:ExecuteStatement", "redshift-data:DescribeStatement")
_BATCH = ("redshift-data:BatchExecuteStatement", "redshift-data:DescribeStatement")
_LIST = ("redshift-data:ListStatements",)
_RUN = ("states:StartExecution", "states:DescribeExecution", "states:GetExecutionHistory")
_MAP_RUN = (*_RUN, "dynamodb:Query")
_MAP_REDRIVE = (*_MAP_RUN, "states:RedriveExecution", "dynamodb:GetItem")
_PROBE = ("states:CreateStateMachine", "states:DescribeStateMachine", *_RUN, "states:DeleteStateMachine")
_STACK = ("s3:PutObject", "cloudformation:DescribeStacks", "cloudformation:CreateChangeSet")
_WRITE = ("dynamodb:UpdateItem",)


@dataclass(frozen=True)
class Row:
    """A row that a program checks.

    :param number: as in docs/verify-on-aws.md.
    :param calls: what it calls of AWS, beside what makes and removes the scratch stack; as IAM names it.
    :param check: tells what it has seen.
    :param stack: it needs the scratch stack.
    """

    number: int
    calls: tuple[str, ...]
    check: Callable[[Bench], str]
    stack: bool = False

    @property
    def claim(self) -> str:
        """What is to be so."""
        return (self.check.__doc__ or "").strip()


ROWS = (
    Row(1, ("states:ValidateStateMachineDefinition",), stacks.long_polling),
    Row(2, ("states:ValidateStateMachineDefinition", *_RUN), stacks.answered_with_status, stack=True),
    Row(3, _RUN, stacks.failed_gate, stack=True),
    Row(4, (*_RUN, "states:RedriveExecution", "dynamodb:GetItem"), stacks.gate_after_redrive, stack=True),
    Row(6, _EXECUTE, data_api.same_token),
    Row(7, ("states:DescribeStateMachine",), stacks.definition, stack=True),
    Row(9, _PROBE, probe.of_another_session, stack=True),
    Row(10, (*_EXECUTE, *_LIST), data_api.listed),
    Row(11, _PROBE, probe.names_of_errors, stack=True),
    Row(14, _BATCH, data_api.committed_behind_a_failure),
    Row(15, _BATCH, data_api.failed_batch),
    Row(16, _STACK, stacks.rules, stack=True),
    Row(17, _PROBE, probe.names_of_tokens_errors, stack=True),
    Row(20, _PROBE, probe.digests, stack=True),
    Row(23, _RUN, stacks.name_with_token, stack=True),
    Row(24, _RUN, stacks.matching_event, stack=True),
    Row(28, _PROBE, probe.ended_statements, stack=True),
    Row(29, _PROBE, probe.late_token, stack=True),
    Row(30, _RUN, stacks.answering_role, stack=True),
    Row(36, _MAP_RUN, stacks.children, stack=True),
    Row(37, _MAP_RUN, stacks.children, stack=True),
    Row(38, _MAP_REDRIVE, stacks.children_after_redrive, stack=True),
    Row(39, _MAP_RUN, stacks.children, stack=True),
    Row(40, _MAP_REDRIVE, stacks.children_after_redrive, stack=True),
    Row(43, _MAP_REDRIVE, stacks.children_after_redrive, stack=True),
    Row(44, _PROBE, probe.raising_output, stack=True),
    Row(45, _PROBE, probe.unknown_statement, stack=True),
    Row(46, _WRITE, dynamodb.size_of_nothing, stack=True),
    Row(49, (*_BATCH, *_LIST), data_api.listed_batch),
    Row(50, _PROBE, probe.raising_arguments, stack=True),
    Row(52, _EXECUTE, data_api.names_of_parameters),
    Row(54, (*_BATCH, "redshift-data:GetStatementResult"), data_api.result_of_a_part),
    Row(55, _BATCH, data_api.counted_rows),
    Row(56, _PROBE, probe.end_of_execution, stack=True),
    Row(58, _WRITE, dynamodb.condition_before_operand, stack=True),
    Row(67, _PROBE, probe.beginning_of_statement, stack=True),
    Row(73, ("dynamodb:Query", *_RUN), stacks.in_history, stack=True),
    Row(85, _BATCH, data_api.failed_first),
    Row(88, _WRITE, dynamodb.deleting_from_sets, stack=True),
    Row(104, _PROBE, joins.errors_of_functions, stack=True),
    Row(106, _PROBE, probe.retried_arguments, stack=True),
    Row(107, _PROBE, joins.taught_parameters, stack=True),
    Row(108, _RUN, followers.answers, stack=True),
    Row(109, _PROBE, followers.heartbeats, stack=True),
    Row(110, (*_RUN, "states:RedriveExecution", "dynamodb:GetItem"), followers.after_redrive, stack=True),
    Row(115, (*_BATCH, "redshift-data:GetStatementResult"), data_api.read_behind_a_write),
    Row(116, (*_BATCH, "redshift-data:ExecuteStatement"), data_api.one_writer),
    Row(123, _RUN, joins.waits, stack=True),
    Row(124, _RUN, joins.functions, stack=True),
    Row(127, _PROBE, probe.names_with_tokens, stack=True),
    Row(128, _PROBE, probe.transactions, stack=True),
)

#: Rows that no program can check, and what they take. (The others have none yet.)
BY_HAND: Mapping[int, str] = MappingProxyType(
    {
        21: "a look at the console",
        31: "an MWAA environment",
        32: "an MWAA environment",
        41: "10,000 children",
        42: "the bill",
        57: "another account",
        66: "a day",
        79: "an alarm that rings",
        80: "a look at the metrics",
        92: "hours without a success",
    }
)


@dataclass(frozen=True)
class Result:
    """What became of a row.

    :param seen: what AWS did, or why that was not seen.
    """

    row: Row
    outcome: Outcome
    seen: str


def chosen(numbers: Collection[int] = ()) -> tuple[Row, ...]:
    """The rows with these numbers; default: all.

    :raises EltError: a number is none of theirs.
    """
    known = [row.number for row in ROWS]
    if unknown := [number for number in numbers if number not in known]:
        raise EltError(
            f"--row: no program checks {', '.join(map(str, unknown))}. Those of docs/verify-on-aws.md with a bold "
            f"number are checked: {', '.join(map(str, known))}."
        )
    return tuple(row for row in ROWS if not numbers or row.number in numbers)


def results(bench: Bench, rows: Collection[Row]) -> Iterator[Result]:
    """Check one row after the other."""
    for row in rows:
        yield Result(row, *_checked(bench, row))


def _checked(bench: Bench, row: Row) -> tuple[Outcome, str]:
    try:
        with aws_errors(f"row {row.number}"):
            return "confirmed", row.check(bench)
    except DiffersError as error:
        return "differs", error.seen
    except NotShownError as error:
        return "not shown", str(error)
    except AwsError as error:
        denied = "AccessDenied" in error.code or not error.answered
        return ("not shown" if denied else "differs"), str(error)
    except EltError as error:
        return "not shown", str(error)
