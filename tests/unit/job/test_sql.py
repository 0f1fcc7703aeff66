"""Cutting SQL into tokens and statements, and finding its parameters."""

from __future__ import annotations

import contextlib
import pickle
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.exceptions import EltError
from elt_redshift.job.sql import (
    BLANK,
    WHITE,
    SqlSyntaxError,
    Token,
    is_plainly_one,
    lines_to,
    parameters,
    split,
    tokenize,
)


def _texts(sql: str) -> list[str]:
    return [statement.text for statement in split(sql)]


@pytest.mark.parametrize(
    "statement",
    [
        "select 1",
        "select 'a;b'",
        "select 'it''s; fine'",
        r"select 'it\'s; fine'",
        r"select E'it\'s; fine', e'\\'",
        r"select * from t where name like '%start\\_%;'",
        'select ";", "a"";b" from t',
        "select 1 -- one; two\n, 2",
        "select /* a; /* nested; */ b; */ 1",
        "select $$;$$, $tag$ ; $$ ; $tag$, $t1$;$t1$",
        "select price$1, a$$b from t",
        "create table #t (a int)",
        "create or replace procedure p(a int) as $$\nbegin\n  delete from t; insert into t\n select a;\nend;\n$$",
        "create function f() returns int stable as $_$ select 1; $_$ language sql",
        "create procedure p() as 'begin null; end;' language plpgsql",
        "create procedure p() as begin select 1; end",
        "create or replace procedure s.loop() as begin null; end",
        "create procedure p() as declare a int; b int; begin a := 1; begin b := 2; end; end",
        "create procedure p() as begin if 1 then null; else if 2 then null; end if; end if; end language plpgsql",
        "create procedure p() as begin drop table if exists t; create table if not exists t (a int); end",
        "create procedure p() as begin for r in select 1 loop x := case when 1 then 2 else 3 end; end loop; end",
        "create procedure p() as begin while a loop case a when 1 then null; else null; end case; end loop; end",
        "create procedure p() as begin null; exception when others then raise; end",
    ],
)
def test_a_semicolon_inside_a_statement_does_not_end_it(statement: str) -> None:
    """Quotes, comments, bodies and blocks keep their semicolons."""
    assert _texts(f"select 0;\n{statement}\n;select 2") == ["select 0", statement, "select 2"]


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (" ;; ; ", []),
        ("-- nothing\n/* here */;", []),
        ("begin; select 1; end; commit", ["begin", "select 1", "end", "commit"]),
        ("select case when a then b end; select 1", ["select case when a then b end", "select 1"]),
        ("create table begin_t as select 1; select 2", ["create table begin_t as select 1", "select 2"]),
        ("-- first\nselect 1;\n-- last", ["-- first\nselect 1"]),
        ("select 1;-- one\nselect 2", ["select 1", "-- one\nselect 2"]),
    ],
)
def test_a_script_is_cut_at_the_semicolons_that_end_statements(sql: str, statements: list[str]) -> None:
    """BEGIN and END are statements outside a procedure; pieces without meaning are dropped."""
    assert _texts(sql) == statements


def test_several_procedures_in_one_script_are_told_apart() -> None:
    """Each CREATE PROCEDURE is one statement, however its body is written."""
    procedures = [
        "create procedure a() as $$ begin null; end; $$ language plpgsql",
        "create procedure b() as begin null; end",
        "create procedure c() as $x$ begin execute $$select 1;$$; end; $x$ language plpgsql",
    ]
    assert _texts(";\n".join(procedures)) == procedures


def test_a_statement_knows_the_line_on_which_it_starts() -> None:
    """The line is that of its first word, not of the comments before it."""
    lines = [statement.line for statement in split("\n-- one\nselect 1;\n\n/* two\n */ select\n 2;select 3")]
    assert lines == [3, 6, 7]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select :a, :b, :a", ["a", "b"]),
        ("select a::int, :b::int, ':c', \":d\", -- :e\n /* :f */ $$:g$$", ["b"]),
        ("x := :y", ["y"]),
        ("select a[1:2], a[b:c], a[:d]", ["d"]),
        ("call p(:year_1,:Year)", ["year_1", "Year"]),
        ("select 'a':b", ["b"]),
        ("select :1, : a", []),
    ],
)
def test_parameters_are_found_by_tokens(sql: str, names: list[str]) -> None:
    """Each :name once, in order; never in strings, comments, bodies, casts and slices."""
    assert parameters(sql) == names


