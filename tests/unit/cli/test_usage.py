"""A command that is typed wrong is answered in one line: what is wrong, what may be meant, and where to read on."""

from __future__ import annotations

import pytest

from elt_redshift.cli.main import main


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "elt-redshift: the following arguments are required: COMMAND"),
        ("chek sales", "elt-redshift: argument COMMAND: there is no 'chek'. Did you mean 'check'?"),
        ("deploy sales", "elt-redshift deploy: the following arguments are required: --stack"),
        ("deploy sales --stack s --clster c", "there is no option --clster. Did you mean '--cluster'?"),
        ("deploy sales --stack s --log-levels=ALL", "there is no option --log-levels. Did you mean '--log-level'?"),
        ("status sales other", "elt-redshift status: nobody knows what 'other' is for."),
        ("run sales -p year", "argument -p/--parameter: 'year' is not name=value."),
        ("history sales --outcome fail", "argument --outcome: there is no 'fail'. Did you mean 'failed'?"),
        ("local dwn", "elt-redshift local: argument COMMAND: there is no 'dwn'. Did you mean 'down'?"),
    ],
)
def test_what_is_typed_wrong_is_told_in_one_line(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is run; the exit status is that of wrong usage."""
    with pytest.raises(SystemExit) as exited:
        main(typed.split())
    out, err = capsys.readouterr()
    assert (exited.value.code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert "--help` lists what it takes." in err
    assert "?." not in err
