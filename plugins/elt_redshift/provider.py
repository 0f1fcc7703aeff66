"""What an installed wheel tells Airflow about itself, by the entry point ``apache_airflow_provider``.

Every process of Airflow reads it, so it imports nothing. In MWAA's plugins folder the plugin module does this work.
https://airflow.apache.org/docs/apache-airflow-providers/howto/create-custom-providers.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift import __doc__ as description
from elt_redshift.version import __version__

#: The integrations: what each is about, its guide in this project, and its modules by the role that Airflow lists.
JOBS, SQL, LOCK = "ELT jobs on AWS Step Functions", "SQL on Amazon Redshift", "Audit lock on Amazon DynamoDB"
DOCS = {
    JOBS: ("https://docs.aws.amazon.com/step-functions/latest/dg/welcome.html", "/docs/airflow.md"),
    SQL: ("https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html", "/docs/operators.md"),
    LOCK: ("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html", "/docs/operators.md"),
}
MODULES = {
    "operators": {
        JOBS: ["base", "group_mirror", "mirror", "step_functions"],
        SQL: ["redshift_sql"],
        LOCK: ["audit_lock"],
    },
    "sensors": {JOBS: ["execution"], SQL: ["base", "redshift_statement"]},
    "hooks": {JOBS: ["step_functions"]},
    "triggers": {
        JOBS: ["base", "execution", "mirror", "step_functions"],
        SQL: ["statement"],
        LOCK: ["audit_lock"],
    },
}


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, as Airflow's ``provider_info.schema.json`` describes it. Connections, and their hooks,
    are the amazon provider's; there is nothing to configure."""
    return {
        "package-name": "airflow-provider-elt-redshift",
        "name": "ELT on Amazon Redshift",
        "description": description,
        "versions": [__version__],
        "integrations": [
            {"integration-name": name, "external-doc-url": url, "how-to-guide": [guide], "tags": ["aws"]}
            for name, (url, guide) in DOCS.items()
        ],
        **{role: _listed(role, modules) for role, modules in MODULES.items()},
        "extra-links": [f"elt_redshift.links.console.{name}" for name in ("ExecutionLink", "QueriesLink")],
        "connection-types": [],
        "config": {},
    }


def _listed(role: str, modules: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [
        {"integration-name": name, "python-modules": [f"elt_redshift.{role}.{module}" for module in found]}
        for name, found in modules.items()
    ]
