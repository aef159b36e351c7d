"""Runs one container process and records how it ended, so that a killed emulator finds out when it is back.

`python -S -E -m localcloud.aws.sagemaker.containers.supervisor DIRECTORY`: standard library only, one thread.
SIGTERM stops the process as SageMaker does: SIGTERM, then SIGKILL after the grace time.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from localcloud.aws.sagemaker.containers import sandbox
from localcloud.aws.sagemaker.containers.records import (
    EXIT,
    LOG,
    PROCESS,
    ExitRecord,
    Launch,
    ProcessIds,
    read_launch,
    start_time_of,
    write_record,
)

_WATCHED = {signal.SIGTERM, signal.SIGCHLD}
# How long to sleep at most without a signal or a deadline.
_IDLE_S = 60.0
_EXEC_FAILED = 126

RunProgram = Callable[[Launch, dict[str, str]], NoReturn]


def supervise(directory: Path, run_program: RunProgram) -> None:
    """Runs what `directory/launch.json` says and writes `process.json` and, at the end, `exit.json`."""
    launch = read_launch(directory)
    # Blocked before the fork, so that no signal is lost between it and the loop below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    supervisor = os.getpid()
    started_at = time.time()
    child = os.fork()
    if child == 0:
        _become_container(directory, launch, supervisor, run_program)
    _lead_group(child)
    ids = ProcessIds(supervisor, start_time_of(supervisor), child, start_time_of(child))
    write_record(directory, PROCESS, ids)
    returncode, reason = _await_end(child, launch)
    _signal_group(child, signal.SIGKILL)  # what the process itself left running
    write_record(directory, EXIT, ExitRecord(returncode, reason, started_at, time.time()))


def _lead_group(child: int) -> None:
    """Makes the child a group of its own; parent and child both do it, so that neither has to wait."""
    try:
        os.setpgid(child, child)
    except (PermissionError, ProcessLookupError):
        # It has done so itself and runs its program, or has ended.
        return


def _await_end(child: int, launch: Launch) -> tuple[int, str]:
    reason = "exited"
    deadline = time.monotonic() + launch.max_runtime_s if launch.max_runtime_s is not None else None
    while True:
        wait_s = _IDLE_S if deadline is None else min(_IDLE_S, max(0.0, deadline - time.monotonic()))
        received = signal.sigtimedwait(_WATCHED, wait_s)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            return os.waitstatus_to_exitcode(status), reason
        if received is not None and received.si_signo == signal.SIGTERM and reason == "exited":
            reason = "stopped"
            deadline = time.monotonic() + launch.grace_s
            _signal_group(child, signal.SIGTERM)
        elif deadline is not None and time.monotonic() >= deadline:
            if reason == "exited":
                reason = "max_runtime"
                deadline = time.monotonic() + launch.grace_s
                _signal_group(child, signal.SIGTERM)
            else:
                deadline = None
                _signal_group(child, signal.SIGKILL)


def _signal_group(child: int, number: signal.Signals) -> None:
    try:
        os.killpg(child, number)
    except (ProcessLookupError, PermissionError):
        # Not yet its own group, or gone.
        return


def _become_container(directory: Path, launch: Launch, supervisor: int, run_program: RunProgram) -> NoReturn:
    try:
        os.setpgid(0, 0)
        log = os.open(directory / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for descriptor, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(descriptor, target)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        env = _environment(launch, directory)
        sandbox.die_with_parent(supervisor)
        os.chdir(launch.cwd)
        run_program(launch, env)
    except BaseException:  # noqa: BLE001  (the fork must never return into its parent's code)
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(_EXEC_FAILED)


def _environment(launch: Launch, directory: Path) -> dict[str, str]:
    """The environment of the process; without user namespaces it names the real directories instead of /opt/ml."""
    stage = directory / "stage"
    stage.mkdir(exist_ok=True)
    try:
        sandbox.enter(Path(launch.ml_dir), stage, launch.host_names)
    except OSError as error:
        os.write(2, f"localcloud: no private /opt/ml ({error}); SAGEMAKER_BASE_DIR names the directory\n".encode())
        renamed = {
            name: value.replace(sandbox.CONTAINER_BASE, launch.ml_dir) if name.startswith("SM_") else value
            for name, value in launch.env.items()
        }
        return renamed | {"SAGEMAKER_BASE_DIR": launch.ml_dir}
    return launch.env


def run_command(launch: Launch, env: dict[str, str]) -> NoReturn:
    """Becomes the program."""
    os.execvpe(launch.command[0], launch.command, env)  # noqa: S606  (an argument list, no shell)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), run_command)
