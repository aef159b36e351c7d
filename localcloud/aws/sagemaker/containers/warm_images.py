"""The emulator's side of the fork servers: one per image that lists modules to preload, started at its first use."""

import logging
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.sagemaker.containers.images import Image
from localcloud.aws.sagemaker.containers.processes import PACKAGE_ROOT, SupervisedProcess, spawn_supervisor
from localcloud.aws.sagemaker.containers.records import Launch
from localcloud.processes import STATE_DIR_VARIABLE

logger = logging.getLogger("localcloud.sagemaker.images")

_FORK_SERVER = "localcloud.aws.sagemaker.containers.fork_server"
_START_TIMEOUT_S = 60.0
_POLL_S = 0.01
_ANSWER_TIMEOUT_S = 10.0
# By the state directory `stop` finds the supervisors that it forks; a container's own environment is without it.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE", STATE_DIR_VARIABLE)


@dataclass(frozen=True, slots=True)
class _Server:
    popen: "subprocess.Popen[bytes]"
    path: Path


class WarmImages:
    """Starts containers: from a warm interpreter where the image allows it, else cold."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets
        self._servers: dict[Image, _Server] = {}
        self._lock = threading.Lock()

    def launch(self, image: Image, directory: Path, launch: Launch) -> SupervisedProcess:
        """Starts a container; a command that is not the image's own one starts cold.

        Raises:
            SupervisorLostError: Its supervisor ended before the process started.
        """
        own_command = tuple(launch.command[: len(image.command)]) == image.command
        if not (image.preload and own_command and _is_python(image)):
            return SupervisedProcess.launch(directory, launch)
        return SupervisedProcess.launch(directory, launch, lambda path: self._fork(image, path))

    def stop(self) -> None:
        """Ends the fork servers."""
        with self._lock:
            for server in self._servers.values():
                server.popen.kill()
                server.popen.communicate()
            self._servers.clear()

    def _fork(self, image: Image, directory: Path) -> "subprocess.Popen[bytes] | int":
        """A supervisor from the image's fork server: its pid; or one of our own when the server fails."""
        with self._lock:
            try:
                server = self._running_server(image)
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(_ANSWER_TIMEOUT_S)
                    connection.connect(str(server.path))
                    connection.sendall(os.fsencode(directory))
                    return int(connection.recv(32))
            except (OSError, ValueError, TimeoutError) as error:
                logger.warning("No warm interpreter for %s, starting cold: %s", " ".join(image.command), error)
        return spawn_supervisor(directory)

    def _running_server(self, image: Image) -> _Server:
        server = self._servers.get(image)
        if server is None or server.popen.poll() is not None:
            server = self._start_server(image)
            self._servers[image] = server
        return server

    def _start_server(self, image: Image) -> _Server:
        path = self._sockets / f"fork-{abs(hash(image)) % 16**8:08x}.sock"
        path.unlink(missing_ok=True)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        popen = subprocess.Popen(
            [image.command[0], "-m", _FORK_SERVER, str(path), image.cwd, *image.preload],
            cwd=PACKAGE_ROOT,
            env=kept | dict(image.env),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not path.exists():
            if popen.poll() is not None or time.monotonic() > deadline:
                popen.kill()
                popen.communicate()
                raise TimeoutError(f"it cannot preload {', '.join(image.preload)}")
            time.sleep(_POLL_S)
        return _Server(popen, path)


def _is_python(image: Image) -> bool:
    return len(image.command) > 1 and (image.command[1] == "-m" or image.command[1].endswith(".py"))
