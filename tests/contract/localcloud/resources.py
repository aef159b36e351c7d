"""What the tests of the local cloud make and wait for: roles, functions, queues, an edge with a fake service."""

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.running_cloud import ACCOUNT, REPOSITORY, RunningCloud, find_free_port, wait_until_ready

PATIENCE_S = 30
RUNTIME = f"python3.{sys.version_info.minor}"


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of the condition; fails after `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"in vain: {what}")


def make_zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def create_role(cloud: RunningCloud, name: str, statements: list[dict[str, Any]]) -> str:
    """A role for anybody, with these statements; returns its ARN."""
    principal = {
        "AWS": f"arn:aws:iam::{ACCOUNT}:root",
        "Service": ["lambda.amazonaws.com", "states.amazonaws.com", "scheduler.amazonaws.com"],
    }
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    iam = cloud.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="allow", PolicyDocument=json.dumps(policy))
    return arn


def create_function(cloud: RunningCloud, name: str, code: str, **options: Any) -> str:
    """A Python function with this source, active when it returns; returns its ARN."""
    role = options.pop("Role", None) or create_role(cloud, f"{name}-role", [])
    functions = cloud.client("lambda")
    arn: str = functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=role,
        Handler="index.handle",
        Code={"ZipFile": make_zip({"index.py": code})},
        **options,
    )["FunctionArn"]
    wait_for(lambda: functions.get_function(FunctionName=name)["Configuration"]["State"] == "Active", "active")
    return arn


def create_queue(cloud: RunningCloud, name: str, **attributes: str) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    sqs = cloud.client("sqs")
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(cloud: RunningCloud, queue_url: str) -> dict[str, Any]:
    """The JSON body of the next message; the message is deleted."""
    sqs = cloud.client("sqs")
    answer = wait_for(
        lambda: sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1).get("Messages"), f"message in {queue_url}"
    )[0]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=answer["ReceiptHandle"])
    body: dict[str, Any] = json.loads(answer["Body"])
    return body


def start_fake_edge(state_dir: Path, port: int | None = None) -> RunningCloud:
    port = port or find_free_port()
    script = Path(__file__).with_name("fake_edge.py")
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "cloud.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(script), str(state_dir), str(port)], cwd=REPOSITORY, stdout=log, stderr=log
        )
    running = RunningCloud(f"http://127.0.0.1:{port}", port, state_dir, state_dir / "images.json", process)
    wait_until_ready(running)
    return running


def read_journal(echo: RunningCloud) -> list[str]:
    return (echo.state_dir / "journal").read_text().splitlines()
