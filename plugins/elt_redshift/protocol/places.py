"""Where an audit table in Redshift is: an address, in the place of the name of a table in DynamoDB::

    redshift://CLUSTER/DATABASE/SCHEMA.TABLE?user=USER
    redshift-serverless://WORKGROUP/DATABASE/SCHEMA.TABLE?secret=ARN

Without a user and a secret, whoever calls connects as itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from elt_redshift.exceptions import EltError

#: The beginnings of addresses, and what each names first.
SCHEMES = {"redshift": "ClusterIdentifier", "redshift-serverless": "WorkgroupName"}
#: The table's name where none is given.
DEFAULT_TABLE = "public.elt_audit"
#: What may stand behind the ``?``.
_LOGINS = {"user": "DbUser", "secret": "SecretArn"}

_NAME = r"[a-z_][a-z0-9_$]{0,126}"
_FORM = (
    "write redshift://CLUSTER/DATABASE/SCHEMA.TABLE?user=USER, or redshift-serverless://WORKGROUP/DATABASE/SCHEMA.TABLE"
)


@dataclass(frozen=True)
class Place:
    """Where the table is.

    :param address: as it was given.
    :param warehouse: the members of a request that say where it runs, as :class:`Submission` takes them.
    :param table: the table's name, quoted.
    """

    address: str
    warehouse: Mapping[str, str]
    table: str

    @classmethod
    def named(cls, name: str) -> bool:
        """Whether ``name`` is an address, and not the name of a table in DynamoDB, which has no colon."""
        return ":" in name

    @classmethod
    def parse(cls, address: str) -> Place:
        """
        :raises EltError: it is no address, or lacks something.
        """
        split = urlsplit(address)
        # Not as forms have it, where a plus is a blank: names of users and of secrets may have one.
        pairs = (pair.partition("=") for pair in split.query.split("&") if pair)
        login = {name: unquote(value) for name, _, value in pairs}
        path = split.path.strip("/").split("/")
        table = path[-1].lower().split(".") if path[-1] else []
        good = split.scheme in SCHEMES and split.netloc and len(path) == 2 and len(table) in (1, 2)
        named = good and all(re.fullmatch(_NAME, part) for part in table)
        if not named or not login.keys() <= _LOGINS.keys() or len(login) > 1 or not all(login.values()):
            raise EltError(f"Audit table '{address}' is no table in Redshift: {_FORM}.")
        where = {SCHEMES[split.scheme]: split.netloc, "Database": path[0]}
        where |= {_LOGINS[name]: value for name, value in login.items()}
        return cls(address, where, ".".join(f'"{part}"' for part in ["public", *table][-2:]))
