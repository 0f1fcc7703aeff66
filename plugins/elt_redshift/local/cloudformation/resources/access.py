"""IAM: roles and policies. They are kept and can be read back, but nothing enforces them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_IAM.html
"""

from __future__ import annotations

import json
from typing import Any

from elt_redshift.local.cloudformation.resources.base import (
    Context,
    Handler,
    Made,
    Properties,
    Resource,
    fitted,
    require,
    tags,
)


class Role(Handler):
    type = "AWS::IAM::Role"
    name_property = "RoleName"
    attributes = frozenset({"Arn", "RoleId"})
    replacing = frozenset({"RoleName", "Path"})
    iam = True

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "AssumeRolePolicyDocument")
        client = context.client("iam")
        arguments = {
            "RoleName": self.name(context, properties),
            "AssumeRolePolicyDocument": _document(properties["AssumeRolePolicyDocument"]),
            "Tags": tags(properties) or None,
        }
        arguments |= {
            key: properties.get(key) for key in ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary")
        }
        role = client.create_role(**fitted(client, "CreateRole", arguments))["Role"]
        self._sync(client, role["RoleName"], {}, properties)
        return Made(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, name = context.client("iam"), resource.physical_id
        document = _document(properties["AssumeRolePolicyDocument"])
        client.update_assume_role_policy(RoleName=name, PolicyDocument=document)
        arguments = {"RoleName": name, "Description": properties.get("Description", "")}
        arguments["MaxSessionDuration"] = properties.get("MaxSessionDuration", 3600)
        client.update_role(**fitted(client, "UpdateRole", arguments))
        boundary = properties.get("PermissionsBoundary")
        if boundary:
            client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        elif "PermissionsBoundary" in resource.properties:
            client.delete_role_permissions_boundary(RoleName=name)
        self._sync(client, name, resource.properties, properties)
        return Made(name, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        client, name = context.client("iam"), resource.physical_id
        for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
            client.delete_role_policy(RoleName=name, PolicyName=policy)
        for attached in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            client.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
        client.delete_role(RoleName=name)

    def _sync(self, client: Any, name: str, old: Properties, new: Properties) -> None:
        """Bring inline and managed policies from the old to the new state."""
        before = {policy["PolicyName"] for policy in old.get("Policies", [])}
        after = {policy["PolicyName"]: policy["PolicyDocument"] for policy in new.get("Policies", [])}
        for policy, document in after.items():
            client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=_document(document))
        for policy in before - set(after):
            client.delete_role_policy(RoleName=name, PolicyName=policy)
        attached, wanted = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
        for arn in sorted(wanted - attached):
            client.attach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in sorted(attached - wanted):
            client.detach_role_policy(RoleName=name, PolicyArn=arn)


class Policy(Handler):
    """An inline policy of the roles that it names."""

    type = "AWS::IAM::Policy"
    replacing = frozenset({"PolicyName"})
    iam = True

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "PolicyName", "PolicyDocument")
        self._put(context, properties)
        return Made(str(properties["PolicyName"]))

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        self._put(context, properties)
        dropped = set(resource.properties.get("Roles", [])) - set(properties.get("Roles", []))
        self._remove(context, resource, dropped)
        return Made(resource.physical_id)

    def delete(self, context: Context, resource: Resource) -> None:
        self._remove(context, resource, set(resource.properties.get("Roles", [])))

    def _put(self, context: Context, properties: Properties) -> None:
        for role in properties.get("Roles", []):
            context.client("iam").put_role_policy(
                RoleName=role,
                PolicyName=properties["PolicyName"],
                PolicyDocument=_document(properties["PolicyDocument"]),
            )

    def _remove(self, context: Context, resource: Resource, roles: set[str]) -> None:
        client = context.client("iam")
        for role in sorted(roles):
            try:
                client.delete_role_policy(RoleName=role, PolicyName=resource.properties["PolicyName"])
            except client.exceptions.NoSuchEntityException:
                continue  # the role went first and took the policy with it


class ManagedPolicy(Handler):
    type = "AWS::IAM::ManagedPolicy"
    name_property = "ManagedPolicyName"
    name_length = 128
    attributes = frozenset({"PolicyArn"})
    replacing = frozenset({"ManagedPolicyName", "Path", "Description"})
    iam = True

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "PolicyDocument")
        client = context.client("iam")
        arguments = {
            "PolicyName": self.name(context, properties),
            "PolicyDocument": _document(properties["PolicyDocument"]),
            "Path": properties.get("Path"),
            "Description": properties.get("Description"),
        }
        arn = client.create_policy(**fitted(client, "CreatePolicy", arguments))["Policy"]["Arn"]
        self._attach(client, arn, set(), set(properties.get("Roles", [])))
        return Made(arn, {"PolicyArn": arn})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, arn = context.client("iam"), resource.physical_id
        if resource.properties["PolicyDocument"] != properties["PolicyDocument"]:
            self._delete_old_versions(client, arn)
            document = _document(properties["PolicyDocument"])
            client.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        self._attach(client, arn, set(resource.properties.get("Roles", [])), set(properties.get("Roles", [])))
        return Made(arn, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        client, arn = context.client("iam"), resource.physical_id
        for role in client.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]:
            client.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
        self._delete_old_versions(client, arn)
        client.delete_policy(PolicyArn=arn)

    def _attach(self, client: Any, arn: str, old: set[str], new: set[str]) -> None:
        for role in sorted(new - old):
            client.attach_role_policy(RoleName=role, PolicyArn=arn)
        for role in sorted(old - new):
            client.detach_role_policy(RoleName=role, PolicyArn=arn)

    def _delete_old_versions(self, client: Any, arn: str) -> None:
        for version in client.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


def _document(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
