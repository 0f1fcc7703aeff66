"""What a template is made as, where no parameter of its can choose.

A policy of deletion, for one, is no property: only the transform ``AWS::LanguageExtensions`` lets a parameter decide
it, for which whoever deploys needs another capability, and by which a stack's template is not the one that was given.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/function-refs-in-policy-attributes.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """The choices of a stack; they stay for its later deployments.

    :param shared_audit_table: the stack makes no audit table: it is told the name of one that there is.
    :param keeps_tables: the tables with the audit trail and the past runs outlive the stack.
    """

    shared_audit_table: bool = False
    keeps_tables: bool = True
