"""The one version of moto that the patches under ``local/`` were written for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from elt_redshift.local.errors import LocalAwsError

MOTO_VERSION = "5.2.5"


def check_moto_version() -> None:
    """Refuse any other moto: a patch of its internals may silently do nothing, or harm, in another version.

    :raises LocalAwsError: moto is missing or not :data:`MOTO_VERSION`.
    """
    remedy = "install the extra: pip install 'airflow-provider-elt-redshift[local]'"
    try:
        installed = version("moto")
    except PackageNotFoundError as error:
        raise LocalAwsError(f"the embedded AWS needs moto {MOTO_VERSION}, which is not installed: {remedy}") from error
    if installed != MOTO_VERSION:
        raise LocalAwsError(f"the embedded AWS needs moto {MOTO_VERSION}, found {installed}: {remedy}")
