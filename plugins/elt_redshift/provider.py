"""What an installed wheel tells Airflow about itself, by the entry point ``apache_airflow_provider``.

Every process of Airflow reads it, so it imports nothing. In MWAA's plugins folder the plugin module does this work.
https://airflow.apache.org/docs/apache-airflow-providers/howto/create-custom-providers.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift import __doc__ as description
from elt_redshift import __version__


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, as Airflow's ``provider_info.schema.json`` describes it. Connections, and their hooks,
    are the amazon provider's."""
    return {
        "package-name": "airflow-provider-elt-redshift",
        "name": "ELT on Amazon Redshift",
        "description": description,
        "versions": [__version__],
        "hook-class-names": [],
        "connection-types": [],
        "extra-links": [f"elt_redshift.links.console.{name}" for name in ("ExecutionLink", "QueriesLink")],
        "triggers": [
            {
                "integration-name": "ELT on Amazon Redshift",
                "python-modules": [
                    "elt_redshift.triggers.audit_lock",
                    "elt_redshift.triggers.base",
                    "elt_redshift.triggers.earlier_run",
                    "elt_redshift.triggers.execution",
                    "elt_redshift.triggers.mirror",
                    "elt_redshift.triggers.statement",
                    "elt_redshift.triggers.step_functions",
                ],
            }
        ],
        "integrations": [
            {
                "integration-name": "ELT on Amazon Redshift",
                "external-doc-url": "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html",
                "tags": ["aws"],
            }
        ],
        "config": {},
    }
