"""Tasks are named after their files, and jobs after their folders, by the rules for such names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.drafting.naming import job_name, task_names
from elt_redshift.job import keys


def named(*files: str) -> list[str]:
    return list(task_names([PurePosixPath(file) for file in files]).values())


def test_a_task_has_the_name_of_its_file() -> None:
    """Without the number that puts files in order, and with its folders where another one would have that name."""
    assert named("load.sql", "marts/10_sales-2024.sql", "größe.sql") == ["load", "sales_2024", "groe"]
    assert named("a/orders.sql", "b/orders.sql", "orders.sql") == ["a_orders", "b_orders", "orders"]
    assert named("01_load.sql", "02_load.sql") == ["task_01_load", "task_02_load"]


def test_names_are_valid_where_files_are_not() -> None:
    """Names that the state machine has itself, no letters at all, and a difference in case only."""
    assert named("acquire_lock.sql", "a/Ref.sql") == ["acquire_lock_2", "a_Ref"]
    assert named("2024.sql", "日本.sql") == ["task_2024", "task"]
    assert named("Load.sql", "load.sql") == ["Load", "load_2"]
    assert named("a/b.sql", "c/b.sql", "a_b.sql") == ["a_b_2", "c_b", "a_b"]


@given(
    st.lists(st.text(min_size=1).filter(lambda text: PurePosixPath(text).name != "").map(PurePosixPath), unique=True)
)
def test_any_files_get_names_of_their_own(files: list[PurePosixPath]) -> None:
    """Each is right for a task, and none is another one's, whatever the case."""
    names = task_names(files).values()
    assert len({name.lower() for name in names}) == len(files)
    assert all(re.fullmatch(keys.NAME, name) and len(name) <= keys.MAX_TASK_NAME for name in names)


@given(st.text())
def test_any_folder_names_a_job(folder: str) -> None:
    """By the rule for jobs."""
    assert re.fullmatch(keys.JOB_NAME, job_name(folder))
