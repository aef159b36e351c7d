"""The container as a transform job asks it: a process of its own, a file a request, over its socket."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._contenders import peak_mb

_READY_TIMEOUT_S = 60.0
_TYPE = "application/x-parquet"
_MAX_PAYLOAD_MB = "100"


class Container:
    """A running one."""

    def __init__(self, process: "subprocess.Popen[bytes]", path: Path) -> None:
        self._process = process
        self._path = path

    def score(self, file: Path, target: Path) -> None:
        """Predictions of one file."""
        status, answer = self._call("POST", "/invocations", file.read_bytes())
        if status != 200:
            raise SystemExit(f"{file.name} was refused: {answer[:500].decode()}")
        target.write_bytes(answer)

    def is_ready(self) -> bool:
        """Whether it answers /ping."""
        try:
            return self._call("GET", "/ping")[0] == 200
        except OSError:
            return False

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """Most memory that it has held."""
        return peak_mb(self._process.pid)

    def _call(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = _UnixConnection(self._path)
        try:
            connection.request(method, target, body, {"Content-Type": _TYPE, "Accept": _TYPE})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextmanager
def container(base: Path) -> Iterator[Container]:
    """A container whose model lies in `base`/model, ready to be asked."""
    path = base / "socket"
    told = {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_UNIX_SOCKET": str(path),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": _MAX_PAYLOAD_MB,
        "COMAL_MODEL_VERSION": "1",
    }
    command = [sys.executable, "-m", "training", "serve"]
    process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.DEVNULL)
    try:
        running = Container(process, path)
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not running.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The container does not answer.")
            time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))
