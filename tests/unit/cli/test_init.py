"""`elt-redshift init`: a job from a folder of SQL files, or from a few questions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from elt_redshift import drafting
from elt_redshift.cli import init as command
from elt_redshift.cli.airflow import FAILING
from elt_redshift.cli.main import main
from elt_redshift.job.model import EltJob
from tests import bounds
from tests.unit.graph.test_layout import closure

Init = Callable[..., tuple[int, str, str]]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Init:
    """Writes files into the folder ``sales`` and runs the command on it; gives exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(files: Mapping[str, str], *options: str) -> tuple[int, str, str]:
        for name, text in files.items():
            (file := Path("sales", name)).parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        status = main(["init", "sales", *options])
        return status, *capsys.readouterr()

    return run


STAR = {
    "create.sql": "create table if not exists fact (a int);",
    "stage/10_orders.sql": "create table stg as select * from raw.orders where y = :year::int and ':no' <> '--:no';",
    "marts/fact.sql": "delete from fact where y = :year;\ninsert into fact select * from stg;",
    "report.sql": "select count(*) from fact where d = :day -- :no",
}


def test_a_folder_becomes_a_job(init: Init) -> None:
    """A task for each file, edges by tables, parameters by placeholders; and what was found is told."""
    status, out, err = init(STAR)
    job = EltJob.load("sales")
    assert (status, err) == (0, "")
    assert (job.name, job.job_id) == ("sales", "sales")
    assert {task.name: task.source for task in job.tasks} == {
        "create": "create.sql",
        "orders": "stage/10_orders.sql",
        "fact": "marts/fact.sql",
        "report": "report.sql",
    }
    assert {task.name: task.upstream for task in job.tasks if task.upstream} == {
        "fact": ("create", "orders"),
        "report": ("create", "fact"),
    }
    assert {parameter.name: parameter.default for parameter in job.parameters} == {"year": None, "day": None}
    assert [task.group_name for task in job.tasks] == [None, "stage", "marts", None]
    assert "fact: marts/fact.sql waits for create (public.fact), orders (public.stg)\n" in out
    assert "Job sales: 4 tasks, 4 edges, 2 parameters: year, day.\n" in out
    assert "1 source, which no file here writes: raw.orders.\n" in out
    assert out.endswith("Wrote sales/job.yaml. Next: elt-redshift check sales\n")


def test_the_edges_of_a_job_come_back_from_its_sql(init: Init) -> None:
    """Of the one that is shown beside the demo's, whose job.yaml somebody wrote."""
    written = EltJob.load(FAILING)
    init({file.name: file.read_text() for file in FAILING.glob("*.sql")})
    found = EltJob.load("sales")
    assert closure({task.name: task.upstream for task in found.tasks}) == closure(
        {task.name: task.upstream for task in written.tasks}
    )


def test_the_file_passes_the_check(init: Init, capsys: pytest.CaptureFixture[str]) -> None:
    """As the next command."""
    init(STAR)
    assert main(["check", "sales"]) == 0
    assert capsys.readouterr().out == "Job sales (sales) is valid: 4 tasks.\n"


def test_what_is_open_is_told_and_written_beside_the_tasks(init: Init) -> None:
    """On stderr, and as comments where the edges would be."""
    files = {
        "a.sql": "insert into x select 1 from y",
        "b.sql": "insert into y select 1 from x",
        "c.sql": "insert into z values (1)",
        "d.sql": "insert into z values (2)",
        "e.sql": "execute plan",
        "empty.sql": "-- nothing yet",
    }
    status, _, err = init(files)
    assert status == 0
    assert err.splitlines() == [
        "Warning: No task was made of files that hold no statement: empty.sql.",
        "Warning: a and b wait in a circle, whose edges are left out: a for b (public.y) and b for a (public.x).",
        "Warning: c and d write public.z: their SQL does not say which comes first.",
        "Warning: The SQL at e.sql:1 was not understood: add to upstream what e waits for.",
    ]
    text = Path("sales/job.yaml").read_text()
    assert "  # Left out of upstream, as edges of a circle: b (public.y).\n  a: {sql: a.sql}\n" in text
    assert text.count("  # c and d write public.z: their SQL does not say which comes first.\n") == 2
    assert "was not understood: add to upstream what e waits for.\n  e: {sql: e.sql}\n" in text


