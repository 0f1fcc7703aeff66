"""The demo's data: TPC-H tables, made on the spot, put into S3 and loaded into the tables that the demo's job reads.

TPC-H's generator is deterministic: a scale factor gives the same rows on every machine. At 0.01, the default,
``lineitem`` has 60,175 rows, and the files together have 9 MB.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elt_redshift.exceptions import EltError
from elt_redshift.job.sql import split
from elt_redshift.protocol.statements import FINISHED, UNSUCCESSFUL

if TYPE_CHECKING:
    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient
    from mypy_boto3_s3 import S3Client

#: The tables that the demo's job reads, of TPC-H's eight.
TABLES = ("nation", "customer", "supplier", "orders", "lineitem")
#: What :func:`setup` runs, in this order, relative to the setup folder of the job.
SCRIPTS = ("create_tables.sql", "copy_staging.sql", "create_procedures.sql")

GENERATE_SECONDS = 600.0
SCRIPT_SECONDS = 300.0
LONGEST_POLL_SECONDS = 30


class DemoDataError(EltError):
    """The demo's data could not be made or loaded."""


def generate(directory: str | Path, scale_factor: float = 0.01) -> dict[str, Path]:
    """Write TPC-H tables as CSV with a header and ``|`` between fields, replacing files of an earlier call.

    :param directory: where to; created if need be.
    :param scale_factor: TPC-H's; 1 is about a gigabyte.
    :returns: the file of each table of :data:`TABLES`.
    :raises DemoDataError: the generator is not installed (it comes with the extra ``local``), failed, or took longer
        than ten minutes.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(_generator()), "csv", "--delimiter", "|", "--tables", ",".join(TABLES)]
    command += ["--scale-factor", str(scale_factor), "--output-dir", str(folder), "--overwrite", "--quiet"]
    try:
        subprocess.run(  # noqa: S603 - our own command line, no shell
            command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=GENERATE_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise DemoDataError(f"tpchgen-cli failed: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise DemoDataError(f"tpchgen-cli was not done after {GENERATE_SECONDS:.0f} s.") from error
    return {table: folder / f"{table}.csv" for table in TABLES}


def _generator() -> Path:
    """The wheel tpchgen-cli holds no module, only a program, which lies beside Python's own."""
    program = Path(sys.executable).with_name("tpchgen-cli")
    if not program.exists():
        raise DemoDataError(
            f"{program} is missing. Install the extra: pip install 'airflow-provider-elt-redshift[local]'."
        )
    return program


def upload(s3_client: S3Client, bucket: str, prefix: str, files: Mapping[str, Path]) -> None:
    """Put the files of :func:`generate` into S3 as ``<prefix>/<table>.csv``, creating the bucket if it is not there.

    :raises botocore.exceptions.ClientError: S3 refused.
    """
    if bucket not in {existing.get("Name") for existing in s3_client.list_buckets()["Buckets"]}:
        _create_bucket(s3_client, bucket)
    for table, path in files.items():
        s3_client.upload_file(str(path), bucket, f"{prefix}/{table}.csv")


def _create_bucket(s3_client: S3Client, bucket: str) -> None:
    """S3 wants the region named, except us-east-1, which may not be:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html"""
    region: Any = s3_client.meta.region_name
    if region == "us-east-1":
        s3_client.create_bucket(Bucket=bucket)
    else:
        s3_client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})


def setup(
    client: RedshiftDataAPIServiceClient,
    target: Mapping[str, str],
    scripts: str | Path,
    substitutions: Mapping[str, str],
    timeout: float = SCRIPT_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Create the demo's tables and procedures and load the staging tables. Doing it again replaces the loaded rows.

    :param scripts: the job's setup folder, which holds :data:`SCRIPTS`.
    :param substitutions: ``Bucket``, ``Prefix`` (as given to :func:`upload`) and ``RedshiftIAMRoleARN``.

    Everything else, and the errors, are those of :func:`run_script`.
    """
    for name in SCRIPTS:
        run_script(client, target, Path(scripts) / name, substitutions, timeout, clock)


def run_script(
    client: RedshiftDataAPIServiceClient,
    target: Mapping[str, str],
    script: Path,
    substitutions: Mapping[str, str] | None = None,
    timeout: float = SCRIPT_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Run a script of at most 40 statements as one batch, which is one transaction, and wait for its end.

    :param target: where: ``Database`` with ``ClusterIdentifier`` and ``DbUser``, or with ``WorkgroupName``, or with
        ``SecretArn``, as https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
        names them.
    :param substitutions: values for each ``${Name}`` in the script.
    :param timeout: seconds; a script that takes longer is cancelled.
    :raises DemoDataError: a statement failed (the message is Redshift's), or time is up.
    :raises KeyError: the script holds a ``${Name}`` without a value.
    """
    text = _substitute(script.read_text(encoding="utf-8"), substitutions or {})
    statements = [statement.text for statement in split(text)]
    submitted = client.batch_execute_statement(**target, Sqls=statements)  # type: ignore[arg-type]
    _await(client, submitted["Id"], script.name, clock() + timeout, clock)


def _substitute(text: str, substitutions: Mapping[str, str]) -> str:
    """Not string.Template, which would halve the ``$$`` around a procedure's body."""
    return re.sub(r"\$\{(\w+)\}", lambda name: substitutions[name[1]], text)


def _await(
    client: RedshiftDataAPIServiceClient, statement: str, name: str, deadline: float, clock: Callable[[], float]
) -> None:
    """Wait by long polls: each call answers when the statement ends, or after its own time."""
    while (left := deadline - clock()) > 0:
        wait = max(1, min(LONGEST_POLL_SECONDS, int(left)))
        described = client.describe_statement(Id=statement, WaitTimeSeconds=wait)
        if described["Status"] == FINISHED:
            return
        if described["Status"] in UNSUCCESSFUL:
            raise DemoDataError(f"{name}: {described.get('Error') or described['Status']}")
    client.cancel_statement(Id=statement)
    raise DemoDataError(f"{name} was not done in time; statement {statement} is cancelled.")
