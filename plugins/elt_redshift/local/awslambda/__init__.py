"""Lambda of the embedded AWS: functions really run, each invocation in a process that Lambda's own runtime client
(awslambdaric) serves, without Docker.

Moto keeps the functions; what it does with an invocation needs Docker, or makes the answer up. Functions run with the
Python that the embedded AWS runs with, whatever their ``Runtime`` says, and may use as much memory as there is.
"""

from elt_redshift.local.awslambda.sandbox import missing
from elt_redshift.local.awslambda.service import FUNCTIONS, apply_all

__all__ = ["FUNCTIONS", "apply_all", "missing"]
