"""What Redshift has and the embedded one has not, by name, so that an error can say so.

https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_reference.html
"""

from __future__ import annotations

import re

_FUNCTIONS = frozenset(
    {
        "addbbox",
        "array_to_geometry",
        "cancel_query",
        "change_query_priority",
        "change_session_priority",
        "change_user_priority",
        "current_aws_account",
        "current_namespace",
        "current_session_arn",
        "default_iam_role",
        "dropbbox",
        "explain_model",
        "farmfingerprint64",
        "geometrytype",
        "h3_boundary",
        "h3_center",
        "h3_fromlonglat",
        "h3_frompoint",
        "h3_polyfill",
        "has_assumerole_privilege",
        "hll_cardinality",
        "hll_combine",
        "hll_combine_sketches",
        "hll_create_sketch",
        "murmur3_32_hash",
        "pg_get_grantee_by_iam_role",
        "pg_get_iam_role_by_user",
        "reboot_cluster",
        "restore_table",
        "slice_num",
        "supportsbbox",
    }
)
_TYPES = frozenset({"geometry", "geography", "hllsketch"})
_VIEWS = re.compile(r"(stl|stv|svv|svl|svcs|sys|pg_catalog\.pg|pg)_\w+")

_FUNCTION = re.compile(r"function (?:\w+\.)?(\w+)\(.*\) does not exist")
#: Functions that are here for some types only.
_PARTLY = {"checksum": "CHECKSUM of anything but a number"}
_DATABASE = re.compile(r'cross-database references are not implemented: "?([^"]+)"?')
_TYPE = re.compile(r'type "?(\w+)"? does not exist')
_RELATION = re.compile(r'relation "([\w.]+)" does not exist')


def explanation(message: str) -> str | None:
    """What to say instead of ``message``, PostgreSQL's, when it is about something that Redshift has.

    ``None``: nothing that Redshift has is missing.
    """
    if (found := _DATABASE.match(message)) is not None:
        return f"A query of another database is not emulated: {found[1]}."
    if (found := _FUNCTION.match(message)) and found[1] in _PARTLY:
        return f"{_PARTLY[found[1]]} is not emulated: it needs a real Amazon Redshift."
    if (found := _FUNCTION.match(message)) and (found[1] in _FUNCTIONS or found[1].startswith("st_")):
        return f"{found[1].upper()} is not emulated: it needs a real Amazon Redshift."
    if (found := _TYPE.match(message)) and found[1] in _TYPES:
        return f"The type {found[1].upper()} is not emulated: it needs a real Amazon Redshift."
    if (found := _RELATION.match(message)) and _VIEWS.fullmatch(found[1]):
        return f"The system view {found[1].upper()} is not emulated: it needs a real Amazon Redshift."
    return None
