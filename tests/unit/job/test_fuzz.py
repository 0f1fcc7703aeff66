"""Whatever is written or given, it is taken as it is or refused in words, soon: random job files, SQL, values, inputs.

Each case is made from a seed, so that a failure is repeated by its number. `make exhaustive` tries some more of
them, and ELT_REDSHIFT_FUZZ=100 with it 170,000 cases in four minutes.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.language.jsonata import as_it_is, read
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parts import PARAMETER_TYPES
from elt_redshift.job.sql import WHITE, SqlSyntaxError, is_plainly_one, parameters, split, tokenize
from elt_redshift.local.stepfunctions.jsonata import QueryError, evaluate
from elt_redshift.runs.causes import in_plain_words
from tests.cases import exhaustive

SEEDS = int(os.environ.get("ELT_REDSHIFT_FUZZ", "3"))

#: No case takes longer, in seconds of the processor.
LONGEST = 2.0

_SQL = [
    *"'\"$;:-/*()\\ \n\r\t\u00a0aE1_éé#{}%",
    "$$",
    "$a$",
    "--",
    "/*",
    "*/",
    "''",
    "\\'",
    "; ",
    "select ",
    ":a",
    "::",
]
_YAML = [
    *"ab:-[]{}'\"#&*!|>%@`?,\n \t10~<=.\\\u2028",
    "!!bool ",
    "!!timestamp ",
    "&a ",
    "*a",
    "<<: *a",
    "010",
    "true",
    "1e3",
]
_KEYS = [
    "job_id",
    "name",
    "tasks",
    "parameters",
    "upstream",
    "retries",
    "timeout",
    "sql",
    "statement",
    "default",
    "type",
]
_BASE = """\
job_id: "1"
name: j
parameters:
  a: {default: "x", type: text}
tasks:
  t: {statement: "select :a", retries: 2, timeout: 1h}
  u: {sql: a.sql, upstream: [t]}
"""


def _pieces(rng: random.Random, of: list[str], most: int) -> str:
    return "".join(rng.choice(of) for _ in range(rng.randint(0, most)))


def _timed(call: Callable[[], Any]) -> Any:
    began = time.process_time()
    try:
        return call()
    finally:
        assert time.process_time() - began < LONGEST


def reference(sql: str) -> list[str] | None:
    """The statements of a script, found letter by letter as PostgreSQL's lexer reads; None: something stays open."""
    found, start, meaning, place = [], 0, False, 0
    while place < len(sql):
        end = _token_end(sql, place)
        if end is None:
            return None
        token = sql[place:end]
        if token == ";":
            found += [sql[start:place].strip(WHITE)] if meaning else []
            start, meaning = end, False
        elif token[0] not in WHITE and not token.startswith(("--", "/*")):
            meaning = True
        place = end
    return found + ([sql[start:].strip(WHITE)] if meaning else [])


def _token_end(sql: str, place: int) -> int | None:
    if sql.startswith("--", place):
        return next((n for n in range(place, len(sql)) if sql[n] in "\r\n"), len(sql))
    if sql.startswith("/*", place):
        return _comment_end(sql, place)
    if sql[place] in "'\"":
        return _quote_end(sql, place)
    if sql[place] == "$" and (tag := _tag(sql, place)):
        closed = sql.find(tag, place + len(tag))
        return None if closed < 0 else closed + len(tag)
    if _begins_name(sql[place + (sql[place] == "#") :]):
        return next((n for n in range(place + 1, len(sql)) if not (_in_name(sql[n]) or sql[n] == "$")), len(sql))
    return _number_end(sql, place) if sql[place] in ".0123456789" else place + 1


def _number_end(sql: str, place: int) -> int:
    """A lone dot is no number, but as long."""
    end = _digits_end(sql, place)
    if end < len(sql) and sql[end] == ".":
        end = _digits_end(sql, end + 1)
    if end == place + 1 and sql[place] == ".":
        return end
    signed = end + 1 + (sql[end + 1 : end + 2] in ("+", "-"))
    exponent = sql[end : end + 1] in ("e", "E") and _digits_end(sql, signed) > signed
    return _digits_end(sql, signed) if exponent else end


