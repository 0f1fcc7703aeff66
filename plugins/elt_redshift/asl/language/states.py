"""The state types that definitions are made of. Each renders itself and says what it needs. They are in one module,
long as it is, because some contain flows of all of them.

https://states-language.net/ and https://docs.aws.amazon.com/step-functions/latest/dg/workflow-states.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from elt_redshift.asl.language.needs import ASSUMING, STARTING_CHILDREN, Need
from elt_redshift.asl.language.roles import Role, Verdict

Rendered = dict[str, Any]


def _present(**members: Any) -> Rendered:
    return {key: value for key, value in members.items() if value is not None and value != ()}


def _flow(following: str | None) -> Rendered:
    return {"End": True} if following is None else {"Next": following}


@dataclass(frozen=True)
class Retry:
    """One retrier. Delays grow from ``interval`` seconds by ``backoff`` to ``max_delay``, with full jitter.

    ``max_attempts=0`` excludes the named errors from the retriers behind it.
    """

    errors: tuple[str, ...]
    max_attempts: int
    interval: int = 1
    backoff: float = 2.0
    max_delay: int = 60

    @property
    def _longest(self) -> float:
        """The last pause, were it not for ``max_delay``."""
        return float(self.interval * self.backoff ** (self.max_attempts - 1))

    def render(self) -> Rendered:
        if self.max_attempts == 0:
            return {"ErrorEquals": list(self.errors), "MaxAttempts": 0}
        # Step Functions' own interval and backoff need not be said, and a definition may have thousands of retriers.
        return {
            "ErrorEquals": list(self.errors),
            **({} if self.interval == 1 else {"IntervalSeconds": self.interval}),
            **({} if self.backoff == 2.0 else {"BackoffRate": self.backoff}),
            **({"MaxDelaySeconds": self.max_delay} if self._longest > self.max_delay else {}),
            "MaxAttempts": self.max_attempts,
            "JitterStrategy": "FULL",
        }


@dataclass(frozen=True)
class Catch:
    """One catcher: on any of ``errors`` go to ``next`` with ``output`` as its input."""

    errors: tuple[str, ...]
    next: str
    output: Any = None

    def render(self) -> Rendered:
        return _present(ErrorEquals=list(self.errors), Output=self.output, Next=self.next)


@dataclass(frozen=True)
class Call:
    """An AWS API call as Step Functions makes it.

    :param service: as in the resource ARN, for example ``dynamodb`` (optimized) or ``aws-sdk:redshiftdata``.
    :param action: the API action in camel case, for example ``executeStatement``.
    :param needs: what the role must be allowed.
    :param waits: the state goes on when somebody sends back the task token that the call has passed on.
    :param until_end: … when the execution has ended that the call has started.
    """

    service: str
    action: str
    needs: tuple[Need, ...]
    waits: bool = False
    until_end: bool = False

    def resource(self, partition: str) -> str:
        how = ".waitForTaskToken" if self.waits else ".sync:2" if self.until_end else ""
        return f"arn:{partition}:states:::{self.service}:{self.action}{how}"


@dataclass(frozen=True)
class Task:
    """A call to AWS. ``next=None`` ends the machine or the branch.

    :param arguments: an object, or JSONata that gives one.
    :param timeout: seconds, or a JSONata expression of them, after which the state fails with ``States.Timeout``.
    :param heartbeat: seconds after which it fails with ``States.HeartbeatTimeout`` unless somebody has sent one.
    :param role: what it is there for; not part of the definition.
    :param credentials: the ARN of the role that the call is made as, which the machine's role assumes; default: that.
        https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
    """

    name: str
    call: Call
    arguments: Mapping[str, Any] | str
    next: str | None
    output: Any
    comment: str | None = None
    assign: Mapping[str, Any] | None = None
    retry: tuple[Retry, ...] = ()
    catch: tuple[Catch, ...] = ()
    partition: str = "aws"
    timeout: int | str | None = None
    heartbeat: int | None = None
    role: Role | None = None
    credentials: str | None = None

    def render(self) -> Rendered:
        return _present(
            Type="Task",
            Comment=self.comment,
            Resource=self.call.resource(self.partition),
            Credentials={"RoleArn": self.credentials} if self.credentials else None,
            Arguments=self.arguments if isinstance(self.arguments, str) else dict(self.arguments),
            Assign=dict(self.assign) if self.assign else None,
            Output=self.output,
            TimeoutSeconds=self.timeout,
            HeartbeatSeconds=self.heartbeat,
            Retry=[retry.render() for retry in self.retry] or None,
            Catch=[catch.render() for catch in self.catch] or None,
            **_flow(self.next),
        )

    def needs(self) -> Iterator[Need]:
        yield from (ASSUMING,) if self.credentials else self.call.needs


@dataclass(frozen=True)
class Rule:
    """One rule of a Choice: where ``condition`` (JSONata) is true, go to ``next`` with ``output`` as its input.

    :param verdict: what the condition finds out; not part of the definition.
    """

    condition: str
    next: str
    output: Any = None
    verdict: Verdict | None = None

    def render(self) -> Rendered:
        return _present(Condition=self.condition, Output=self.output, Next=self.next)


@dataclass(frozen=True)
class Choice:
    """The first rule that holds decides; without one, ``default``."""

    name: str
    rules: tuple[Rule, ...]
    default: str | None = None
    comment: str | None = None

    def render(self) -> Rendered:
        return _present(
            Type="Choice", Comment=self.comment, Choices=[rule.render() for rule in self.rules], Default=self.default
        )

    def needs(self) -> Iterator[Need]:
        return iter(())


@dataclass(frozen=True)
class Pass:
    """Go on to ``next`` with ``output``, and variables assigned."""

    name: str
    next: str
    output: Any
    assign: Mapping[str, Any]

    def render(self) -> Rendered:
        return _present(Type="Pass", Assign=dict(self.assign), Output=self.output, Next=self.next)

    def needs(self) -> Iterator[Need]:
        return iter(())


@dataclass(frozen=True)
class Wait:
    """Wait for ``seconds``, a number or a JSONata expression of one."""

    name: str
    seconds: int | str
    next: str
    output: Any = None

    def render(self) -> Rendered:
        return _present(Type="Wait", Seconds=self.seconds, Output=self.output, Next=self.next)

    def needs(self) -> Iterator[Need]:
        return iter(())


@dataclass(frozen=True)
class Succeed:
    """End the execution well."""

    name: str
    output: Any = None
    comment: str | None = None

    def render(self) -> Rendered:
        return _present(Type="Succeed", Comment=self.comment, Output=self.output)

    def needs(self) -> Iterator[Need]:
        return iter(())


@dataclass(frozen=True)
class Flow:
    """States with a first one: a whole machine, a branch or a Map's item processor."""

    states: tuple[State, ...]

    @property
    def start(self) -> str:
        return self.states[0].name

    def find(self, name: str) -> State | None:
        """The state of that name, if there is one here; not within its Parallel and Map states."""
        return self._named.get(name)

    @cached_property
    def _named(self) -> dict[str, State]:
        return {state.name: state for state in self.states}

    def render(self) -> Rendered:
        return {"StartAt": self.start, "States": {state.name: state.render() for state in self.states}}

    def needs(self) -> Iterator[Need]:
        for state in self.states:
            yield from state.needs()


