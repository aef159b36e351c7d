"""One serving process of an endpoint: started, pinged, watched, started again, stopped."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.aws.sagemaker.containers.processes import SupervisedProcess, SupervisorLostError
from localcloud.aws.sagemaker.containers.records import LOG, ExitRecord
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.failure_reasons import exit_code, exit_reason
from localcloud.aws.sagemaker.log_shipping import read_tail
from localcloud.aws.sagemaker.socket_http import ConnectionPool, ping

logger = logging.getLogger("localcloud.sagemaker.serving")

# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
PING_TIMEOUT_S = 2.0
STOP_GRACE_S = 30.0
_PING_INTERVAL_S = 0.02
_WAIT_S = 5.0
_MAX_BACKOFF_S = 30.0
_REASON_LOG_BYTES = 4096


class Instance:
    """A process and the pool of connections to it. `in_flight` and `connections` belong to the event loop."""

    def __init__(
        self,
        variant: str,
        number: int,
        directory: Path,
        socket_path: Path,
        start_process: Callable[[], SupervisedProcess],
    ) -> None:
        self.variant = variant
        self.number = number
        self.directory = directory
        self.ready = False
        self.in_flight = 0
        self.connections = ConnectionPool(socket_path)
        self.socket_path = socket_path
        self._start_process = start_process
        self._process: SupervisedProcess | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The container's first process, when it was started."""
        process = self._process
        return process.ids.child if process is not None else None

    def adopt(self) -> bool:
        """Takes over the process that an earlier emulator left, if it still runs."""
        process = SupervisedProcess.find(self.directory)
        if process is None or not process.is_running:
            return False
        self._process = process
        return True

    def launch(self) -> None:
        """Starts the process; it is not ready yet.

        Raises:
            ContainerFailure: Its supervisor did not start.
        """
        self.socket_path.unlink(missing_ok=True)
        try:
            self._process = self._start_process()
        except SupervisorLostError as error:
            raise ContainerFailure(f"InternalServerError: {error}") from error

    def await_ready(self, timeout_s: float) -> None:
        """Pings until the container answers 200.

        Raises:
            ContainerFailure: It ended, or does not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        process = self._process
        while process is not None and not ping(self.socket_path, PING_TIMEOUT_S):
            record = process.wait(_PING_INTERVAL_S)
            if record is not None or time.monotonic() > deadline or self._stopping.is_set():
                raise self._ping_failure(record)
        self.ready = True

    def watch(self) -> None:
        """Keeps the process alive from now on, in a thread."""
        self._watcher = threading.Thread(target=self._keep_alive, name=f"watch-{self.variant}", daemon=True)
        self._watcher.start()

    def begin_stop(self) -> None:
        """SIGTERM now, SIGKILL after 30 s."""
        self._stopping.set()
        self.ready = False
        if self._process is not None:
            self._process.request_stop()

    def finish_stop(self, timeout_s: float) -> None:
        """Waits for the end; after the timeout the process is killed."""
        if self._watcher is not None:
            self._watcher.join(timeout=_WAIT_S)
        if self._process is not None:
            # Once more: the watcher may have started a new process meanwhile.
            self._process.request_stop()
            if self._process.wait(timeout_s) is None:
                self._process.kill()
        self.socket_path.unlink(missing_ok=True)

    def _keep_alive(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            process = self._process
            record = process.wait(_WAIT_S) if process is not None else None
            if self._stopping.is_set() or (process is not None and record is None):
                continue
            self.ready = False
            if record is not None:
                logger.warning("%s: %s; starting it again", self.directory.name, self._ping_failure(record))
            self._stopping.wait(min(_MAX_BACKOFF_S, failures * failures * 0.5))
            failures = 0 if self._restart() else failures + 1

    def _restart(self) -> bool:
        try:
            if not self._stopping.is_set():
                self.launch()
                self.await_ready(_MAX_BACKOFF_S)
        except ContainerFailure as failure:
            if self._process is not None:
                self._process.kill()
            if not self._stopping.is_set():
                logger.warning("%s: %s", self.directory.name, failure)
            return False
        return True

    def _ping_failure(self, record: ExitRecord | None) -> ContainerFailure:
        tail = read_tail(self.directory / LOG, _REASON_LOG_BYTES)
        said = [line.strip() for line in tail.splitlines() if line.strip()]
        if record is not None:
            why = f"The container ended: {exit_reason(record, tail)}, exit code: {exit_code(record)}."
        else:
            why = f"Its last line: {said[-1]}" if said else "It printed nothing."
        return ContainerFailure(
            f"The primary container for production variant {self.variant} did not pass the ping health check. Please "
            f"check CloudWatch logs for this endpoint. {why}"
        )
