"""Custom resources: a Lambda function makes, changes and deletes them, and answers by a presigned URL.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from elt_redshift.local.cloudformation.errors import ResourceError
from elt_redshift.local.cloudformation.resources.base import Context, Handler, Made, Properties, Resource, require

#: What the types begin with whose names are the template's own, and the type without such a name.
PREFIX, PLAIN = "Custom::", "AWS::CloudFormation::CustomResource"

#: A function that has ended without an answer may have left that to somebody else, for so many seconds at most. (AWS
#: waits for an hour, or as long as ``ServiceTimeout`` says.)
PATIENCE = 60.0
POLL_SECONDS = 0.1

#: Properties that are CloudFormation's.
_OWN = ("ServiceTimeout",)


class CustomResource(Handler):
    """A resource that a function answers for. ``Ref`` gives the id that it tells, ``Fn::GetAtt`` its data."""

    attributes = None

    def __init__(self, type_name: str) -> None:
        self.resource_type = type_name

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "ServiceToken")
        return self._made(self._ask(context, "Create", properties))

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        """Another id is another resource: then the old one is deleted."""
        known = {"PhysicalResourceId": resource.physical_id, "OldResourceProperties": _texts(resource.properties)}
        made = self._made(self._ask(context, "Update", properties, known))
        if made.physical_id != resource.physical_id:
            self.delete(context, resource)
        return made

    def delete(self, context: Context, resource: Resource) -> None:
        self._ask(context, "Delete", resource.properties, {"PhysicalResourceId": resource.physical_id})

    def _made(self, answer: Mapping[str, Any]) -> Made:
        return Made(str(answer["PhysicalResourceId"]), answer.get("Data") or {})

    def _ask(
        self, context: Context, kind: str, properties: Properties, known: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """What the function answers.

        :raises ResourceError: it has failed, or answers that it has.
        """
        s3, bucket, identity = (
            context.client("s3"),
            f"cloudformation-custom-resource-response-{context.region}",
            uuid.uuid4(),
        )
        s3.create_bucket(Bucket=bucket)
        place = {"Bucket": bucket, "Key": str(identity)}
        request = {
            "RequestType": kind,
            "ResponseURL": s3.generate_presigned_url("put_object", Params=place),
            "StackId": context.stack_id,
            "RequestId": str(identity),
            "ResourceType": self.resource_type,
            "LogicalResourceId": context.logical_id,
            "ResourceProperties": _texts(properties),
            **(known or {}),
        }
        invoked = context.client("lambda").invoke(FunctionName=properties["ServiceToken"], Payload=json.dumps(request))
        told = invoked["Payload"].read().decode()
        answer = _answer(s3, place, 0.0 if invoked.get("FunctionError") else PATIENCE)
        if answer is None:
            why = f"it failed with {told}" if invoked.get("FunctionError") else f"not within {PATIENCE:.0f} s"
            raise ResourceError(context.logical_id, f"The function of the custom resource has not answered: {why}")
        if answer["Status"] != "SUCCESS":
            reason = f"Received response status [FAILED] from custom resource. Message returned: {answer.get('Reason')}"
            raise ResourceError(context.logical_id, f"{reason} (RequestId: {identity})")
        return answer


def _answer(s3: Any, place: Mapping[str, str], patience: float) -> Mapping[str, Any] | None:
    deadline = time.monotonic() + patience
    while True:
        try:
            answer: Mapping[str, Any] = json.loads(s3.get_object(**place)["Body"].read())
        except s3.exceptions.NoSuchKey:
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_SECONDS)
        else:
            s3.delete_object(**place)
            return answer


def _texts(properties: Properties) -> Any:
    """Values as functions are given them: numbers and booleans are texts."""
    return {name: _text(value) for name, value in properties.items() if name not in _OWN}


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
