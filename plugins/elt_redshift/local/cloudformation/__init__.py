"""CloudFormation of the embedded AWS.

Moto keeps reading the requests and writing the answers; what happens between is ours. Moto's own stacks lose a state
machine's substitutions, object definitions and logging, report CREATE_COMPLETE for types that they skipped, stay in
CREATE_IN_PROGRESS when a definition is bad, and roll nothing back.
"""

from elt_redshift.local.cloudformation.api import apply_all

__all__ = ["apply_all"]