@pytest.mark.parametrize(
    ("sql", "line", "opened"),
    [
        ("select 1;\nselect 'a", 2, "quote '"),
        ("select 'a\\'", 1, "quote '"),
        ('select "a', 1, 'quote "'),
        ("\n\n/* /* */", 3, "comment /*"),
        ("select $$ $a$", 1, "body $$"),
        ("select\n$a1$ $$", 2, "body $a1$"),
        ("create procedure p() as\nbegin null;", 1, "BEGIN block"),
        ("create procedure p() as declare a int;", 1, "BEGIN block"),
    ],
)
def test_what_is_never_closed_is_told_with_its_line(sql: str, line: int, opened: str) -> None:
    """The error says what was opened, and where; it survives pickling."""
    with pytest.raises(SqlSyntaxError) as raised:
        split(sql)
    assert raised.value.line == line
    assert opened in raised.value.message
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    assert isinstance(raised.value, EltError)


_INSIDE = st.text(st.sampled_from("ab;:'\"$-/*\n é"), max_size=12)


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


def _commented(text: str) -> str:
    return "/*" + text.replace("*", "* ").replace("/", "/ ") + "*/"


_FRAGMENTS = st.one_of(
    st.sampled_from(
        ["select", "from", "t", "begin", "end", "case", "(", ")", ",", "1.5e3", "a.b", "x::int", "#t", ":year", ":="]
    ),
    _INSIDE.map(lambda text: _quoted(text, "'")),
    _INSIDE.map(lambda text: _quoted(text, '"')),
    _INSIDE.map(lambda text: _quoted(text.replace("'", "\\'"), "'").replace("\\''", "\\'")),
    _INSIDE.map(lambda text: "--" + text.replace("\n", " ") + "\n"),
    _INSIDE.map(_commented),
    st.tuples(_INSIDE, _INSIDE).map(lambda pair: f"/* {_commented(pair[0])} {_commented(pair[1])} */"),
    _INSIDE.map(lambda text: f"$body${text.replace('$', '')}$body$"),
    _INSIDE.map(lambda text: f"$$ {text.replace('$', '')} $$"),
)
_PLAIN = st.lists(_FRAGMENTS, max_size=8).map(lambda parts: " ".join(["select", *parts, "1"]))
_PROCEDURES = st.lists(_PLAIN, min_size=1, max_size=3).map(
    lambda body: (
        "create procedure p() as $body$ begin "
        + "; ".join(body).replace("$body$", "$b$")
        + "; end; $body$ language plpgsql"
    )
)
_UNQUOTED = st.lists(
    st.sampled_from(["select ';'", "drop table if exists t", "begin null; end", "if a then b; end if"]), max_size=4
).map(lambda body: "create or replace procedure p() as begin " + "".join(f"{one}; " for one in body) + "end")
_STATEMENTS = st.lists(st.one_of(_PLAIN, _PROCEDURES, _UNQUOTED), max_size=6)


@given(st.text())
def test_tokens_joined_give_any_text_back(text: str) -> None:
    """Nothing of a text is lost or changed, whatever it is; each token knows its offset."""
    position = 0
    with contextlib.suppress(SqlSyntaxError):
        for token in tokenize(text):
            assert token.start == position
            assert text.startswith(token.text, position)
            position += len(token.text)
            assert token.text
        assert position == len(text)


@given(st.text(st.sampled_from("a1_$'\"-/*;:\\\n []E=.")))
def test_tokens_joined_give_any_punctuation_back(text: str) -> None:
    """The same for texts that are mostly quotes, comments and dollars."""
    with contextlib.suppress(SqlSyntaxError):
        assert "".join(token.text for token in tokenize(text)) == text


