"""Service integrations: any boto service, AWS's casing both ways, AWS's error names, one client per service.

moto 5.2.5 knows few services by name, leaves casing alone (its two functions for it are empty) and builds a client
for every call. The calls go to the server's own port, or straight to what it serves (:mod:`calls`).
"""

from __future__ import annotations

import functools
import json
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.model import OperationModel, ServiceModel
from moto.settings import moto_server_port
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import (
    LambdaFunctionErrorException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_dynamodb,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.utils import boto_client

from elt_redshift.local.iam.record import RECORD
from elt_redshift.local.stepfunctions import calls
from elt_redshift.local.stepfunctions.errors import name_of
from elt_redshift.local.stepfunctions.patching import Patches
from elt_redshift.local.stepfunctions.values import pascal_case, to_request, to_result

PATCHES = Patches()
apply = PATCHES.apply

_StateTaskService = state_task_service.StateTaskService
_AwsSdk = state_task_service_aws_sdk.StateTaskServiceAwsSdk
_Lambda = state_task_service_lambda.StateTaskServiceLambda
_DynamoDb = state_task_service_dynamodb.StateTaskServiceDynamoDB

# Names that ASL takes from the SDK for Java where boto's name is not the same without its hyphens.
_ALIASES = {"sfn": "stepfunctions", "states": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}
_READ_TIMEOUT = 3600  # seconds; a Lambda runs 15 minutes at most, a long poll 30 s
_lock = threading.RLock()


@functools.cache
def _boto_names() -> dict[str, str]:
    return {name.replace("-", ""): name for name in botocore.session.get_session().get_available_services()}


def boto_name(service: str) -> str:
    """boto's name of a service of an ASL resource: ``redshiftdata`` -> ``redshift-data``, ``sfn`` -> ``stepfunctions``.

    An unknown service is returned unchanged; botocore then refuses it.
    """
    plain = service.lower().replace("-", "")
    return _ALIASES.get(plain) or _boto_names().get(plain, service)


def is_known(service: str) -> bool:
    """Whether an ASL resource's service is one that boto has."""
    return boto_name(service) in _boto_names().values()


@functools.cache
def service_model(boto_service: str) -> ServiceModel:
    """botocore's model of a service, loaded once (it takes tens of milliseconds)."""
    with _lock:
        return botocore.session.get_session().get_service_model(boto_service)


@functools.cache
def operation(boto_service: str, action: str) -> OperationModel | None:
    """The operation of an ASL action (``executeStatement``) or boto method; None if unknown."""
    model = service_model(boto_service)
    wanted = action.replace("_", "").lower()
    return next((model.operation_model(name) for name in model.operation_names if name.lower() == wanted), None)


def error_prefix(boto_service: str) -> str:
    """What AWS puts before the error's name: ``RedshiftData``, ``DynamoDb``, ``Sfn``, ``S3``."""
    return "".join(pascal_case(word) for word in service_model(boto_service).service_id.split())


@functools.cache
def _client(boto_service: str, region: str, port: str) -> Any:
    config = Config(
        parameter_validation=False,
        retries={"max_attempts": 0, "total_max_attempts": 1},
        read_timeout=_READ_TIMEOUT,
        max_pool_connections=100,  # as many long polls as one machine will have at once
    )
    with _lock:  # boto3's default session is not made for threads
        make: Any = boto3.client
        client = make(
            boto_service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="ak",
            aws_secret_access_key="sk",  # noqa: S106 - moto checks no signature
            config=config,
        )
    _sign_once_for_all(client, region)
    client._endpoint.http_session = calls.Session(client._endpoint.http_session)
    return client


def _sign_once_for_all(client: Any, region: str) -> None:
    """Moto reads account, region and service of a signature and never checks it: every request gets the same. Signing
    each, and telling each the user agent anew, is a sixth of what a call takes."""
    events, created = client.meta.events, f"request-created.{client.meta.service_model.service_id.hyphenize()}"
    scope = f"ak/20000101/{region}/{client.meta.service_model.signing_name}/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"

    def sign(request: Any, **_: Any) -> None:
        request.headers["Authorization"] = signature

    events.unregister(created, client._request_signer.handler)
    events.unregister(created, client._user_agent_creator.rebuild_and_replace_user_agent_handler)
    events.register(created, sign)
    user_agent = client._user_agent_creator.to_string()
    client._user_agent_creator.to_string = lambda: user_agent


@PATCHES.function(boto_client, "boto_client_for", "Built a client (30 ms) for every call; one per service is enough.")
def client_for(original: Any, region: str, service: str, state_credentials: Any = None) -> Any:
    return _client(boto_name(service), region, str(moto_server_port()))


def _operation_of(task: Any, service: str | None, action: str | None) -> OperationModel | None:
    return operation(boto_name(service or task.resource.api_name), action or task.resource.api_action)


@PATCHES.method(_StateTaskService, "_normalise_parameters", "Empty in moto: PascalCase Arguments reached boto as such.")
def normalise_parameters(
    original: Any,
    self: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """Rename ``parameters`` in place, as moto's callers expect."""
    model = _operation_of(self, boto_service_name, service_action_name)
    if model is not None and model.input_shape is not None:
        renamed = to_request(parameters, model.input_shape)
        parameters.clear()
        parameters.update(renamed)


@PATCHES.method(_StateTaskService, "_normalise_response", "Empty in moto: results had boto's casing and datetimes.")
def normalise_response(
    original: Any,
    self: Any,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """Rename ``response`` in place, as moto's callers expect."""
    model = _operation_of(self, boto_service_name, service_action_name)
    if isinstance(response, dict) and model is not None:
        renamed = to_result(response, model.output_shape)
        response.clear()
        response.update(renamed)


@PATCHES.method(_AwsSdk, "_normalise_service_error_name", "Knew DynamoDb and Sfn only.")
def normalise_service_error_name(original: Any, service_name: str) -> str:
    return error_prefix(boto_name(service_name))


@PATCHES.method(StateTask, "_eval_parameters", "Sent Arguments of any size.")
def evaluate_arguments(original: Any, self: Any, env: Any) -> Any:
    parameters = original(self, env)
    self._verify_size_quota(env=env, value=parameters)
    return parameters


@PATCHES.method(_StateTaskService, "_before_eval_execution", "Looked at nobody's rights.")
def before_execution(
    original: Any, self: Any, env: Any, resource_runtime_part: Any, raw_parameters: Any, state_credentials: Any
) -> None:
    called = _operation_of(self, None, None)
    if called is not None:
        note_call(env, state_credentials.role_arn, (boto_name(self.resource.api_name), called.name), raw_parameters)
    original(self, env, resource_runtime_part, raw_parameters, state_credentials)


@PATCHES.method(ResourceEvalS3, "_handle_get_object", "Looked at nobody's rights.")
def before_reading(original: Any, env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
    note_call(env, state_credentials.role_arn, ("s3", "GetObject"), env.stack[-1])
    original(env, resource_runtime_part, state_credentials)


def note_call(env: Any, role: str, called: tuple[str, str], request: dict[str, Any]) -> None:
    """Keep for :mod:`elt_redshift.local.iam.record` that an execution makes a call."""
    own = env.aws_execution_details.role_arn
    if role != own:  # the state has credentials
        RECORD.note_as_another(role, own, called, request)
        return
    machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
    RECORD.note(role, "states.amazonaws.com", machine, called, request)


@PATCHES.method(_DynamoDb, "_from_error", "Named every error DynamoDB.AmazonDynamoDBException, timeouts and all.")
def dynamodb_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if isinstance(ex, ClientError):
        return original(self, env, ex)
    if isinstance(ex, HTTPClientError):
        return unanswered(self, env, "DynamoDB", ex)
    return StateTask._from_error(self, env, ex)


@PATCHES.method(_Lambda, "_from_error", "Called errors without a type Exception; knew no calls without an answer.")
def function_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if isinstance(ex, HTTPClientError):
        return unanswered(self, env, "Lambda", ex)
    if isinstance(ex, ClientError):
        told = ex.response["Error"]
        status = ex.response["ResponseMetadata"]["HTTPStatusCode"]
        return failed(
            self, env, f"Lambda.{told['Code']}", f"{told['Message']} (Service: Lambda, Status Code: {status})"
        )
    if isinstance(ex, LambdaFunctionErrorException) and not _names_error(ex.payload):
        return failed(self, env, "Lambda.Unknown", ex.payload)
    return original(self, env, ex)


def _names_error(payload: str) -> bool:
    try:
        return bool(json.loads(payload)["errorType"])
    except (ValueError, TypeError, KeyError):
        return False


@PATCHES.method(_AwsSdk, "_from_error", "Knew no calls without an answer.")
def sdk_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if isinstance(ex, HTTPClientError):
        return unanswered(self, env, error_prefix(boto_name(self.resource.api_name)), ex)
    return original(self, env, ex)


def unanswered(task: Any, env: Any, service: str, ex: Exception) -> FailureEvent:
    """The connection broke, or nothing came in time: what AWS's SDK calls an error of its client."""
    return failed(task, env, f"{service}.SdkClientException", str(ex))


def failed(task: Any, env: Any, error: str, cause: str) -> FailureEvent:
    """The failure of a state's call, with its event."""
    details: Any = {
        "error": error,
        "cause": cause,
        "resource": task._get_sfn_resource(),
        "resourceType": task._get_sfn_resource_type(),
    }
    event: Any = {"taskFailedEventDetails": details}
    return FailureEvent(env, name_of(error), HistoryEventType.TaskFailed, event)