@dataclass(frozen=True)
class Parallel:
    """Branches side by side; goes on when all are done.

    :param arguments: JSONata of what the branches get; default: the state's input.
    """

    name: str
    branches: tuple[Flow, ...]
    next: str | None
    output: Any = None
    arguments: str | None = None
    catch: tuple[Catch, ...] = ()

    def render(self) -> Rendered:
        return _present(
            Type="Parallel",
            Arguments=self.arguments,
            Branches=[branch.render() for branch in self.branches],
            Output=self.output,
            Catch=[catch.render() for catch in self.catch] or None,
            **_flow(self.next),
        )

    def needs(self) -> Iterator[Need]:
        for branch in self.branches:
            yield from branch.needs()


@dataclass(frozen=True)
class DistributedMap:
    """One child execution of ``processor`` for each item of a JSON array in S3; goes on when all have succeeded, and
    fails with the first that fails.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html

    :param selector: what a child is given, with the item as ``$states.context.Map.Item.Value``.
    :param label: part of the children's ARNs.
    """

    name: str
    bucket: Any
    key: Any
    selector: Mapping[str, Any]
    processor: Flow
    next: str
    output: Any
    label: str
    max_concurrency: int
    retry: tuple[Retry, ...] = ()
    comment: str | None = None
    partition: str = "aws"

    def render(self) -> Rendered:
        return _present(
            Type="Map",
            Comment=self.comment,
            Label=self.label,
            ItemReader={
                "Resource": f"arn:{self.partition}:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Arguments": {"Bucket": self.bucket, "Key": self.key},
            },
            ItemSelector=dict(self.selector),
            MaxConcurrency=self.max_concurrency,
            ItemProcessor={
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **self.processor.render(),
            },
            Output=self.output,
            Retry=[retry.render() for retry in self.retry] or None,
            **_flow(self.next),
        )

    def needs(self) -> Iterator[Need]:
        yield from STARTING_CHILDREN
        yield from self.processor.needs()


@dataclass(frozen=True)
class Map:
    """One inline run of ``processor`` for each of ``items`` (a list, or a JSONata expression of one).

    :param role: what it is there for; not part of the definition.
    """

    name: str
    items: str | list[Any]
    processor: Flow
    next: str | None
    output: Any = None
    mode: Mapping[str, str] = field(default_factory=lambda: {"Mode": "INLINE"})
    assign: Mapping[str, Any] | None = None
    role: Role | None = None

    def render(self) -> Rendered:
        return _present(
            Type="Map",
            Items=self.items,
            ItemProcessor={"ProcessorConfig": dict(self.mode), **self.processor.render()},
            Assign=dict(self.assign) if self.assign else None,
            Output=self.output,
            **_flow(self.next),
        )

    def needs(self) -> Iterator[Need]:
        return self.processor.needs()


#: Whatever can stand under ``States`` in a definition.
State = Task | Choice | Pass | Wait | Succeed | Parallel | DistributedMap | Map
