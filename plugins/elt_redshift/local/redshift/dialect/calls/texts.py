"""Functions of texts and SUPER values."""

from __future__ import annotations

from elt_redshift.local.redshift.dialect.calls.call import Call, Rewrite, Rewritten
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.types import INSENSITIVE


def _json_extract_path_text(call: Call) -> Rewritten:
    if call.arguments[-1].lower() not in ("true", "false"):
        return None
    suffix = "_or_null" if call.arguments[-1].lower() == "true" else ""
    return f"json_extract_path_text{suffix}({', '.join(call.arguments[:-1])})", call.end + 1


def _collate(call: Call) -> Rewritten:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_COLLATE.html"""
    value, collation = call.arguments
    kind = "redshift.insensitive" if collation.strip("'").lower() in INSENSITIVE else "text"
    return f"cast({value} as {kind})", call.end + 1


def _built(kind: str) -> Rewrite:
    return lambda call: (
        f"redshift.{kind}_of(json_build_{kind}({', '.join(call.arguments)}))",
        call.end + 1,
    )


def _searched(call: Call) -> Rewritten:
    """What an array is searched for becomes an array of it alone, which can be anything."""
    value, wanted, *options = call.arguments
    arguments = ", ".join([value, f"redshift.array_of(json_build_array({wanted}))", *options])
    return f"redshift.{call.name}({arguments})", call.end + 1


def _json_serialize(call: Call) -> Rewritten:
    """PostgreSQL reads the bare name as SQL/JSON's function."""
    return f"redshift.json_serialize({', '.join(call.arguments)})", call.end + 1


def _refused(call: Call) -> Rewritten:
    """What PostgreSQL would find a syntax error in."""
    raise UnsupportedSqlError(f"{call.name.upper()} is not emulated: it needs a real Amazon Redshift.")


REWRITES: dict[str, Rewrite] = {
    "array": _built("array"),
    "array_contains": _searched,
    "array_position": _searched,
    "array_positions": _searched,
    "collate": _collate,
    "json_extract_path_text": _json_extract_path_text,
    "json_serialize": _json_serialize,
    "object": _built("object"),
    "object_transform": _refused,
}
