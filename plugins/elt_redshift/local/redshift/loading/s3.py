"""The S3 that COPY and UNLOAD use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from elt_redshift.local.redshift.errors import StatementError


class Bucket:
    """Objects by bucket and key.

    :param endpoint_url: of the embedded AWS; ``None``: what boto3 finds in the environment.
    """

    def __init__(self, endpoint_url: str | None = None) -> None:
        self._endpoint_url = endpoint_url

    @cached_property
    def _client(self) -> Any:
        # Imported late, because most sessions never load anything.
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self._endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",  # noqa: S106 - moto checks none
            config=Config(s3={"addressing_style": "path"}),
        )

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """The keys that start with ``prefix``, in order.

        :raises StatementError: there is no such bucket.
        """
        with _refused():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, bucket: str, key: str) -> bytes:
        """The contents of an object.

        :raises StatementError: there is none.
        """
        with _refused():
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object.

        :raises StatementError: there is no such bucket.
        """
        with _refused():
            self._client.put_object(Bucket=bucket, Key=key, Body=body)


@contextmanager
def _refused() -> Iterator[None]:
    """S3's refusals in the words in which Redshift passes them on.

    https://docs.aws.amazon.com/redshift/latest/dg/s3serviceexception-error.html
    """
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        words = f"{error.response['Error']['Message']},Status {status},Error {code}"
        raise StatementError(f"S3ServiceException:{words}") from None
    except ParamValidationError:
        raise StatementError(
            "S3ServiceException:The specified bucket is not valid.,Status 400,Error InvalidBucketName"
        ) from None
    except BotoCoreError as error:
        raise StatementError(f"S3CurlException: {error}") from None
