"""Everything that is changed in moto, applied in one place and in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elt_redshift.local.redshift import DataApi


def apply_all() -> None:
    """Configure and patch the moto of this process. Once per process, before the first request."""
    from moto.core.config import default_user_config

    from elt_redshift.local import http, regions

    http.apply()
    regions.apply()
    http.answer_fast()
    with regions.no_machines():
        from elt_redshift.local import awslambda, cloudformation, cloudwatch, dynamodb, events, stepfunctions
        from elt_redshift.local.iam import simulation

        stepfunctions.patches()  # imports what it changes

    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    dynamodb.apply_all()
    awslambda.apply_all()
    stepfunctions.apply_all()
    cloudformation.apply_all()
    events.apply_all()
    cloudwatch.apply()
    simulation.apply()


def install_data_api(data_api: DataApi) -> None:
    """Let moto's Redshift Data API answer from one that executes."""
    from elt_redshift.local.redshift import moto_adapter

    moto_adapter.install(data_api)
