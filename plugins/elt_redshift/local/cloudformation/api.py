"""The door: moto's CloudFormation requests are answered by our stacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from elt_redshift.local.cloudformation.errors import CloudFormationError
from elt_redshift.local.cloudformation.service import CloudFormation

ACTIONS = (
    "create_stack",
    "update_stack",
    "delete_stack",
    "update_termination_protection",
    "describe_stacks",
    "list_stacks",
    "describe_stack_events",
    "describe_stack_resource",
    "describe_stack_resources",
    "list_stack_resources",
    "get_template",
    "get_template_summary",
    "validate_template",
    "list_exports",
    "create_change_set",
    "describe_change_set",
    "execute_change_set",
    "delete_change_set",
    "list_change_sets",
)
_TRANSFORMED = ("DescribeChangeSetOutput.", "DescribeStacksOutput.")


def apply_all() -> None:
    """Patch moto's CloudFormation: answer every action on stacks and change sets ourselves."""
    from moto.cloudformation.responses import CloudFormationResponse

    for action in ACTIONS:
        setattr(CloudFormationResponse, action, _answering(action))
    CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER = {
        path: transform
        for path, transform in CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if not path.startswith(_TRANSFORMED)
    }


def _answering(action: str) -> Callable[[Any], Any]:
    """A method for moto's response class that hands the request to our service and wraps the answer or the error."""
    from moto.cloudformation.exceptions import CloudFormationError as Refusal
    from moto.core.responses import ActionResult

    def answer(self: Any) -> Any:
        service = _service(self.current_account, self.region)
        try:
            with service.lock:
                return ActionResult(getattr(service, action)(self.params))
        except CloudFormationError as error:
            refusal = Refusal(error.message)
            refusal.code = error.code
            raise refusal from error

    return answer


@cache
def _service(account: str, region: str) -> CloudFormation:
    return CloudFormation(account, region, _clients(region), lambda: datetime.now(UTC))


def _clients(region: str) -> Callable[[str], Any]:
    """Clients of this very server, one for each service."""
    import boto3

    session: Any = boto3.session.Session(region_name=region)
    return cache(session.client)
