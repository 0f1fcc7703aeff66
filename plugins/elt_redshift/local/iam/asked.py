"""What a call of AWS's API needs to be allowed: the actions, and the resources that they are taken on.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from elt_redshift.local.iam.policies import Asked
from elt_redshift.local.regions import ACCOUNT, REGION

#: A request's members, their names in lower case: programs spell them in several ways.
Request = Mapping[str, Any]

ANY = "*"
HERE = f"{REGION}:{ACCOUNT}"


def asked_by(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Asked]:
    """What a call needs.

    :param service: boto3's name of it.
    :param operation: AWS's name, such as ``GetItem``.
    :param request: its members, their first letters small or large.
    """
    members = {name.lower(): value for name, value in request.items()}
    if service == "dynamodb" and operation.startswith("Transact"):
        yield from _of_transaction(members)
        return
    prefix = {"stepfunctions": "states"}.get(service, service)
    action = _ACTIONS.get((service, operation), operation)
    on, context = _ON.get(service, _no_resource)(operation, members), {}
    if service == "dynamodb" and len(members.get("key", ())) == 1:
        ((leading,),) = (value.values() for value in members["key"].values())
        context = {"dynamodb:LeadingKeys": leading}
    if service == "cloudwatch" and "namespace" in members:
        context = {"cloudwatch:namespace": members["namespace"]}
    yield from (Asked(f"{prefix}:{action}", one, context) for one in on)
    if operation == "DescribeStacks" and on == [ANY]:
        yield Asked("cloudformation:ListStacks", ANY)
    if service == "cloudformation" and members.get("tags"):
        yield from (Asked("cloudformation:TagResource", one) for one in on)
    if service == "redshift-data" and operation in ("ExecuteStatement", "BatchExecuteStatement"):
        yield from _connecting(members)


def _of_transaction(members: Request) -> Iterator[Asked]:
    """What it does to each item: IAM knows no transactions.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    for action, of in (pair for one in members["transactitems"] for pair in one.items()):
        yield from asked_by("dynamodb", "ConditionCheckItem" if action == "ConditionCheck" else f"{action}Item", of)


#: IAM's names of operations, where they are others.
_ACTIONS = {("lambda", "Invoke"): "InvokeFunction"}


#: What is done to EventBridge's rules, here of the default bus.
_OF_RULES = ("PutRule", "PutTargets", "DescribeRule")


def _no_resource(_: str, __: Request) -> list[str]:
    return [ANY]


def _table(_: str, request: Request) -> list[str]:
    if "tablename" not in request:
        return [ANY]
    index = f"/index/{request['indexname']}" if "indexname" in request else ""
    return [f"arn:aws:dynamodb:{HERE}:table/{request['tablename'].rpartition('/')[2]}{index}"]


def _state_machine(operation: str, request: Request) -> list[str]:
    if operation.startswith("SendTask"):
        return [ANY]
    named = (request.get(name) for name in ("statemachinearn", "executionarn", "maprunarn"))
    return [next(filter(None, named), ANY)]


def _warehouse(operation: str, request: Request) -> list[str]:
    """Of the Data API; only what submits or describes objects knows a cluster or workgroup."""
    if operation not in ("ExecuteStatement", "BatchExecuteStatement"):
        return [ANY]
    if "workgroupname" in request:
        return [_workgroup(request)]
    return [f"arn:aws:redshift:{HERE}:cluster:{request.get('clusteridentifier', '')}"]


def _workgroup(request: Request) -> str:
    """AWS gives workgroups ids, which stand in their ARNs; here a name must do."""
    return f"arn:aws:redshift-serverless:{HERE}:workgroup/{request['workgroupname']}"


def _connecting(request: Request) -> Iterator[Asked]:
    """What the Data API does on its caller's behalf.

    https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html
    """
    if "secretarn" in request:
        yield Asked("secretsmanager:GetSecretValue", request["secretarn"])
    elif "workgroupname" in request:
        yield Asked("redshift-serverless:GetCredentials", _workgroup(request))
    elif "clusteridentifier" in request:
        names = {"dbuser": request.get("dbuser"), "dbname": request["database"]}
        action = "GetClusterCredentials" if names["dbuser"] else "GetClusterCredentialsWithIAM"
        for kind, name in names.items():
            if name:
                yield Asked(
                    f"redshift:{action}", f"arn:aws:redshift:{HERE}:{kind}:{request['clusteridentifier']}/{name}"
                )


def _bus(operation: str, request: Request) -> list[str]:
    if operation in _OF_RULES:
        return [f"arn:aws:events:{HERE}:rule/{request.get('rule') or request.get('name')}"]
    entries = [{name.lower(): value for name, value in one.items()} for one in request.get("entries", ())]
    names = {str(one.get("eventbusname", "default")).rpartition("/")[2] for one in entries}
    return [f"arn:aws:events:{HERE}:event-bus/{name}" for name in sorted(names)] or [ANY]


def _schedule(_: str, request: Request) -> list[str]:
    return [f"arn:aws:scheduler:{HERE}:schedule/{request.get('groupname', 'default')}/{request.get('name', ANY)}"]


def _alarm(_: str, request: Request) -> list[str]:
    return [f"arn:aws:cloudwatch:{HERE}:alarm:{name}" for name in request.get("alarmnames", ())] or [ANY]


def _queue(_: str, request: Request) -> list[str]:
    return [f"arn:aws:sqs:{HERE}:{request['queueurl'].rpartition('/')[2]}"]


def _function(_: str, request: Request) -> list[str]:
    named = str(request.get("functionname", ""))
    return [named if named.startswith("arn:") else f"arn:aws:lambda:{HERE}:function:{named}"]


def _object(_: str, request: Request) -> list[str]:
    key = f"/{request['key']}" if "key" in request else ""
    return [f"arn:aws:s3:::{request['bucket']}{key}"]


def _stack(_: str, request: Request) -> list[str]:
    """A stack is named by its name or its ARN; what names none is about all of them."""
    if "stackname" not in request:
        return [ANY]
    name = request["stackname"]
    return [name if name.startswith("arn:") else f"arn:aws:cloudformation:{HERE}:stack/{name}/{ANY}"]


def _log(_: str, request: Request) -> list[str]:
    stream = request.get("logstreamname", "")
    return [f"arn:aws:logs:{HERE}:log-group:{request.get('loggroupname', '')}:log-stream:{stream}"]


_ON: Mapping[str, Callable[[str, Request], list[str]]] = {
    "dynamodb": _table,
    "stepfunctions": _state_machine,
    "redshift-data": _warehouse,
    "events": _bus,
    "scheduler": _schedule,
    "cloudwatch": _alarm,
    "lambda": _function,
    "logs": _log,
    "sqs": _queue,
    "sns": lambda _, request: [request.get("topicarn", ANY)],
    "s3": _object,
    "cloudformation": _stack,
}