def test_a_job_that_is_there_is_left_alone(init: Init) -> None:
    """In one line; a link that leads nowhere is a file, too."""
    told = "error: sales/job.yaml is there already, and is left as it is.\n"
    assert init({"job.yaml": "mine", "a.sql": "select 1"}) == (1, "", told)
    assert Path("sales/job.yaml").read_text() == "mine"
    Path("sales/job.yaml").unlink()
    Path("sales/job.yaml").symlink_to("nowhere")
    assert init({}) == (1, "", told)


def test_two_at_once_do_not_overwrite_each_other(init: Init, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that appears while the SQL is read stays."""
    monkeypatch.setattr(command.os.path, "lexists", lambda _: False)
    status, _, err = init({"job.yaml": "theirs", "a.sql": "select 1"})
    assert (status, err) == (1, "error: sales/job.yaml is there already, and is left as it is.\n")
    assert sorted(path.name for path in Path("sales").iterdir()) == ["a.sql", "job.yaml"]
    assert Path("sales/job.yaml").read_text() == "theirs"


def test_what_no_job_can_hold_is_told_at_once_and_nothing_written(init: Init) -> None:
    """Each mistake with its place."""
    files = {"a.sql": "select '", "b.sql": "select {{ x }}", "c.sql": "select 1;\n" * 41}
    status, out, err = init(files)
    assert (status, out, err.count("\n")) == (1, "", 3)
    assert err.startswith("sales/a.sql:1: The script ends too early: the quote ' is never closed.")
    assert not Path("sales/job.yaml").exists()


def test_what_no_transaction_holds_is_told(init: Init) -> None:
    """Such a script commits each statement, as its task says."""
    status, _, err = init({"a.sql": "begin;\ninsert into t values (1);\ncommit;", "b.sql": "vacuum t"})
    job = EltJob.load("sales")
    assert (status, [task.transaction for task in job.tasks]) == (0, [False, True])
    assert err.startswith("Warning: a got transaction: false,")
    why = "BEGIN stands in task 'a', whose statements are one transaction already."
    assert f"    transaction: false  # {why}\n" in Path("sales/job.yaml").read_text()


def test_other_jobs_and_hidden_folders_are_left_out(init: Init) -> None:
    """A folder with a job.yaml is a job of its own."""
    files = {"a.SQL": "select 1", "other/job.yaml": "", "other/b.sql": "select 1", ".git/c.sql": "select 1"}
    assert init(files)[0] == 0
    assert EltJob.load("sales").task_names == ("a",)


def test_names_may_be_given(init: Init) -> None:
    """What cannot be one is refused as in a job.yaml."""
    status, _, err = init({"a.sql": "select 1"}, "--name", "No", "--job-id", "x y")
    assert (status, err.count("\n")) == (1, 2)
    assert "sales: name: The name 'No' cannot name a state machine" in err
    assert init({}, "--name", "daily", "--job-id", "101")[0] == 0
    assert (EltJob.load("sales").name, EltJob.load("sales").job_id) == ("daily", "101")


def test_words_that_yaml_would_change_are_quoted(init: Init) -> None:
    """Tasks and files of any name come back as they are."""
    files = {
        "null.sql": "insert into t values (1)",
        "true.sql": "select 1 from t",
        "a: [b] #'\" {c}.sql": "select 1 from t",
    }
    assert init(files)[0] == 0
    job = EltJob.load("sales")
    assert {task.source: task.upstream for task in job.tasks} == {
        "null.sql": (),
        "true.sql": ("null",),
        "a: [b] #'\" {c}.sql": ("null",),
    }


def test_without_the_extra_the_remedy_is_told(init: Init, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    for name in ("queries", "scripts"):
        monkeypatch.delitem(sys.modules, f"elt_redshift.drafting.{name}", raising=False)
        monkeypatch.delattr(drafting, name, raising=False)
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    status, out, err = init({"a.sql": "select 1"})
    assert (status, out) == (1, "")
    assert err == (
        "error: Reading SQL needs the module sqlglot. "
        "Install the extra: pip install 'airflow-provider-elt-redshift[init]'.\n"
    )


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Lets somebody type these lines on a terminal; gives the questions that they were asked."""

    def at_a_terminal(*lines: str) -> list[str]:
        left, asked = list(lines), list[str]()

        def answer(question: str) -> str:
            asked.append(question)
            if not left:
                raise EOFError
            return left.pop(0)

        monkeypatch.setattr("builtins.input", answer)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        return asked

    return at_a_terminal


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


def test_a_first_job_is_asked_for(init: Init, typed: Callable[..., list[str]]) -> None:
    """Enter takes the default; what cannot be is asked for again."""
    asked = typed("", "x y", "101", "select '", "select :year")
    status, out, err = init({})
    job = EltJob.load("sales")
    assert (status, err) == (0, "")
    assert (job.name, job.job_id, job.task_names) == ("sales", "101", ("first",))
    assert [parameter.name for parameter in job.parameters] == ["year"]
    assert Path("sales/first.sql").read_text() == "select :year\n"
    assert asked == [
        "Name of the job [sales]: ",
        "Key of its item in the audit table [sales]: ",
        "Key of its item in the audit table [sales]: ",
        "First statement [select current_database(), sysdate]: ",
        "First statement [select current_database(), sysdate]: ",
    ]
    assert "This is not SQL: the quote ' is never closed." in out
    assert "Next: elt-redshift check sales\nThen: elt-redshift deploy sales --stack sales " in out


def test_options_answer_questions(init: Init, typed: Callable[..., list[str]]) -> None:
    """Only the rest is asked."""
    asked = typed("7")
    assert init({}, "--name", "daily", "--statement", "select 1")[0] == 0
    assert asked == ["Key of its item in the audit table [daily]: "]


def test_whoever_stops_answering_leaves_nothing(init: Init, typed: Callable[..., list[str]]) -> None:
    """Ctrl-D."""
    typed("daily")
    status, _, err = init({})
    assert (status, err, Path("sales").exists()) == (1, "error: Nothing was written.\n", False)


@pytest.mark.usefixtures("nobody")
def test_without_a_terminal_options_do(init: Init) -> None:
    """One is enough; without any, they are told."""
    status, out, err = init({})
    assert (status, out, err.count("\n"), Path("sales").exists()) == (1, "", 1, False)
    assert "--name, --job-id or --statement" in err
    assert init({}, "--name", "No") == (
        1,
        "",
        "error: --name: A name has 1 to 64 lower-case letters, digits and '_', a letter first.\n",
    )
    assert init({}, "--job-id", "101")[0] == 0
    assert (EltJob.load("sales").name, EltJob.load("sales").job_id) == ("sales", "101")


@pytest.mark.usefixtures("nobody")
def test_a_first_statement_that_no_job_holds_leaves_no_file(init: Init) -> None:
    """What `check` would refuse is told."""
    status, _, err = init({}, "--statement", "select {{ x }}")
    assert (status, list(Path("sales").iterdir())) == (1, [])
    assert "is a template; SQL is sent as it is written." in err


def test_a_first_statement_is_for_folders_without_any(init: Init) -> None:
    """It is not left out silently; and a folder is no file."""
    told = "error: sales has .sql files, of which the job is made. Leave --statement out.\n"
    assert init({"a.sql": "select 1"}, "--statement", "select 1") == (1, "", told)
    assert main(["init", "sales/a.sql"]) == 1


@pytest.mark.usefixtures("nobody")
def test_a_first_job_needs_no_parser(init: Init, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there without the extra."""
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    assert init({}, "--name", "daily")[0] == 0


@pytest.mark.parametrize("words", [["check", "yearly_sales"], ["--help"]])
def test_other_commands_load_no_parser(words: list[str]) -> None:
    """Only `init` needs it."""
    program = (
        "import sys\nfrom elt_redshift.cli.main import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "sys.exit('sqlglot' in sys.modules)"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=bounds.START, check=False)
    assert done.returncode == 0, done.stderr