def _by_tokens(sql: str) -> tuple[list[tuple[str, int]], list[str]]:
    """Statements with their lines, and parameters, found token by token; of a text without routines."""
    pieces: list[list[Token]] = [[]]
    for token in tokenize(sql):
        if token.text == ";":
            pieces.append([])
        else:
            pieces[-1].append(token)
    statements = []
    for piece in pieces:
        if meaningful := [token for token in piece if token.kind not in BLANK]:
            text = "".join(token.text for token in piece).strip(WHITE)
            statements.append((text, lines_to(sql, 0, meaningful[0].start) + 1))
    names = [token.text[1:] for piece in pieces for token in piece if token.kind == "parameter"]
    return statements, list(dict.fromkeys(names))


def _outcome(work: Callable[[str], object], sql: str) -> object:
    try:
        return work(sql)
    except SqlSyntaxError as error:
        return str(error)


@given(
    st.lists(
        st.sampled_from([*"a1_$'\"-/*;:\\\n\r []E=.#éß٣", "::", ":b", "--", "/*", "*/", "$$", "$a$", "1e5", "e'"])
    ).map("".join)
)
def test_what_passes_over_plain_text_finds_what_tokens_tell(sql: str) -> None:
    """Statements, their lines, parameters, and what is left open are those that the tokens tell."""
    found = _outcome(lambda text: ([(one.text, one.line) for one in split(text)], parameters(text)), sql)
    assert found == _outcome(_by_tokens, sql)
    if not isinstance(found, str):
        assert [one.parameters for one in split(sql)] == [tuple(parameters(one.text)) for one in split(sql)]


@given(_STATEMENTS)
def test_statements_joined_are_cut_apart_again(statements: list[str]) -> None:
    """Splitting a script gives the statements that it was made of."""
    assert _texts(";\n".join(statements)) == [statement.strip() for statement in statements]


@given(_STATEMENTS)
def test_splitting_twice_changes_nothing(statements: list[str]) -> None:
    """Every statement of a script is one statement by itself, with the same parameters."""
    for text in _texts(";".join(statements)):
        assert _texts(text) == [text]


@given(_STATEMENTS)
def test_lines_point_at_the_first_word(statements: list[str]) -> None:
    """The line of a statement holds its first word."""
    script = ";\n".join(statements)
    for statement in split(script):
        assert statement.text.split()[0] in script.split("\n")[statement.line - 1]


@given(st.text(alphabet="ab1 \n'\";$-/*\\eE", max_size=30))
def test_what_is_plainly_one_statement_is_one(sql: str) -> None:
    """The quick answer is never wrong: no unclosed quote, comment or body, and one statement."""
    if is_plainly_one(sql):
        assert len(split(sql)) == 1


@pytest.mark.parametrize("sql", ["select 1", "select 'a;b' -- it's\nfrom \"t;\"", r"select 'it\'s'"])
def test_most_statements_are_plainly_one(sql: str) -> None:
    """Quotes and comments do not make a statement difficult."""
    assert is_plainly_one(sql)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_ends_a_comment(end: str) -> None:
    """On old Macs, too: Redshift's lexer ends a comment at a carriage return."""
    text = end.join(["delete from t; -- why", "insert into t select :a;", "-- ; done", "vacuum t"])
    assert [(one.text.split()[0], one.line) for one in split(text)] == [("delete", 1), ("--", 2), ("--", 4)]
    assert parameters(text) == ["a"]
    assert not is_plainly_one(text)
    assert is_plainly_one(f"select 1 -- ;{end}")
    assert not is_plainly_one(f"-- only{end}")


@pytest.mark.parametrize("letter", ["\u00a0", "\u2003", "\ufeff", "\x1c", "\x85", "\u2028"])
def test_what_redshift_does_not_pass_over_is_not_cut_off(letter: str) -> None:
    """A no-break space and its like are letters to Redshift, which tells what is wrong with them."""
    assert [one.text for one in split(f"select 1 as a{letter} ;{letter}; select 2")] == [
        f"select 1 as a{letter}",
        letter,
        "select 2",
    ]


@pytest.mark.parametrize(
    "text", ["'\\'" * 50_000, "\"'" * 50_001, "$a$" * 33_333, "/*" * 50_000, "{{a" * 33_333, "--\r" * 30_000]
)
def test_no_text_takes_long(text: str) -> None:
    """Reading takes time in proportion to the text, however many things are left open in it."""
    began = time.process_time()
    is_plainly_one(text)
    with contextlib.suppress(SqlSyntaxError):
        split(text)
    assert time.process_time() - began < 2
