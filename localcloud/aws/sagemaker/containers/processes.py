"""The emulator's side of a supervised process: start it, find it again after a restart, wait for it, end it."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.aws.sagemaker.containers.records import (
    EXIT,
    LAUNCH,
    PROCESS,
    ExitRecord,
    Launch,
    ProcessIds,
    read_exit,
    read_process_ids,
    start_time_of,
    write_record,
)

_SUPERVISOR = "localcloud.aws.sagemaker.containers.supervisor"
# The directory that holds the `localcloud` package.
PACKAGE_ROOT = Path(__file__).resolve().parents[4]
_ANNOUNCE_TIMEOUT_S = 10.0
_ANNOUNCE_POLL_S = 0.002


# Starts a supervisor for a directory: a child of ours, or the pid of somebody else's.
Spawn = Callable[[Path], "subprocess.Popen[bytes] | int"]


class SupervisorLostError(Exception):
    """The supervisor ended before it said whom it runs."""


def spawn_supervisor(directory: Path) -> "subprocess.Popen[bytes]":
    """A supervisor of our own."""
    return subprocess.Popen(
        [sys.executable, "-S", "-E", "-m", _SUPERVISOR, str(directory)],
        cwd=PACKAGE_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class SupervisedProcess:
    """One container process below its supervisor, known by its directory."""

    def __init__(self, directory: Path, ids: ProcessIds, popen: "subprocess.Popen[bytes] | None" = None) -> None:
        self._directory = directory
        self.ids = ids
        # A child of ours must be waited for, or it stays as a zombie.
        self._popen = popen

    @classmethod
    def launch(cls, directory: Path, launch: Launch, spawn: Spawn = spawn_supervisor) -> "SupervisedProcess":
        """Starts a supervisor and waits until it says whom it runs.

        Raises:
            SupervisorLostError: It ended before.
        """
        directory.mkdir(parents=True, exist_ok=True)
        for name in (PROCESS, EXIT):
            (directory / name).unlink(missing_ok=True)
        write_record(directory, LAUNCH, launch)
        spawned = spawn(directory)
        popen = None if isinstance(spawned, int) else spawned
        pid = spawned if isinstance(spawned, int) else spawned.pid
        deadline = time.monotonic() + _ANNOUNCE_TIMEOUT_S
        while (ids := read_process_ids(directory)) is None:
            if not start_time_of(pid) or time.monotonic() > deadline:
                # It may have said so in its last moment.
                ids = read_process_ids(directory)
                break
            time.sleep(_ANNOUNCE_POLL_S)
        if ids is None:
            if popen is not None:
                popen.kill()
                popen.wait()
            raise SupervisorLostError(f"The supervisor of {directory.name} ended before its process started")
        return cls(directory, ids, popen)

    @classmethod
    def find(cls, directory: Path) -> "SupervisedProcess | None":
        """The process that an earlier emulator started here, running or ended; None when it never started one."""
        ids = read_process_ids(directory)
        return cls(directory, ids) if ids is not None else None

    @property
    def is_running(self) -> bool:
        """Whether the supervisor lives."""
        return start_time_of(self.ids.supervisor) == self.ids.supervisor_started

    def wait(self, timeout_s: float) -> ExitRecord | None:
        """How it ended, or None when it still runs after the timeout."""
        if not self._wait_for_supervisor(timeout_s):
            return None
        if self._popen is not None:
            self._popen.wait()
        record = read_exit(self._directory)
        if record is not None:
            return record
        self._kill_child()
        now = time.time()
        return ExitRecord(None, "lost", now, now)

    def request_stop(self) -> None:
        """SIGTERM now, SIGKILL after the grace time, both by the supervisor."""
        if self.is_running:
            _send(self.ids.supervisor, signal.SIGTERM)

    def kill(self) -> None:
        """Ends the process and its supervisor at once."""
        if self.is_running:
            _send(self.ids.supervisor, signal.SIGKILL)
        self._kill_child()
        if self._popen is not None:
            self._popen.wait()

    def _kill_child(self) -> None:
        if start_time_of(self.ids.child) == self.ids.child_started:
            _send(-self.ids.child, signal.SIGKILL)

    def _wait_for_supervisor(self, timeout_s: float) -> bool:
        try:
            descriptor = os.pidfd_open(self.ids.supervisor)
        except ProcessLookupError:
            return True
        try:
            if not self.is_running:
                return True
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(timeout_s * 1000))
        finally:
            os.close(descriptor)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
