"""Starts, finds and stops the local cloud of a state directory, as a process in the background."""

import errno
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from localcloud.errors import LocalCloudError, PortTakenError, StartError, StateDirectoryError
from localcloud.processes import end_processes, find_family, find_listener, is_listening
from localcloud.record import CloudInfo, already_running, last_port, read_record, remove_record

DEFAULT_PORT = 4566
LOG_FILE = "cloud.log"
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
PORT_TIMEOUT_S = 2.0
# Enough for a Lambda layer, its unpacked tree and a few models.
MIN_FREE_BYTES = 512 * 1024 * 1024
_MAX_LOG_BYTES = 10 * 1024 * 1024
_POLL_S = 0.01
_ANSWER_TIMEOUT_S = 1.0
_PACKAGE_ROOT = Path(__file__).resolve().parents[1]

# Processes started here, kept so that they are reaped when they end while this process still runs.
_children: dict[int, subprocess.Popen[bytes]] = {}

__all__ = ["CloudInfo", "LocalCloudError", "next_port", "start", "status", "stop"]


def start(state_dir: Path, port: int | None, images: Path) -> CloudInfo:
    """Starts the local cloud in the background and returns when it answers.

    Args:
        state_dir: Everything is kept here; made when it does not exist.
        port: Loopback port; None takes the last one of this state directory, else 4566.
        images: JSON file that maps container image URIs to local commands.

    Raises:
        AlreadyRunningError: This state directory is served already.
        PortTakenError: Somebody listens on the port.
        StateDirectoryError: The directory cannot be written, or its disk is full.
        StartError: The process ended, or did not answer in time.
    """
    state_dir = state_dir.resolve()
    _check_writable(state_dir)
    if status(state_dir):
        raise already_running(state_dir, read_record(state_dir))
    port = port or next_port(state_dir)
    _check_port(port)
    process = _spawn(state_dir, port, images.resolve())
    _children[process.pid] = process
    _await_ready(process, state_dir, port)
    record = read_record(state_dir)
    if record is None:
        raise StartError(f"The local cloud answers on port {port} but has left no record.", "Stop it and start again.")
    return record.info


def next_port(state_dir: Path) -> int:
    """Where `start` listens when it is not told: the last port of this state directory, else 4566."""
    return last_port(state_dir) or DEFAULT_PORT


def status(state_dir: Path) -> CloudInfo | None:
    """The running local cloud of this state directory; None when there is none."""
    _reap()
    record = read_record(state_dir.resolve())
    return record.info if record and record.process.is_alive else None


def stop(state_dir: Path) -> int:
    """Stops the local cloud and every process it started, also those that outlived a kill -9 of it.

    Returns:
        How many processes there were to end; 0 where neither it nor one of its own ran.
    """
    state_dir = state_dir.resolve()
    record = read_record(state_dir)
    running = status(state_dir) is not None
    # A pid that has ended may be somebody else's session by now.
    session = record.info.pid if record and running else None
    if record and running:
        end_processes([record.process], STOP_TIMEOUT_S)
    family = find_family(session, state_dir)
    end_processes(family, STOP_TIMEOUT_S)
    remove_record(state_dir)
    _reap()
    return running + len(family)


def _check_writable(state_dir: Path) -> None:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        probe = state_dir / ".writable"
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        next_step = "Free some space." if error.errno == errno.ENOSPC else "Choose a directory that you may write."
        raise StateDirectoryError(f"{state_dir} cannot be written: {error.strerror}.", next_step) from error
    free = shutil.disk_usage(state_dir).free
    if free < MIN_FREE_BYTES:
        found, wanted = free // 2**20, MIN_FREE_BYTES // 2**20
        raise StateDirectoryError(
            f"{found} MiB are free on the disk of {state_dir}, {wanted} are wanted.", "Free some."
        )


def _check_port(port: int) -> None:
    deadline = time.monotonic() + PORT_TIMEOUT_S
    owner = None
    while owner is None and is_listening(port) and time.monotonic() < deadline:
        time.sleep(_POLL_S)  # a killed process may have its port for a moment longer
        owner = find_listener(port)
    if owner is None and not is_listening(port):
        return
    who = f"process {owner.pid} ({owner.command})" if owner else "a process of another user"
    raise PortTakenError(f"Port {port} is taken by {who}.", "Stop it, or choose another port with --port.")


def _spawn(state_dir: Path, port: int, images: Path) -> "subprocess.Popen[bytes]":
    log_path = state_dir / LOG_FILE
    is_long = log_path.exists() and log_path.stat().st_size > _MAX_LOG_BYTES
    command = [sys.executable, "-m", "localcloud.aws"]
    options = ["--state-dir", str(state_dir), "--port", str(port), "--images", str(images)]
    with log_path.open("wb" if is_long else "ab") as log:
        return subprocess.Popen(
            [*command, *options],
            cwd=state_dir,
            env={**os.environ, "PYTHONPATH": str(_PACKAGE_ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _await_ready(process: "subprocess.Popen[bytes]", state_dir: Path, port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"The local cloud ended while it started: {_last_line(state_dir)}", _look_at(state_dir))
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/ready", timeout=_ANSWER_TIMEOUT_S):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(_POLL_S)
    stop(state_dir)
    raise StartError(f"The local cloud did not answer within {READY_TIMEOUT_S:.0f} s.", _look_at(state_dir))


def _last_line(state_dir: Path) -> str:
    lines = (state_dir / LOG_FILE).read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it left no message."


def _look_at(state_dir: Path) -> str:
    return f"Its log is {state_dir / LOG_FILE}."


def _reap() -> None:
    for pid, process in list(_children.items()):
        if process.poll() is not None:
            del _children[pid]
