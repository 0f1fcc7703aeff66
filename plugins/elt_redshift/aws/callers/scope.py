"""What a caller's policy is about: which stacks and jobs, where; and the ARNs of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from elt_redshift.asl.language import names
from elt_redshift.aws.callers.resource_types import TYPES
from elt_redshift.aws.callers.rights import Thing
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.template import endings, machine, tables
from elt_redshift.aws.template.names import AUDIT
from elt_redshift.protocol.places import Place as InRedshift

ANY = "*"

#: So many characters of a stack's name are left at least in a name of 64 characters.
SHORT = 24

#: What stacks make, by its type.
_TYPES: Mapping[Thing, str] = MappingProxyType(
    {
        "rules": "AWS::Events::Rule",
        "schedules": "AWS::Scheduler::Schedule",
        "alarms": "AWS::CloudWatch::Alarm",
        "topics": "AWS::SNS::Topic",
    }
)

#: Members of requests to the Data API, and what they are called here.
_MEMBERS = {
    "ClusterIdentifier": "cluster",
    "WorkgroupName": "workgroup",
    "Database": "database",
    "DbUser": "user",
    "SecretArn": "secret",
}

#: The logical names of a stack's tables.
_TABLES: dict[Thing, str] = {
    "audit table": AUDIT,
    "history table": tables.HISTORY,
    "history index": tables.HISTORY,
    "join table": tables.JOINS,
}


@dataclass(frozen=True)
class Place:
    """A region of an account, as ARNs name it.

    :param partition: such as ``aws``.
    :param account: the twelve digits.
    """

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str, regional: bool = True) -> str:
        """Of something in the account, and in the region unless the service knows none."""
        return f"arn:{self.partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def in_bucket(self, bucket: str, key: str = "") -> str:
        """Of a bucket, or of what is in it."""
        return f"arn:{self.partition}:s3:::{bucket}{f'/{key}' if key else ''}"


@dataclass(frozen=True)
class Warehouse:
    """Where SQL runs, as ``deploy`` is told it.

    :param user: of a cluster; without one, the caller connects as itself.
    """

    cluster: str = ""
    workgroup: str = ""
    database: str = "dev"
    user: str = ""
    secret: str = ""

    @classmethod
    def of(cls, address: str) -> Warehouse:
        """Where an audit table in Redshift is.

        :raises EltError: it is no address of one.
        """
        members = InRedshift.parse(address).warehouse
        return cls(**{_MEMBERS[member]: value for member, value in members.items()})


@dataclass(frozen=True)
class Scope:
    """What a policy is about.

    :param stack: a stack's name, which may have wildcards: of stacks that are not named by jobs.
    :param deployed: the stacks of the jobs that are named; then it is about no other.
    :param large: jobs in the map layout are among them.
    :param functions: jobs with Lambda functions are among them.
    :param shared: names of audit tables in DynamoDB that belong to no stack.
    :param warehouses: where SQL is submitted without a state machine.
    :param bucket: where templates and job files are; default: the account's own.
    :param key: ARN of a KMS key of one's own.
    :param role_path: of the roles that stacks make.
    """

    place: Place
    stack: str = ANY
    deployed: tuple[Deployed, ...] = ()
    large: bool = True
    functions: bool = True
    shared: tuple[str, ...] = ()
    warehouses: tuple[Warehouse, ...] = ()
    bucket: str = ""
    key: str = ""
    role_path: str = "/"

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks' names or patterns."""
        return tuple(one.stack for one in self.deployed) or (self.stack,)

    def on(self, thing: Thing) -> tuple[str, ...]:
        """The ARNs of a thing, patterns among them; nothing where the scope has none."""
        return tuple(dict.fromkeys(self._found(thing)))

    def _found(self, thing: Thing) -> Iterator[str]:
        place = self.place
        match thing:
            case "stacks" | "statements" | "definitions":
                yield ANY
            case "stack":
                yield from (place.arn("cloudformation", f"stack/{one}/*") for one in self.stacks)
            case "rules" | "schedules" | "alarms" | "topics":
                yield from self.of_type(_TYPES[thing])
            case "machine" | "machine behind ends":
                kind = machine.MACHINE if thing == "machine" else endings.MACHINE
                yield from (place.arn("states", f"stateMachine:{one}") for one in self._machines(kind))
            case "executions":
                yield from (place.arn("states", f"execution:{one}:*") for one in self._machines(machine.MACHINE))
            case "audit table" | "history table" | "history index" | "join table" | "shared table":
                yield from self._tables(thing)
            case "key":
                yield from filter(None, (self.key,))
            case "map runs" | "children" | "job files" | "parts" | "executions of parts":
                yield from self._of_large_jobs(thing) if self.large else ()
            case "functions":
                yield from (place.in_bucket(self._bucket, "elt-redshift/functions/*"),) if self.functions else ()
            case "templates":
                yield place.in_bucket(self._bucket, "elt-redshift/templates/*")
            case "bucket":
                yield place.in_bucket(self._bucket)
            case _:
                locks = (Warehouse.of(one.audit_table) for one in self.deployed if _in_redshift(one))
                yield from (arn for one in (*self.warehouses, *locks) for arn in self._connecting(thing, one))

    def of_type(self, kind: str, machines: Sequence[str] = ()) -> tuple[str, ...]:
        """The ARNs, as patterns, of what stacks make of a type.

        :param machines: the names that state machines have in their templates.
        """
        made = TYPES[kind]
        resources = (
            resource.format(stack=f"{stack}-", brief=_brief(stack), name=stack, machine=machine, path=self.role_path)
            for resource in made.resources
            for stack in self.stacks
            for machine in (machines or [""])
        )
        return tuple(dict.fromkeys(self.place.arn(made.service, resource, made.regional) for resource in resources))

    def _machines(self, logical: str) -> Iterator[str]:
        """The names of state machines. CloudFormation makes them of their names in the template and nothing else, so
        without a stack to look at it is every job's."""
        if not self.deployed:
            yield f"*{logical}-*"
        for one in self.deployed:
            arn = one.state_machine_arn if logical == machine.MACHINE else one.run_end_machine
            yield from filter(None, (arn.rpartition(":")[2],))

    def _parts(self) -> Iterator[str]:
        """The names of the machines of parts, as above."""
        if not self.deployed:
            yield "*Part*StepFunction-*"
        yield from (arn.rpartition(":")[2] for one in self.deployed for arn in one.part_machines)

    def _tables(self, thing: Thing) -> Iterator[str]:
        if thing in ("audit table", "shared table"):
            own = tuple(one.audit_table for one in self.deployed if one.shares_table and not _in_redshift(one))
            yield from (self.place.arn("dynamodb", f"table/{one}") for one in (*own, *self.shared))
        logical = _TABLES.get(thing)
        sharing = [one.stack for one in self.deployed if one.shares_table] if thing == "audit table" else []
        if logical is None or (thing == "join table" and not self.large):
            return
        for stack in (one for one in self.stacks if one not in sharing):
            table = self.place.arn("dynamodb", f"table/{stack}-{logical}-*")
            yield f"{table}/index/*" if thing == "history index" else table

    def _of_large_jobs(self, thing: Thing) -> Iterator[str]:
        if thing == "job files":
            yield self.place.in_bucket(self._bucket, "elt-redshift/jobs/*")
            return
        if thing in ("parts", "executions of parts"):
            named = "stateMachine:{}" if thing == "parts" else "execution:{}:*"
            yield from (self.place.arn("states", named.format(one)) for one in self._parts())
            return
        kind = "mapRun" if thing == "map runs" else "execution"
        for one in self._machines(machine.MACHINE):
            yield self.place.arn("states", f"{kind}:{one}/{names.LABEL}:*")

    @property
    def _bucket(self) -> str:
        return self.bucket or f"elt-redshift-{self.place.account}-{self.place.region}"

    def _connecting(self, thing: Thing, where: Warehouse) -> Iterator[str]:
        """https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html"""
        place = self.place
        match thing:
            case "results":
                yield ANY
            case "warehouse" if where.workgroup:
                yield place.arn("redshift-serverless", "workgroup/*")
            case "warehouse":
                yield place.arn("redshift", f"cluster:{where.cluster}")
            case "secret" if where.secret:
                yield where.secret
            case "workgroup identity" if where.workgroup and not where.secret:
                yield place.arn("redshift-serverless", "workgroup/*")
            case "database user" if where.cluster and where.user and not where.secret:
                yield place.arn("redshift", f"dbuser:{where.cluster}/{where.user}")
                yield place.arn("redshift", f"dbname:{where.cluster}/{where.database}")
            case "cluster identity" if where.cluster and not where.user and not where.secret:
                yield place.arn("redshift", f"dbname:{where.cluster}/{where.database}")


def _in_redshift(deployed: Deployed) -> bool:
    return InRedshift.named(deployed.audit_table)


def _brief(stack: str) -> str:
    """How the names of a stack's resources begin that may not be long: CloudFormation shortens the stack's for them."""
    return f"{stack}-" if len(stack) <= SHORT else f"{stack[:SHORT]}"
