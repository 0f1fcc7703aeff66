"""Every other resource type that moto itself can create: S3 buckets, SQS queues, Lambda functions and more.

Moto's own handlers are used as they are; what they ignore is ignored.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from elt_redshift.local.cloudformation.resources.base import Context, Handler, Made, Properties, Resource


class MotoHandler(Handler):
    """A type of moto's. The moto object is kept among the attributes, since only it knows them all."""

    attributes = None

    def __init__(self, type_name: str, model: Any) -> None:
        self.resource_type = type_name
        self.model = model

    def create(self, context: Context, properties: Properties) -> Made:
        name = self._name(context, properties)
        instance = self.model.create_from_cloudformation_json(
            name,
            self._json(properties),
            context.account,
            context.region,
            LogicalId=context.logical_id,
            StackId=context.stack_id,
            ResourceType=self.resource_type,
        )
        return self._made(instance)

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        if hasattr(self.model.update_from_cloudformation_json, "__isabstractmethod__"):
            raise NotImplementedError(f"the embedded AWS cannot update {self.resource_type}")
        instance = self.model.update_from_cloudformation_json(
            original_resource=resource.attributes[_INSTANCE],
            new_resource_name=resource.physical_id,
            cloudformation_json=self._json(properties),
            account_id=context.account,
            region_name=context.region,
        )
        return self._made(instance)

    def delete(self, context: Context, resource: Resource) -> None:
        instance = resource.attributes[_INSTANCE]
        if hasattr(instance, "delete"):
            instance.delete(context.account, context.region)
        elif not hasattr(self.model.delete_from_cloudformation_json, "__isabstractmethod__"):
            self.model.delete_from_cloudformation_json(
                resource.physical_id, self._json(resource.properties), context.account, context.region
            )

    def _json(self, properties: Properties) -> dict[str, Any]:
        return {"Type": self.resource_type, "Properties": deepcopy(dict(properties))}

    def _name(self, context: Context, properties: Properties) -> str:
        from moto.cloudformation.parsing import generate_resource_name

        given = properties.get(self.model.cloudformation_name_type() or "")
        return str(given or generate_resource_name(self.resource_type, context.stack_name, context.logical_id))

    def _made(self, instance: Any) -> Made:
        return Made(instance.physical_resource_id, _Attributes(instance))


_INSTANCE = "moto:instance"


class _Attributes(dict[str, Any]):
    """Attributes as moto's object answers them."""

    def __init__(self, instance: Any) -> None:
        super().__init__({_INSTANCE: instance})

    def __contains__(self, name: object) -> bool:
        return name == _INSTANCE or bool(self[_INSTANCE].has_cfn_attr(name))

    def __missing__(self, name: str) -> Any:
        return self[_INSTANCE].get_cfn_attribute(name)
