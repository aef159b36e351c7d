"""What InvokeEndpoint costs beside the container: through the edge, plainly and with data capture, and at its socket.

The same toy container answers everywhere, and the same kind of caller asks: one raw keep-alive connection, a signed
request computed before, so that what is measured is the way and not boto3. The peer, LocalStack's SageMaker, is in no
image that can be had without an account.
"""

import argparse
import io
import json
import os
import socket
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks._report import Goal, Measurement, report
from localcloud import cloud

_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/benchmark:1"
_REGION = "us-east-1"
_BUCKET = "benchmark"
_BODY = b"1,2,3,4\n"
_WARM_UP = 200
_ROUNDS = 10
_READY_TIMEOUT_S = 60.0
# Verifying the signature and judging the policies take most of it.
_WANTED_OVERHEAD_US = 500.0
_WANTED_CAPTURE_US = 50.0
_CONTAINER = """
import asyncio, os, sys, httptools

class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
    def data_received(self, data):
        self.parser.feed_data(data)
    def on_message_complete(self):
        body = b'{"predictions": [1.0]}'
        head = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body)
        self.transport.write(head + body)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(Answer, os.environ["SAGEMAKER_BIND_TO_UNIX_SOCKET"])
    await server.serve_forever()

asyncio.run(main())
"""


class Caller:
    """One keep-alive connection that sends the same bytes again and again."""

    def __init__(self, connection: socket.socket, message: bytes) -> None:
        self._connection = connection
        self._message = message

    def call(self) -> None:
        """One request and its whole answer."""
        self._connection.sendall(self._message)
        head, _, body = self._receive_head().partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"Not answered: {head.decode()}")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        while len(body) < length:
            body += self._connection.recv(65536)

    def _receive_head(self) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._connection.recv(65536)
        return received


def measure(callers: list[Caller], calls: int) -> list[float]:
    """Microseconds of each caller's median call. They take turns: what else the machine does meets all alike."""
    taken_s: list[list[float]] = [[] for _ in callers]
    for caller in callers:
        for _ in range(_WARM_UP):
            caller.call()
    for _ in range(_ROUNDS):
        for caller, taken in zip(callers, taken_s, strict=True):
            for _ in range(calls // _ROUNDS):
                started = time.perf_counter()
                caller.call()
                taken.append(time.perf_counter() - started)
    return [statistics.median(taken) * 1e6 for taken in taken_s]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--quick", action="store_true", help="500 calls each instead of 5000")
    options = parser.parse_args()
    calls = 500 if options.quick else 5000
    with tempfile.TemporaryDirectory(dir="/tmp") as directory, _cloud(Path(directory)) as url:
        container = _make_endpoints(url)
        callers = [_socket_caller(container), _edge_caller(url, "plain"), _edge_caller(url, "captured")]
        limit, plain, captured = measure(callers, calls)
    path = "InvokeEndpoint p50"
    measurements = [
        Measurement(path, "LocalStack", "peer", None, "us"),
        Measurement(path, "edge", "ours", plain, "us"),
        Measurement(path, "edge, every call captured", "ours", captured, "us"),
        Measurement(path, "the container's socket", "limit", limit, "us"),
    ]
    goals = [
        _goal("way through the edge", plain - limit, _WANTED_OVERHEAD_US),
        _goal("data capture on top", captured - plain, _WANTED_CAPTURE_US),
        Goal("faster than the peer", "p50", "peer absent", None),
    ]
    report(measurements, goals, as_json=options.json)


def _goal(name: str, took_us: float, wanted_us: float) -> Goal:
    return Goal(name, f"<= {wanted_us:.0f} us", f"{took_us:.0f} us", took_us <= wanted_us)


@contextmanager
def _cloud(directory: Path) -> Iterator[str]:
    container = directory / "container.py"
    container.write_text(_CONTAINER)
    images = directory / "images.json"
    images.write_text(json.dumps({_IMAGE: {"command": [sys.executable, str(container)], "cwd": "/", "env": {}}}))
    info = cloud.start(directory / "cloud", _free_port(), images)
    try:
        yield info.url
    finally:
        cloud.stop(directory / "cloud")


def _make_endpoints(url: str) -> Path:
    """Two endpoints of the container, one that captures; the socket of the plain one."""
    s3, iam, sagemaker = (_client(service, url) for service in ("s3", "iam", "sagemaker"))
    s3.create_bucket(Bucket=_BUCKET)
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w:gz").close()
    s3.put_object(Bucket=_BUCKET, Key="model.tar.gz", Body=archive.getvalue())
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = iam.create_role(RoleName="benchmark", AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="benchmark", PolicyName="data", PolicyDocument=_policy(allowed))
    container = {"Image": _IMAGE, "ModelDataUrl": f"s3://{_BUCKET}/model.tar.gz"}
    sagemaker.create_model(ModelName="benchmark", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": "benchmark", "InstanceType": "ml.c6i.large"}
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{_BUCKET}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    before = set(_sockets())
    for name, more in (("plain", {}), ("captured", {"DataCaptureConfig": capture})):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 1}], **more
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        _await_endpoint(sagemaker, name)
        if name == "plain":
            (plain_socket,) = set(_sockets()) - before
    return plain_socket


def _sockets() -> list[Path]:
    return list(Path("/tmp").glob(f"localcloud-{os.getuid()}-*/*.sock"))


def _await_endpoint(sagemaker: Any, name: str) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while (status := sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]) != "InService":
        if status == "Failed" or time.monotonic() > deadline:
            raise SystemExit(f"Endpoint {name} is {status}.")
        time.sleep(0.05)


def _socket_caller(path: Path) -> Caller:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    head = f"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(_BODY)}\r\n\r\n"
    return Caller(connection, head.encode() + _BODY)


def _edge_caller(url: str, endpoint: str) -> Caller:
    request = AWSRequest(
        "POST", f"{url}/endpoints/{endpoint}/invocations", headers={"content-type": "text/csv"}, data=_BODY
    )
    SigV4Auth(Credentials("test", "test"), "sagemaker", _REGION).add_auth(request)
    address = urlsplit(url)
    prepared = request.prepare()
    headers = {"host": address.netloc, **dict(prepared.headers.items())}
    lines = [f"POST {urlsplit(prepared.url).path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    connection = socket.create_connection((address.hostname, address.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Caller(connection, ("\r\n".join(lines) + "\r\n\r\n").encode() + _BODY)


def _client(service: str, url: str) -> Any:
    return boto3.client(
        service, endpoint_url=url, region_name=_REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
