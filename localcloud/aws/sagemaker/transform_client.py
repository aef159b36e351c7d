"""Asking the container of a transform job, over its Unix socket, as often as it takes.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

import http.client
import json
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.instance import Instance
from localcloud.aws.sagemaker.store import Document

logger = logging.getLogger("localcloud.sagemaker.transform")

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelClientConfig.html
_DEFAULT_TIMEOUT_S = 600
_DEFAULT_RETRIES = 3
_SUGGESTION_TIMEOUT_S = 10.0
_RESTART_TIMEOUT_S = 60.0
_SHOWN_CHARACTERS = 900


class TransformClient:
    """Asks one instance; any number of threads at a time."""

    def __init__(self, instance: Instance, job: Document, check_stop: Callable[[], None]) -> None:
        self._instance = instance
        self._name = job["TransformJobName"]
        self._check_stop = check_stop
        config = job.get("ModelClientConfig", {})
        self._retries = config.get("InvocationsMaxRetries", _DEFAULT_RETRIES)
        self._timeout_s = config.get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT_S)
        self._headers = {"Content-Type": job["TransformInput"].get("ContentType", "application/octet-stream")}
        if "Accept" in job["TransformOutput"]:
            self._headers["Accept"] = job["TransformOutput"]["Accept"]

    def suggestions(self) -> Document:
        """The answer to GET /execution-parameters; empty where the container has none, which it need not have."""
        try:
            status, body = _call(self._instance.socket_path, "GET", "/execution-parameters", _SUGGESTION_TIMEOUT_S)
            suggested = json.loads(body) if status == 200 else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            logger.info("Transform job %s: no execution parameters: %s", self._name, error)
            return {}
        return suggested if isinstance(suggested, dict) else {}

    def ask(self, body: bytes) -> bytes:
        """The container's answer; a container that dies is asked again when it is back.

        Raises:
            ContainerFailure: It refuses, or dies each time.
        """
        for attempt in range(self._retries + 1):
            self._check_stop()
            try:
                status, answer = _call(
                    self._instance.socket_path, "POST", "/invocations", self._timeout_s, body, self._headers
                )
            except (OSError, http.client.HTTPException) as error:
                logger.warning("Transform job %s: %s; asking again", self._name, error)
                self._await_restart()
                continue
            if status < 300:
                return answer
            if status < 500 or attempt == self._retries:
                said = answer.decode(errors="replace")[:_SHOWN_CHARACTERS]
                raise ContainerFailure(f"ClientError: See job logs for more information. Status {status}: {said}")
        raise ContainerFailure("AlgorithmError: The container ended during each of its requests.")

    def _await_restart(self) -> None:
        deadline = time.monotonic() + _RESTART_TIMEOUT_S
        # The watcher notices the end a moment after the connection broke.
        time.sleep(0.2)
        while not self._instance.ready and time.monotonic() < deadline:
            self._check_stop()
            time.sleep(0.05)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _call(
    path: Path,
    method: str,
    target: str,
    timeout_s: float,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    connection = _UnixConnection(path, timeout_s)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
