"""The parameters of a job's template, and the conditions and rules about them.

They are those of AWS's article (RedshiftClusterIdentifier, DatabaseUserName, DatabaseName, RedshiftIAMRoleARN), and
WorkgroupName and SecretArn for Redshift Serverless and for credentials in Secrets Manager.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from typing import Any

#: The parameters that name the job file.
JOB_FILE_BUCKET, JOB_FILE_KEY = "JobFileBucket", "JobFileKey"


def parameters(uses_role: bool, job_file: bool) -> dict[str, Any]:
    """The parameters by their names.

    :param uses_role: whether the SQL names the warehouse's role.
    :param job_file: whether the tasks stand in a job file.
    """

    def parameter(description: str, pattern: str, **more: Any) -> dict[str, Any]:
        return {"Type": "String", "Description": description, "AllowedPattern": pattern, "Default": "", **more}

    required = {} if uses_role else {"Default": ""}
    role = {
        "Type": "String",
        "Description": "ARN of the IAM role attached to the warehouse, which COPY and UNLOAD use.",
        "AllowedPattern": r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+" + ("" if uses_role else "|"),
        **required,
    }
    return {
        "RedshiftClusterIdentifier": parameter("Identifier of the Redshift cluster.", "([a-z][a-z0-9-]{0,62})?"),
        "WorkgroupName": parameter("Redshift Serverless workgroup, instead of a cluster.", "([a-z0-9-]{3,64})?"),
        "DatabaseName": {
            "Type": "String",
            "Description": "Database in which the SQL runs.",
            "AllowedPattern": r"[\w$-]{1,127}",
            "Default": "dev",
        },
        "DatabaseUserName": parameter("Database user of the cluster that runs the SQL.", r"[\w@.:+/-]{0,127}"),
        "SecretArn": parameter(
            "ARN of a secret with the database credentials, instead of a user name.",
            r"(arn:aws[a-z-]*:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+)?",
        ),
        "RedshiftIAMRoleARN": role,
        **(_JOB_FILE if job_file else {}),
    }


_JOB_FILE: dict[str, Any] = {
    JOB_FILE_BUCKET: {
        "Type": "String",
        "Description": "S3 bucket of the job file, which holds the tasks; in this region.",
        "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    },
    JOB_FILE_KEY: {
        "Type": "String",
        "Description": "Key of the job file; `elt-redshift deploy` uploads it under a hash of its content.",
        "AllowedPattern": ".{1,1024}",
    },
}

CONDITIONS: dict[str, Any] = {
    "UseWorkgroup": {"Fn::Not": [{"Fn::Equals": [{"Ref": "WorkgroupName"}, ""]}]},
    "UseCluster": {"Fn::Equals": [{"Ref": "WorkgroupName"}, ""]},
    "UseSecret": {"Fn::Not": [{"Fn::Equals": [{"Ref": "SecretArn"}, ""]}]},
    "UseDbUser": {"Fn::And": [{"Condition": "UseCluster"}, {"Fn::Equals": [{"Ref": "SecretArn"}, ""]}]},
    "UseWorkgroupIdentity": {"Fn::And": [{"Condition": "UseWorkgroup"}, {"Fn::Equals": [{"Ref": "SecretArn"}, ""]}]},
}


def _given(name: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}


RULES: dict[str, Any] = {
    "OneWarehouse": {
        "Assertions": [
            {
                "Assert": {"Fn::Or": [_given("RedshiftClusterIdentifier"), _given("WorkgroupName")]},
                "AssertDescription": "Give RedshiftClusterIdentifier or WorkgroupName.",
            },
            {
                "Assert": {
                    "Fn::Or": [
                        {"Fn::Equals": [{"Ref": "RedshiftClusterIdentifier"}, ""]},
                        {"Fn::Equals": [{"Ref": "WorkgroupName"}, ""]},
                    ]
                },
                "AssertDescription": "Give RedshiftClusterIdentifier or WorkgroupName, not both.",
            },
            {
                "Assert": {"Fn::Or": [_given("WorkgroupName"), _given("DatabaseUserName"), _given("SecretArn")]},
                "AssertDescription": "A cluster needs DatabaseUserName or SecretArn.",
            },
        ]
    }
}
