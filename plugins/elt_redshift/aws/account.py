"""The one door to what is ours in AWS: an account and a region, as boto3's clients reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from elt_redshift.aws.errors import AwsError, aws_errors

if TYPE_CHECKING:
    from elt_redshift.aws.archive import Archive
    from elt_redshift.aws.audit import AuditStore
    from elt_redshift.aws.audit_in_redshift import RedshiftAuditStore
    from elt_redshift.aws.definitions import Definitions
    from elt_redshift.aws.deployed import Deployed
    from elt_redshift.aws.execution_status import Execution
    from elt_redshift.aws.executions import Executions
    from elt_redshift.aws.past_runs import PastRuns
    from elt_redshift.aws.stacks import Stacks
    from elt_redshift.aws.statements import Statements
    from elt_redshift.aws.uploads import Uploads
    from elt_redshift.job.model import EltJob
    from elt_redshift.runs.history import TaskRun


class Account:
    """An account and a region. Nothing is asked or imported before it is needed, and each client is made once.

    :param client: gives the boto3 client of a service, for example of ``stepfunctions``.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client: Callable[[str], Any] = cache(client)

    @classmethod
    def here(cls, region: str | None = None) -> Account:
        """The one that boto3 finds by itself (environment, profile).

        :param region: default: boto3's own search. Without one, each call raises AwsError.
        """
        return cls(partial(_client, region))

    @property
    def stacks(self) -> Stacks:
        """The stacks of deployed jobs."""
        from elt_redshift.aws.stacks import Stacks

        return Stacks(self.client("cloudformation"))

    @property
    def statements(self) -> Statements:
        """What runs or ran through the Redshift Data API."""
        from elt_redshift.aws.statements import Statements

        return Statements(self.client("redshift-data"))

    @property
    def definitions(self) -> Definitions:
        """State machine definitions, and the job files of large jobs."""
        from elt_redshift.aws.definitions import Definitions

        return Definitions(self.client("stepfunctions"), partial(self.client, "s3"))

    @property
    def caller(self) -> str:
        """The ARN of who calls."""
        with aws_errors("caller identity"):
            return str(self.client("sts").get_caller_identity()["Arn"])

    @property
    def number(self) -> str:
        """The account's twelve digits."""
        with aws_errors("caller identity"):
            return str(self.client("sts").get_caller_identity()["Account"])

    def executions(self, state_machine_arn: str = "") -> Executions:
        """The executions of a state machine; its ARN is needed to start one, not to look at one."""
        from elt_redshift.aws.executions import Executions

        steps, tables = self.client("stepfunctions"), partial(self.client, "dynamodb")
        return Executions(steps, state_machine_arn, tables=tables, kept=self._kept_tasks)

    def _kept_tasks(self, execution: Execution, known: Iterable[str]) -> tuple[TaskRun, ...] | None:
        from elt_redshift.aws.recalling import kept_tasks

        return kept_tasks(self.stacks.all, self.past_runs, execution, known)

    def audit(self, table: str) -> AuditStore:
        """The audit table of that name in DynamoDB, or of that address in Redshift.

        :raises EltError: it is no address.
        """
        from elt_redshift.protocol.places import Place

        if Place.named(table):
            return self.audit_in_redshift(table)
        from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore

        return DynamoDbAuditStore(self.client("dynamodb"), table)

    def audit_in_redshift(self, address: str) -> RedshiftAuditStore:
        """The audit table in Redshift of that address.

        :raises EltError: it is no address.
        """
        from elt_redshift.aws.audit_in_redshift import RedshiftAuditStore
        from elt_redshift.protocol.places import Place

        return RedshiftAuditStore(self.statements, Place.parse(address))

    def archive(self, job: EltJob, deployed: Deployed) -> Archive:
        """The runs of a deployed job.

        :raises NoHistoryError: its stack was made by a version that kept no history.
        """
        from elt_redshift.aws.archive import Archive, NoHistoryError

        if not deployed.history_table:
            raise NoHistoryError(deployed)
        executions = self.executions(deployed.state_machine_arn)
        return Archive(job, deployed, self.client("stepfunctions"), executions, self.past_runs(deployed.history_table))

    def past_runs(self, table: str) -> PastRuns:
        """The history table of that name."""
        from elt_redshift.aws.past_runs import PastRuns

        return PastRuns(self.client("dynamodb"), table)

    def uploads(self, bucket: str | None = None) -> Uploads:
        """What is put into S3; for ``bucket``, see :class:`~elt_redshift.aws.uploads.Uploads`."""
        from elt_redshift.aws.uploads import Uploads

        return Uploads(self.client, bucket)


def _client(region: str | None, service: str) -> Any:
    import boto3

    about = "AWS"
    with aws_errors(about):
        try:
            return boto3.client(service, region_name=region)  # type: ignore[call-overload]
        except ValueError as error:  # an address that is none
            said = f"{error}. Look at AWS_DEFAULT_REGION and AWS_ENDPOINT_URL, or the profile's region"
            raise AwsError(about, type(error).__name__, said, answered=False) from error
