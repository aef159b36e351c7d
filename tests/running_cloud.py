"""A local cloud in a process of its own, for tests: start, client, stop."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

REPOSITORY = Path(__file__).resolve().parents[1]
REGION = "us-east-1"
ACCOUNT = "000000000000"
IMAGE_URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/comal:local"
READY_TIMEOUT_S = 30


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RunningCloud:
    """A local cloud in a process of its own; `client("s3")` is a boto3 client signed in as root."""

    url: str
    port: int
    state_dir: Path
    images: Path
    process: "subprocess.Popen[bytes]"

    def client(self, service: str, access_key: str = "test", secret_key: str = "test", token: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
        )

    def now(self) -> float:
        """What the cloud's clock says, in seconds since 1970: tests that share it may have moved it on."""
        request = urllib.request.Request(f"{self.url}/_localcloud/clock", data=b"{}")
        with urllib.request.urlopen(request) as answer:
            return float(json.load(answer)["now"])

    def advance(self, seconds: float) -> dict[str, Any]:
        """Moves the cloud's clock on, timer by timer."""
        document = json.dumps({"advance_s": seconds}).encode()
        request = urllib.request.Request(f"{self.url}/_localcloud/clock", data=document)
        with urllib.request.urlopen(request) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer


def start_cloud(state_dir: Path, port: int | None = None) -> RunningCloud:
    """Starts `python -m localcloud.aws` and waits until it answers."""
    port = port or find_free_port()
    state_dir.mkdir(parents=True, exist_ok=True)
    images = state_dir / "images.json"
    command = {"command": [sys.executable, "-m", "training"], "cwd": str(REPOSITORY), "env": {}}
    images.write_text(json.dumps({IMAGE_URI: command}))
    arguments = ["--state-dir", str(state_dir), "--port", str(port), "--images", str(images)]
    with (state_dir / "cloud.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.aws", *arguments],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    running = RunningCloud(f"http://127.0.0.1:{port}", port, state_dir, images, process)
    wait_until_ready(running)
    return running


def wait_until_ready(running: RunningCloud) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{running.url}/_ministack/ready", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if running.process.poll() is not None:
                break
            time.sleep(0.02)
    stop_cloud(running)
    raise RuntimeError(f"The local cloud did not start: {(running.state_dir / 'cloud.log').read_text()}")


def stop_cloud(running: RunningCloud) -> None:
    running.process.terminate()
    try:
        running.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()
