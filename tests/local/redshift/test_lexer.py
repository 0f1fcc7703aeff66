"""PostgreSQL's own lexer, as psql has it, cuts scripts where ours does."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from elt_redshift.job.sql import BLANK, SqlSyntaxError, split, tokenize
from elt_redshift.local.process import LocalAws
from elt_redshift.local.psql import psql_command
from tests import bounds
from tests.cases import exhaustive
from tests.unit.job.test_fuzz import SEEDS, scripts

#: psql takes these for its own, or today's lexer reads them otherwise than Redshift's: its commands and variables,
#: semicolons in brackets, names that begin with ``#``, and ``1e-``.
_OTHERWISE = re.compile("[()\0]|#[a-zA-Z_é\u00a0]|[0-9.][eE][-+]")


def _tokens(text: str) -> list[str]:
    """What means something; of semicolons one behind the other, one."""
    found = [token.text for token in tokenize(text) if token.kind not in BLANK]
    return [one for place, one in enumerate(found) if one != ";" or (place and found[place - 1] != ";")]


def _cases(seed: int) -> list[tuple[str, list[str]]]:
    found = []
    for text in scripts(seed, 1000):
        try:
            pieces = [one.text for one in split(text)]
        except SqlSyntaxError:
            continue
        odd = any(token.kind == "parameter" or token.text in (":", "\\") for token in tokenize(text))
        if not odd and not _OTHERWISE.search(text):
            found.append((text, [token for piece in pieces for token in (*_tokens(piece), ";")]))
    return found


@pytest.mark.parametrize("seed", exhaustive(range(2000, 2000 + SEEDS), quick=[2000]))
def test_psql_cuts_scripts_where_we_do(seed: int, local_aws: LocalAws, tmp_path: Path) -> None:
    """Every statement that psql sends is one of ours. An aborted transaction around them keeps each from an effect."""
    cases = _cases(seed)
    script = tmp_path / "all.sql"
    parts = [f"{text}\n;\n\\echo @@@\n" for text, _ in cases]
    script.write_bytes("".join(["begin;\nselect 1/0;\n\\echo @@@\n", *parts]).encode())
    command = psql_command(local_aws.postgres_uri, ["-X", "-e", "-q", "-f", str(script)])
    options = {
        "PGOPTIONS": "-c standard_conforming_strings=off -c escape_string_warning=off",
        "PGCLIENTENCODING": "UTF8",
    }
    done = subprocess.run(command, capture_output=True, env=os.environ | options, timeout=bounds.START, check=False)
    sent = done.stdout.decode().split("@@@\n")[1:-1]
    assert len(sent) == len(cases) > 100
    for (text, ours), echoed in zip(cases, sent, strict=True):
        assert _tokens(echoed) == ours, repr(text)
