"""Names of parameters and outputs by which others than the template know its stack."""

from __future__ import annotations

#: The audit table: the logical name of the stack's own, or the parameter that names a shared one.
AUDIT = "DynamoDBETLAuditTable"

#: The parameter that names the audit table where that is one in the warehouse.
IN_REDSHIFT = "RedshiftETLAuditTable"

#: The output that says whether the tables outlive the stack, and how it says so.
KEPT = "TablesOutliveStack"
SAID = {True: "yes", False: "no"}

#: The parameter for the role of the other account, where the warehouse is in one: what calls of the Data API are made
#: as.
OTHER_ROLE = "WarehouseRoleArn"

#: The output that names the database user of the state machine's role, where that connects as itself.
DATABASE_USER = "DatabaseUser"

#: The output that names the machines of parts, one behind the other.
PART_MACHINES = "PartStateMachineArns"
