"""The HTTP server keeps connections alive, whatever comes over them."""

from __future__ import annotations

import http.client
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlparse

import pytest

from elt_redshift.local import http as local_http
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.conftest import ClientFactory
from tests.local.runs.conftest import WAREHOUSE, closed_barrier

SIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"


@pytest.fixture
def connection(local_aws: LocalAws) -> Any:
    """A connection of one's own."""
    address = urlparse(local_aws.endpoint)
    found = http.client.HTTPConnection(address.hostname or "", address.port, timeout=bounds.ANSWER)
    yield found
    found.close()


def call(connection: http.client.HTTPConnection, target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A JSON request of DynamoDB."""
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{target}", "Authorization": SIGNED.format("dynamodb")}
    headers["Content-Type"] = "application/x-amz-json-1.0"
    connection.request("POST", "/", json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    "lines",
    [
        b"Host: a:1\r\nX-Empty:\r\nAccept: \t a  b \r\nhost: twice\r\nX: \xe9\r\n",
        b"A: 1\nB:2\n",
        b"A: goes\r\n on\r\nB: 2\r\n",
        b"A: 1\r\nno header\r\nB: 2\r\n",
        b"A : 1\r\n",
        b": 1\r\nA: 1\r\n",
        b"A: 1\rB: 2\r\n",
        b"",
    ],
)
def test_headers_are_read_as_python_reads_them(monkeypatch: pytest.MonkeyPatch, lines: bytes) -> None:
    """Good ones and bad ones, to where the body begins."""
    wanted = http.client.parse_headers(io.BytesIO(lines + b"\r\nbody"))
    monkeypatch.setattr(http.client, "parse_headers", http.client.parse_headers)  # put back at the end
    local_http.apply()
    stream = io.BytesIO(lines + b"\r\nbody")
    found = http.client.parse_headers(stream)
    assert [found.items(), [str(one) for one in found.defects], found.get_payload()] == [
        wanted.items(),
        [str(one) for one in wanted.defects],
        wanted.get_payload(),
    ]
    assert stream.read() == b"body"


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection, unique: str) -> None:
    """Good, refused and failing requests follow each other on the same connection."""
    statuses = []
    sockets = set()
    for target, body in [
        ("ListTables", {}),
        ("DescribeTable", {"TableName": unique}),
        ("Nonsense", {}),
        ("ListTables", {}),
    ]:
        statuses.append(call(connection, target, body)[0])
        assert connection.sock is not None, "the server closed the connection"
        sockets.add(connection.sock.getsockname())
    assert (statuses[0], statuses[1], statuses[3]) == (200, 400, 200)
    assert statuses[2] >= 400
    assert len(sockets) == 1


def test_head_tells_the_length_and_sends_no_body(
    client: ClientFactory, connection: http.client.HTTPConnection, unique: str
) -> None:
    """After a HEAD the connection is where it should be."""
    client("s3").create_bucket(Bucket=unique)
    client("s3").put_object(Bucket=unique, Key="k", Body=b"x" * 1000)
    for method, length in (("HEAD", 0), ("GET", 1000)):
        connection.request(method, f"/{unique}/k", headers={"Authorization": SIGNED.format("s3")})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Length"), len(answer.read())) == (200, "1000", length)


def test_chunked_bodies_arrive(client: ClientFactory, connection: http.client.HTTPConnection, unique: str) -> None:
    """A body of unknown length, sent in chunks, arrives whole."""
    client("s3").create_bucket(Bucket=unique)
    headers = {"Authorization": SIGNED.format("s3"), "Transfer-Encoding": "chunked"}
    connection.request(
        "PUT", f"/{unique}/k", body=iter([b"one ", b"two ", b"three"]), headers=headers, encode_chunked=True
    )
    assert connection.getresponse().read() == b""
    assert client("s3").get_object(Bucket=unique, Key="k")["Body"].read() == b"one two three"


def test_large_objects_arrive(client: ClientFactory, unique: str) -> None:
    """Ten megabytes go in and come out, by put and by multipart upload."""
    body = bytes(range(256)) * 40_000
    client("s3").create_bucket(Bucket=unique)
    client("s3").put_object(Bucket=unique, Key="k", Body=body)
    assert client("s3").get_object(Bucket=unique, Key="k")["Body"].read() == body


def test_a_waiting_request_holds_up_nobody(client: ClientFactory, unique: str) -> None:
    """While statements wait for the database, other requests are answered."""
    data = client("redshift-data")
    with ThreadPoolExecutor(5) as pool:
        with closed_barrier(client) as barrier:
            ids = [data.execute_statement(Sql=barrier.pass_, **WAREHOUSE)["Id"] for _ in range(5)]
            waiting = [pool.submit(data.describe_statement, Id=statement, WaitTimeSeconds=30) for statement in ids]
            assert client("dynamodb").list_tables()["ResponseMetadata"]["HTTPStatusCode"] == 200
            assert [found.done() for found in waiting] == [False] * 5
        assert [found.result()["Status"] for found in waiting] == ["FINISHED"] * 5


def test_a_crash_is_an_error_that_names_it() -> None:
    """An exception in the application becomes a 500 with its message, for clients that show it."""

    def crash(environ: dict[str, Any], start_response: Any) -> Any:
        raise RuntimeError("broken inside")

    listener = local_http.bind(0)
    server = local_http.server(listener, crash)
    with listener, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve_forever, 0.05)
        connection = http.client.HTTPConnection(*listener.getsockname(), timeout=bounds.ANSWER)
        connection.request("POST", "/", b"{}")
        answer = connection.getresponse()
        assert (answer.status, "broken inside" in answer.read().decode()) == (500, True)
        connection.close()
        server.shutdown()
        serving.result()
    server.server_close()
