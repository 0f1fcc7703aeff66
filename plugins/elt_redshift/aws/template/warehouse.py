"""Where the SQL runs, as who: the template's parameters, and what follows from them.

The parameters are those of AWS's article (RedshiftClusterIdentifier, DatabaseUserName, DatabaseName,
RedshiftIAMRoleARN), and WorkgroupName and SecretArn for Redshift Serverless and for credentials in Secrets Manager.
Which ones are given decides what the definition names and what the role may do, by conditions. Without a user or a
secret the role of the state machine connects as itself, by a database user that Redshift derives from its name.
https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift.asl.language.needs import Resource
from elt_redshift.asl.target import ROLE_PLACEHOLDER
from elt_redshift.aws.template.intrinsics import ARN, HERE, is_empty, is_given, ref, sub, when
from elt_redshift.aws.template.names import OTHER_ROLE
from elt_redshift.aws.template.part import Named, Part, text_parameter
from elt_redshift.job.model import EltJob

CLUSTER, WORKGROUP = "RedshiftClusterIdentifier", "WorkgroupName"
DATABASE, USER, SECRET = "DatabaseName", "DatabaseUserName", "SecretArn"
#: Of the role that COPY and UNLOAD use.
ROLE = "RedshiftIAMRoleARN"

#: The condition that the role of the state machine connects as itself.
IDENTITY = "UseIdentity"

#: The members of a request to the Data API that say where, by the member in whose place the compiler leaves a
#: placeholder.
CONNECTION = {
    "ClusterIdentifier": {
        "ClusterIdentifier": when("UseCluster", ref(CLUSTER)),
        "WorkgroupName": when("UseWorkgroup", ref(WORKGROUP)),
    },
    "DbUser": {"DbUser": when("UseDbUser", ref(USER)), "SecretArn": when("UseSecret", ref(SECRET))},
    "Database": {"Database": ref(DATABASE)},
}


def part(job: EltJob, other_account: bool = False) -> Part:
    """The parameters, with the rules and conditions about them.

    :param other_account: whether the warehouse is in another account.
    """
    uses_role = any(ROLE_PLACEHOLDER in statement.text for task in job.tasks for statement in task.statements)
    always = Part(_parameters(uses_role), _RULES, _CONDITIONS, named=_NAMED)
    return always + (_abroad() if other_account else Part(conditions=_IDENTITIES))


def _abroad() -> Part:
    about = "ARN of the role in the warehouse's account that the state machine assumes to run SQL."
    parameters = {OTHER_ROLE: text_parameter(about, _ROLE_ARN, _ROLE_FORM, None)}
    return Part(parameters=parameters, named={"warehouse role": Named(ref(OTHER_ROLE))})


_ROLE_ARN = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"
_ROLE_FORM = "the ARN of a role, as in arn:aws:iam::123456789012:role/warehouse"
_CREDENTIALS_FORM = "the ARN of a secret, as in arn:aws:secretsmanager:eu-west-1:123456789012:secret:etl-AbCdEf"


def _parameters(uses_role: bool) -> dict[str, Any]:
    credentials = r"(arn:aws[a-z-]*:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+)?"
    of_role = "ARN of the IAM role attached to the warehouse, which COPY and UNLOAD use."
    return {
        CLUSTER: text_parameter(
            "Identifier of the Redshift cluster.",
            "([a-z][a-z0-9-]{0,62})?",
            "the identifier of a cluster, not its address: lowercase letters, digits and hyphens, as in my-cluster",
        ),
        WORKGROUP: text_parameter(
            "Redshift Serverless workgroup, instead of a cluster.",
            "([a-z0-9-]{3,64})?",
            "the name of a workgroup: 3 to 64 lowercase letters, digits and hyphens",
        ),
        DATABASE: text_parameter(
            "Database in which the SQL runs.",
            r"[\w$-]{1,127}",
            "the name of a database: letters, digits, _, $ and hyphens",
            "dev",
        ),
        USER: text_parameter(
            _AS_USER, r"[\w@.:+/-]{0,127}", "a user's name: letters, digits and _ @ . : + / -, without quotes"
        ),
        SECRET: text_parameter(
            "ARN of a secret with the database credentials, instead of a user name.", credentials, _CREDENTIALS_FORM
        ),
        ROLE: text_parameter(
            of_role, _ROLE_ARN if uses_role else f"{_ROLE_ARN}|", _ROLE_FORM, None if uses_role else ""
        ),
    }


_AS_USER = "Database user of the cluster that runs the SQL; default: that of the state machine's role."

_CONDITIONS: dict[str, Any] = {
    "UseWorkgroup": is_given(WORKGROUP),
    "UseCluster": is_empty(WORKGROUP),
    "UseSecret": is_given(SECRET),
    "UseDbUser": {"Fn::And": [{"Condition": "UseCluster"}, is_empty(SECRET), is_given(USER)]},
}


#: How the machine's role connects as itself.
_IDENTITIES: dict[str, Any] = {
    "UseClusterIdentity": {"Fn::And": [{"Condition": "UseCluster"}, is_empty(SECRET), is_empty(USER)]},
    "UseWorkgroupIdentity": {"Fn::And": [{"Condition": "UseWorkgroup"}, is_empty(SECRET)]},
    IDENTITY: {"Fn::Or": [{"Condition": "UseClusterIdentity"}, {"Condition": "UseWorkgroupIdentity"}]},
}


def one_of(description: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"Assert": {"Fn::Or": list(conditions)}, "AssertDescription": description}


_RULES: dict[str, Any] = {
    "OneWarehouse": {
        "Assertions": [
            one_of(f"Give {CLUSTER} or {WORKGROUP}.", is_given(CLUSTER), is_given(WORKGROUP)),
            one_of(f"Give {CLUSTER} or {WORKGROUP}, not both.", is_empty(CLUSTER), is_empty(WORKGROUP)),
        ]
    }
}


# A workgroup's ARN ends in an id that its name does not tell.
_WORKGROUP = sub(f"{ARN}redshift-serverless:{HERE}:workgroup/*")
_DATABASE = sub(f"{ARN}redshift:{HERE}:dbname:${{{CLUSTER}}}/${{{DATABASE}}}")
_SIGNS_IN = [sub(f"{ARN}redshift:{HERE}:dbuser:${{{CLUSTER}}}/${{{USER}}}"), _DATABASE]
_NAMED: dict[Resource, Named] = {
    "warehouse": Named(when("UseWorkgroup", _WORKGROUP, sub(f"{ARN}redshift:{HERE}:cluster:${{{CLUSTER}}}"))),
    "database user": Named(_SIGNS_IN, only="UseDbUser"),
    "cluster identity": Named(_DATABASE, only="UseClusterIdentity"),
    "workgroup identity": Named(_WORKGROUP, only="UseWorkgroupIdentity"),
    "secret": Named(ref(SECRET), only="UseSecret"),
}
