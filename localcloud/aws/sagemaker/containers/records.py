"""The files by which a supervisor and the emulator talk; either side may be killed at any time.

Imported by the supervisor, which runs without site-packages.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

LAUNCH = "launch.json"
PROCESS = "process.json"
EXIT = "exit.json"
LOG = "log"


@dataclass(frozen=True)
class Launch:
    """What to run.

    Attributes:
        command: Program and arguments.
        cwd: Working directory.
        env: The whole environment.
        ml_dir: What the process sees as /opt/ml.
        grace_s: Seconds between SIGTERM and SIGKILL.
        max_runtime_s: Seconds after which it is stopped; None for no limit.
        host_names: What the process sees as /etc/hosts; empty for the machine's own.
    """

    command: list[str]
    cwd: str
    env: dict[str, str]
    ml_dir: str
    grace_s: float
    max_runtime_s: float | None = None
    host_names: str = ""


@dataclass(frozen=True)
class ProcessIds:
    """Who runs: pids with their start times, which tell a process from a later one with its number."""

    supervisor: int
    supervisor_started: str
    child: int
    child_started: str


@dataclass(frozen=True)
class ExitRecord:
    """How it ended.

    Attributes:
        returncode: Exit code; negative for a signal; None when the supervisor itself was killed.
        reason: `exited` by itself, `stopped` on request, `max_runtime`, or `lost` with the supervisor.
        started_at: Seconds since the epoch.
        ended_at: Seconds since the epoch.
    """

    returncode: int | None
    reason: str
    started_at: float
    ended_at: float


def write_record(directory: Path, name: str, record: Launch | ProcessIds | ExitRecord) -> None:
    """Writes a record whole or not at all."""
    temporary = directory / f"{name}.{os.getpid()}"
    # Environments hold session credentials.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file)
    temporary.replace(directory / name)


def read_launch(directory: Path) -> Launch:
    """What to run."""
    return Launch(**json.loads((directory / LAUNCH).read_text()))


def read_process_ids(directory: Path) -> ProcessIds | None:
    """Who runs, or None before the supervisor has said so."""
    try:
        return ProcessIds(**json.loads((directory / PROCESS).read_text()))
    except FileNotFoundError:
        return None


def read_exit(directory: Path) -> ExitRecord | None:
    """How it ended, or None while it runs."""
    try:
        return ExitRecord(**json.loads((directory / EXIT).read_text()))
    except FileNotFoundError:
        return None


def start_time_of(pid: int) -> str:
    """Start time of a live process in clock ticks since boot; empty for a dead one or a zombie.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (fields 3 and 22)
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