def _digits_end(sql: str, place: int) -> int:
    return next((n for n in range(place, len(sql)) if sql[n] not in "0123456789"), max(place, len(sql)))


def _comment_end(sql: str, place: int) -> int | None:
    depth = 0
    while place < len(sql):
        if sql.startswith(("/*", "*/"), place):
            depth += 1 if sql[place] == "/" else -1
            place += 2
            if depth == 0:
                return place
        else:
            place += 1
    return None


def _quote_end(sql: str, place: int) -> int | None:
    quote, place = sql[place], place + 1
    while place < len(sql):
        if (sql[place] == "\\" and quote == "'") or sql.startswith(quote * 2, place):
            place += 2
        elif sql[place] == quote:
            return place + 1
        else:
            place += 1
    return None


def _begins_name(text: str) -> bool:
    return text[:1] == "_" or text[:1] >= "\x80" or (text[:1].isascii() and text[:1].isalpha())


def _in_name(letter: str) -> bool:
    return _begins_name(letter) or (letter.isascii() and letter.isdigit())


def _tag(sql: str, place: int) -> str | None:
    end = place + 1
    while end < len(sql) and _in_name(sql[end]):
        end += 1
    if (
        end == len(sql)
        or sql[end] != "$"
        or (end > place + 1 and sql[place + 1].isascii() and sql[place + 1].isdigit())
    ):
        return None
    return sql[place : end + 1]


def scripts(seed: int, count: int) -> Iterator[str]:
    """Random SQL, and what is nearly SQL."""
    rng = random.Random(seed)
    return (_pieces(rng, _SQL, 24) for _ in range(count))


@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), quick=[0]))
def test_any_sql_is_cut_as_the_reference_cuts_it(seed: int) -> None:
    """The tokenizer's patterns, the short cut and the slow reference agree, and no letter is lost."""
    for text in scripts(seed, 1000):
        try:
            found: list[str] | None = [one.text for one in _timed(lambda text=text: split(text))]  # type: ignore[misc]
            assert "".join(token.text for token in tokenize(text)) == text
            parameters(text)
        except SqlSyntaxError:
            found = None
        assert found == reference(text), repr(text)
        assert not is_plainly_one(text) or found == [text.strip(WHITE)], repr(text)
        assert read(as_it_is(text)) == text


def _document(rng: random.Random) -> str:
    text = _BASE
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(text) + 1)
        cut = place + rng.choice([0, 0, 1, 5, 30])
        text = text[:place] + _pieces(rng, [*_YAML, *_KEYS], 6) + text[cut:]
    return text


@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), quick=[0]))
def test_any_job_file_is_read_or_refused(seed: int, tmp_path: Path) -> None:
    """Every mistake is one line that can be printed; what is read is the same after a journey through JSON."""
    rng = random.Random(seed)
    (tmp_path / "a.sql").write_text("select 1;\rselect 2")
    for _ in range(400):
        text = _document(rng)
        (tmp_path / "job.yaml").write_bytes(text.encode())
        job = _outcome(lambda: _timed(lambda: EltJob.load(tmp_path)))
        if job is not None:
            assert EltJob.from_dict(json.loads(json.dumps(job.to_dict()))) == job, repr(text)


def _outcome(call: Callable[[], Any]) -> Any:
    """What ``call`` gives; None where it refuses, in lines that can be printed."""
    problems: tuple[object, ...] = ()
    try:
        return call()
    except JobError as error:
        problems = error.problems
    assert problems
    assert all(str(problem).isprintable() for problem in problems)
    return None


