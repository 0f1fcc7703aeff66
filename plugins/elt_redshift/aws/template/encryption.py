"""The option of a key of one's own: what the stack keeps is encrypted with it, and its roles may use it for that.

Without it, keys of AWS's do it. Whoever looks at what is encrypted needs the right to decrypt with the key; and
CloudWatch Logs, and CloudWatch for its alarms, must be allowed to use it by the key's own policy.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from elt_redshift.aws.template.intrinsics import is_given, ref, when
from elt_redshift.aws.template.part import Part, text_parameter
from elt_redshift.aws.template.roles import allow, policy

KEY, OWN = "KmsKeyArn", "OwnKey"

#: What DynamoDB asks of who reads and writes a table with a key of one's own; the others ask for a part of it.
_TO_USE = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
]

Properties = Callable[[str, dict[str, Any]], Mapping[str, Any]]


def added(whole: Part) -> Part:
    """The template with the option.

    Where it is off, tables and machines say so: what an update leaves out, their services keep.
    """
    for kind, properties in _ENCRYPTED.items():
        whole = whole.with_properties(kind, properties)
    pattern = r"(arn:aws[a-z-]*:kms:[\w-]+:\d{12}:key/[\w-]+)?"
    about = (
        "ARN of a KMS key of your own that encrypts tables, queues, topics, logs and state machines; default: AWS's."
    )
    form = "the ARN of a key, not of an alias, as in arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab"
    return whole + Part(parameters={KEY: text_parameter(about, pattern, form)}, conditions={OWN: is_given(KEY)})


def _table(_: str, had: dict[str, Any]) -> Mapping[str, Any]:
    own = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": ref(KEY)}
    return {"SSESpecification": when(OWN, own, had.get("SSESpecification", {"SSEEnabled": False}))}


def _machine(*_: Any) -> Mapping[str, Any]:
    own = {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": ref(KEY)}
    return {"EncryptionConfiguration": when(OWN, own, {"Type": "AWS_OWNED_KEY"})}


def _queue(*_: Any) -> Mapping[str, Any]:
    return {"SqsManagedSseEnabled": when(OWN, False, True), "KmsMasterKeyId": when(OWN, ref(KEY))}


def _topic(*_: Any) -> Mapping[str, Any]:
    return {"KmsMasterKeyId": when(OWN, ref(KEY))}


def _log_group(*_: Any) -> Mapping[str, Any]:
    return {"KmsKeyId": when(OWN, ref(KEY))}


def _role(_: str, had: dict[str, Any]) -> Mapping[str, Any]:
    return {"Policies": [*had.get("Policies", []), when(OWN, policy("use-the-key", [allow(_TO_USE, ref(KEY))]))]}


_ENCRYPTED: Mapping[str, Properties] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::StepFunctions::StateMachine": _machine,
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": _topic,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::IAM::Role": _role,
}
