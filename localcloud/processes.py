"""Which process is which, read from /proc: alive or not, who listens on a port, who belongs to a local cloud."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTENING = "0A"
_POLL_S = 0.02
# Set for everything that a local cloud starts, so that it is found again after a kill -9 of the edge.
STATE_DIR_VARIABLE = "LOCALCLOUD_STATE_DIR"


@dataclass(frozen=True, slots=True)
class Process:
    """A process that a later one with the same pid is not mistaken for.

    Attributes:
        start_ticks: When it started, in clock ticks since the machine did.
    """

    pid: int
    start_ticks: int

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        fields = _read_stat(self.pid)
        return fields is not None and fields[0] != "Z" and int(fields[19]) == self.start_ticks

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, if it is still alive."""
        if self.is_alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return  # it ended between the two lines

    @property
    def command(self) -> str:
        """Its command line; empty when it may not be read."""
        return " ".join(_read_strings(_PROC / str(self.pid) / "cmdline"))


def find_process(pid: int) -> Process | None:
    """The process that has this pid now."""
    fields = _read_stat(pid)
    return Process(pid, int(fields[19])) if fields else None


def find_listener(port: int) -> Process | None:
    """The process that listens on this TCP port; None when none does, or when it is not ours to see."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not wanted:
        return None
    for process in _all_processes():
        try:
            descriptors = list((_PROC / str(process.pid) / "fd").iterdir())
            if any(str(path.readlink()) in wanted for path in descriptors):
                return process
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return None


def is_listening(port: int) -> bool:
    """Whether anybody listens on this TCP port."""
    return bool(_listening_inodes(port))


def find_family(session: int | None, state_dir: Path) -> list[Process]:
    """Every process of a session, and every one that was started for this state directory."""
    marker = f"{STATE_DIR_VARIABLE}={state_dir}"
    family = []
    for process in _all_processes():
        fields = _read_stat(process.pid)
        in_session = session is not None and fields is not None and int(fields[3]) == session
        if in_session or marker in _read_strings(_PROC / str(process.pid) / "environ"):
            family.append(process)
    return family


def end_processes(processes: Iterable[Process], timeout_s: float) -> None:
    """SIGTERM to all, SIGKILL to those still there after the timeout; returns when all have ended."""
    remaining = list(processes)
    for number, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, timeout_s)):
        for process in remaining:
            process.signal(number)
        deadline = time.monotonic() + patience_s
        while remaining and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            remaining = [process for process in remaining if process.is_alive]


def _read_stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third, the state, on: the second may contain spaces."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _read_strings(path: Path) -> list[str]:
    try:
        return [part.decode(errors="replace") for part in path.read_bytes().split(b"\0") if part]
    except OSError:
        return []


def _all_processes() -> list[Process]:
    pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    found = [find_process(pid) for pid in pids if pid != os.getpid()]
    return [process for process in found if process]


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        path = _PROC / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(fields[9])
    return inodes
