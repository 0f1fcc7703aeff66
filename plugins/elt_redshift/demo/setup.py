"""What the demo and ``airflow`` put on an embedded AWS before they show anything."""

from __future__ import annotations

from pathlib import Path

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployment import carry_out, prepare
from elt_redshift.demo import data
from elt_redshift.job.model import EltJob

BUCKET = "demo-tpch"
ROLE = "arn:aws:iam::123456789012:role/demo-redshift"
WAREHOUSE = {"ClusterIdentifier": "demo-cluster", "Database": "dev", "DbUser": "awsuser"}


def load_staging(account: Account, job: EltJob, folder: Path, scale_factor: float) -> None:
    """Make TPC-H data, put it into S3 and load it into the tables that the demo's job reads.

    :param folder: a scratch folder.
    :raises EltError: the data cannot be made or loaded.
    """
    files = data.generate(folder / "tpch", scale_factor)
    data.upload(account.client("s3"), BUCKET, "tpch", files)
    substitutions = {"Bucket": BUCKET, "Prefix": "tpch", "RedshiftIAMRoleARN": ROLE}
    data.setup(account.client("redshift-data"), WAREHOUSE, job.base / "setup", substitutions)


def deploy(account: Account, job: EltJob) -> None:
    """Deploy a job for the demo's warehouse, in a stack of its name.

    :raises EltError: the job, Step Functions or CloudFormation refuses.
    """
    parameters = {
        "RedshiftClusterIdentifier": WAREHOUSE["ClusterIdentifier"],
        "DatabaseName": WAREHOUSE["Database"],
        "DatabaseUserName": WAREHOUSE["DbUser"],
    }
    carry_out(account, prepare(account, job, job.name.replace("_", "-"), parameters))
