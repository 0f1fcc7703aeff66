"""Whole queries: what Redshift's SELECT has and PostgreSQL's has not, by passes over each SELECT."""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.rewriting import query


def whole(tokens: Sequence[Token], context: Context) -> list[Token]:
    """Rewrite a stretch of SQL that may hold whole queries, functions and operators included."""
    return expression(query(tokens, context))


__all__ = ["Context", "whole"]
