"""Web pages, foreign names and strangers get nothing from the embedded AWS; programs of this machine get everything."""

from __future__ import annotations

import http.client
import json
import re
import stat
from pathlib import Path

import pytest

from elt_redshift.local import door, process
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.conftest import ClientFactory

from .test_http import SIGNED

#: How a page would try it: by script (also from a file or a frame), and by an image, a form or a link.
PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:4599"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
]
FOREIGN = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example:{port}",
    "localhost.evil.example",
    "evil.example#localhost",
    "notlocalhost",
    "0.0.0.0:{port}",
    "169.254.169.254",
    "dynamodb.us-east-1.amazonaws.com",
    "[::2]:{port}",
    "",
]
OURS = ["127.0.0.1", "127.0.0.1:{port}", "localhost", "LOCALHOST:{port}", "[::1]", "[::1]:{port}", "localhost:1"]
MANAGEMENT = [
    "/moto-api/reset",
    "/moto-api/data.json",
    "//moto-api/reset",
    "/%6doto-api/reset",
    "/moto-api",
    "/elt-redshift/status",
    "/elt-redshift/clock",
    "//elt-redshift/status",
]

Answer = tuple[int, dict[str, str], bytes]


class Caller:
    """Raw HTTP with exactly the headers that are given."""

    def __init__(self, aws: LocalAws) -> None:
        self.port = aws.port

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=bounds.ANSWER)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body)), **headers}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def create_table(self, name: str, headers: dict[str, str]) -> Answer:
        request = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        }
        own = {"X-Amz-Target": "DynamoDB_20120810.CreateTable", "Authorization": SIGNED.format("dynamodb")}
        return self("POST", "/", {**own, **headers}, json.dumps(request).encode())


@pytest.fixture
def call(local_aws: LocalAws) -> Caller:
    return Caller(local_aws)


@pytest.fixture
def bucket(client: ClientFactory, unique: str) -> str:
    """A bucket whose own CORS rules would let every page in."""
    s3 = client("s3")
    s3.create_bucket(Bucket=unique)
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=unique, CORSConfiguration={"CORSRules": [rule]})
    return unique


def assert_refused(answer: Answer, reason: str) -> None:
    status, headers, body = answer
    assert (status, headers["content-type"]) == (403, "application/json")
    assert re.search(reason, json.loads(body)["message"])
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_web_page_sends_is_refused(
    call: Caller, client: ClientFactory, unique: str, bucket: str, page: dict[str, str]
) -> None:
    """A request of a page is refused whatever it asks for, and nothing of it happens."""
    assert_refused(call.create_table(unique, page), "web pages")
    assert_refused(call("PUT", f"/{bucket}/k", page, b"x"), "web pages")
    assert_refused(call("GET", f"/?Action=CreateTopic&Name={unique}", page), "web pages")
    assert_refused(call("GET", "/elt-redshift/status", page), "web pages")
    assert unique not in client("dynamodb").list_tables()["TableNames"]
    assert client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_preflight_is_refused(call: Caller, bucket: str) -> None:
    """A browser that asks whether a page may write hears no, for a bucket with CORS rules too."""
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    for path in ("/", f"/{bucket}", f"/{bucket}/k", "/moto-api/reset"):
        assert_refused(call("OPTIONS", path, asks), "web pages")


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(call: Caller, client: ClientFactory, unique: str, host: str) -> None:
    """A name that was pointed at this machine (DNS rebinding) is refused, and nothing of the request happens."""
    assert_refused(call.create_table(unique, {"Host": host.format(port=call.port)}), "to the host")
    assert unique not in client("dynamodb").list_tables()["TableNames"]


def test_a_foreign_host_in_the_request_line_is_refused(call: Caller) -> None:
    """A whole URL in the request line outranks the Host header."""
    assert_refused(call("GET", "http://evil.example/", {}), "to the host 'evil.example'")


@pytest.mark.parametrize("host", OURS)
def test_names_of_this_machine_are_served(call: Caller, unique: str, host: str) -> None:
    """127.0.0.1, localhost and [::1] are served, with and without a port; so is a person who types the address."""
    headers = {"Host": host.format(port=call.port), "Sec-Fetch-Site": "none"}
    assert call.create_table(unique, headers)[0] == 200


def test_a_bucket_in_the_host_is_served(call: Caller, client: ClientFactory, bucket: str) -> None:
    """boto3 puts the bucket before localhost when its endpoint is http://localhost."""
    headers = {"Host": f"{bucket}.localhost:{call.port}", "Authorization": SIGNED.format("s3")}
    assert call("PUT", "/k", headers, b"virtual")[0] == 200
    assert client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"virtual"


def test_no_answer_carries_cors(call: Caller, local_aws: LocalAws, bucket: str) -> None:
    """Good, failing and unknown requests, OPTIONS and management: no answer lets a page read it."""
    s3 = {"Authorization": SIGNED.format("s3")}
    answers = [
        call("PUT", f"/{bucket}/k", s3, b"x"),
        call("GET", f"/{bucket}/k", s3),
        call("HEAD", f"/{bucket}/k", s3),
        call("GET", f"/{bucket}/absent", s3),
        call("OPTIONS", f"/{bucket}/k", s3),
        call("OPTIONS", "/", {}),
        call("GET", "/elt-redshift/status", door.authorization(local_aws.token)),
        call("GET", "/moto-api/data.json", door.authorization(local_aws.token)),
        call("POST", "/", {"X-Amz-Target": "Nonsense.Nothing"}),
    ]
    assert [status for status, _, _ in answers[:4]] == [200, 200, 200, 404]
    assert not [name for _, headers, _ in answers for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", MANAGEMENT)
@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer wrong", "Bearer \xe9", "{token}", SIGNED.format("motoapi")]
)
def test_management_needs_the_token(call: Caller, local_aws: LocalAws, path: str, token: str | None) -> None:
    """Without exactly the token, moto's management and ours are refused, however the path is written."""
    headers = {} if token is None else {"Authorization": token.format(token=local_aws.token)}
    assert_refused(call("POST", path, headers), "needs the token in local.json")


def test_management_with_the_token(call: Caller, local_aws: LocalAws) -> None:
    """With the token both answer."""
    headers = door.authorization(local_aws.token)
    assert json.loads(call("GET", "/elt-redshift/status", headers)[2])["pid"] == local_aws.pid
    assert call("GET", "/moto-api/lib.js", headers)[0] == 200


def test_the_token_is_its_owners(local_aws: LocalAws) -> None:
    """It is in a file that nobody else reads, differs from server to server, and is not shown."""
    file = Path(local_aws.directory) / "local.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["token"] == local_aws.token
    assert len(local_aws.token) >= 32
    assert local_aws.token not in repr(local_aws)
    assert local_aws.token not in "".join(process.environment(local_aws).values())
    assert local_aws.token.encode() not in Path(f"/proc/{local_aws.pid}/cmdline").read_bytes()
    assert local_aws.token.encode() not in Path(f"/proc/{local_aws.pid}/environ").read_bytes()
