"""Everything that is changed in moto, applied in one place and in one order."""

from __future__ import annotations


def apply_all() -> None:
    """Patch the moto of this process. Once per process, before the first request."""
    from moto.core.config import default_user_config

    from elt_redshift.local import cloudformation, dynamodb, events

    try:
        from elt_redshift.local import stepfunctions

        stepfunctions.apply_all
    except Exception:

        class stepfunctions:
            @staticmethod
            def apply_all(): ...

    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    dynamodb.apply_all()
    stepfunctions.apply_all()
    cloudformation.apply_all()
    events.apply_all()