@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), quick=[0]))
def test_texts_in_a_job_file_are_those_of_the_job(seed: int, tmp_path: Path) -> None:
    """SQL and defaults that were written in quotes come through every door unchanged."""
    rng = random.Random(seed)
    for _ in range(100):
        sql, default = f"select 1 {_pieces(rng, _SQL, 12)}", _pieces(rng, [*_SQL, *_YAML], 8)
        tasks = f"tasks: {{t: {{statement: {json.dumps(sql)}}}, u: {{statement: 'select :p'}}}}"
        parameter = f"parameters: {{p: {{default: {json.dumps(default)}}}}}"
        (tmp_path / "job.yaml").write_text(f'job_id: "1"\nname: j\n{parameter}\n{tasks}\n', "utf-8")
        try:
            job = EltJob.load(tmp_path)
        except JobError:
            continue
        assert ([job.task("t").statements[0].text], job.values()) == (reference(sql), {"p": default})
        acquire = compile_job(job).definition()["States"]["acquire lock"]["Assign"]["parameters"]
        assert evaluate(acquire[2:-2], {"states": {"context": {"Execution": {"Input": {}}}}}) == {"p": default}


_TEXTS = [
    "",
    "1998",
    "-007",
    "1.5",
    "1e5",
    "true",
    "FALSE",
    "1998-12-31",
    "1900-02-29",
    "1998-12-31T23:59:59Z",
    "null",
    "a\n",
]


def _value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 2 else 6)
    if kind < 2:
        text = list(rng.choice(_TEXTS))
        for _ in range(rng.choice([0, 0, 1, 2])):
            text.insert(rng.randrange(len(text) + 1), rng.choice([*"0159-+.:TZe \n\0é😀"]))
        return "".join(text)
    if kind == 2:
        return rng.choice([1, -1]) * rng.randrange(10 ** rng.randint(1, 19))
    if kind == 3:
        return rng.choice([round(rng.uniform(-1e6, 1e6), rng.randint(0, 6)), rng.random(), 10.0 ** rng.randint(-9, 20)])
    if kind < 6:
        return rng.choice([None, True, False, 0, "2024-02-29"])
    inner = [_value(rng, depth + 1) for _ in range(rng.randint(0, 2))]
    return inner if kind == 6 else {rng.choice(["p", "q", "resume", "é"]): one for one in inner}


def _judges(kind: Any) -> tuple[EltJob, str, str]:
    job = EltJob(job_id="1", name="j", parameters=[Parameter(name="p", type=kind)])
    job.task("t", statement="select :p")
    acquire = compile_job(job).definition()["States"]["acquire lock"]
    owner = acquire["Arguments"]["ExpressionAttributeValues"][":owner"]["S"]
    return job, owner[2:-2], acquire["Assign"]["parameters"][2:-2]


def _by_python(job: EltJob, given: Any) -> Any:
    return _outcome(lambda: job.values(given.get("parameters", {})))


def _by_machine(judge: str, bind: str, given: Any) -> Any:
    states = {"states": {"context": {"Execution": {"Id": "arn", "Input": given}}}}
    said = ""
    try:
        assert evaluate(judge, states) == "arn"
    except QueryError as error:
        said = str(error)
    if not said:
        return evaluate(bind, states)
    told = f"The JSONata expression 'x' specified for the field 'y' threw an error during evaluation. {said}"
    assert in_plain_words("States.QueryEvaluationError", told).startswith("Job j cannot start. "), (given, said)
    return None


@pytest.mark.parametrize("kind", PARAMETER_TYPES)
@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), quick=[0]))
def test_any_value_is_judged_alike_by_python_and_by_the_state_machine(kind: Any, seed: int) -> None:
    """The same texts are bound, the same values refused."""
    rng = random.Random(f"{kind}{seed}")
    job, judge, bind = _judges(kind)
    for _ in range(60):
        given = {"parameters": {"p": _value(rng)}}
        assert _by_machine(judge, bind, given) == _by_python(job, given), given


@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), quick=[0]))
def test_any_input_is_taken_or_refused_in_words(seed: int) -> None:
    """Whatever an execution is started with, it never fails in another way."""
    rng = random.Random(seed)
    job, judge, bind = _judges("text")
    for _ in range(100):
        given = rng.choice([_value(rng), {"parameters": _value(rng)}, {"parameters": {"p": "1", "q": _value(rng)}}])
        by_machine = _by_machine(judge, bind, given)
        assert by_machine is None or by_machine == _by_python(job, given), given
