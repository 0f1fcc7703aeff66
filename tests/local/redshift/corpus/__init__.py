"""SQL as one writes it for Redshift, by chapter, each piece with the result that Redshift documents.

Each case runs in a schema and a session of its own.
"""

from __future__ import annotations

from .case import Case
from .functions import FUNCTIONS
from .procedures import PROCEDURES
from .queries import QUERIES
from .tables import TABLES

CASES = [*TABLES, *FUNCTIONS, *QUERIES, *PROCEDURES]

__all__ = ["CASES", "Case"]
