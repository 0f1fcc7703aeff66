"""The functions' package holds what they import, and is the same for the same files."""

from __future__ import annotations

import ast
import io
import sys
import zipfile
from collections.abc import Iterator

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.functions import FILES, package
from elt_redshift.aws.template.rendering import render
from tests.unit.asl.jobs import JOBS

#: What Lambda's runtime has.
RUNTIME = {"boto3", "botocore"}


def _imported(source: str) -> Iterator[str]:
    """The modules that a module imports, but not for type checkers only."""
    tree = ast.parse(source)
    only_checked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in only_checked:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_package_holds_what_its_files_import() -> None:
    """Beside Python's own modules and what Lambda's runtime has."""
    with zipfile.ZipFile(io.BytesIO(package())) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts) == {f"elt_redshift/{name}" for name in FILES}
    for name, text in texts.items():
        for module in _imported(text):
            root, path = module.partition(".")[0], module.replace(".", "/")
            inside = {f"{path}.py", f"{path}/__init__.py", f"{path.rpartition('/')[0]}.py"} & texts.keys()
            parent = f"{path.rpartition('/')[0]}/__init__.py" in texts
            assert root in sys.stdlib_module_names or root in RUNTIME or inside or parent, f"{name} imports {module}"


def test_the_same_files_are_the_same_bytes() -> None:
    """Under the key of its hash it is uploaded once, and functions that have not changed are not updated."""
    assert package() == package()


def test_only_a_job_with_functions_has_them() -> None:
    """Each with a role of its own that may do what its calls need, and what of the machine's role is left."""
    with_functions, without = (render(compile_job(JOBS[name])) for name in ("functions", "one_task"))
    assert (with_functions.code is None, without.code is None) == (False, True)
    added = with_functions.template["Resources"].keys() - without.template["Resources"].keys()
    names = {"SqlFunction", "StateFunction"}
    assert added == {f"{name}{part}" for name in names for part in ("", "Role", "Logs")}
    rights = with_functions.template["Resources"]["StateMachineRights"]["Properties"]["PolicyDocument"]["Statement"]
    actions = {action for statement in rights for action in statement["Action"]}
    assert actions == {"lambda:InvokeFunction", "states:DescribeExecution"}
    assert with_functions.template["Resources"]["SqlFunction"]["Properties"]["Timeout"] == 5 * 60 + 60
