"""Print the table of patches for docs/embedded-stepfunctions.md: ``python -m elt_redshift.local.stepfunctions``."""

import sys

from elt_redshift.local.stepfunctions import table

sys.stdout.write(table())
