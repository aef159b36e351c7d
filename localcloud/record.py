"""`cloud.json`: which process serves a state directory, on which port; and the lock that there is only one."""

import fcntl
import importlib.metadata
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localcloud.errors import AlreadyRunningError
from localcloud.processes import Process, find_process

_FILE = "cloud.json"
_LOCK = "cloud.lock"


@dataclass(frozen=True, slots=True)
class CloudInfo:
    """A running local cloud.

    Attributes:
        started_at: Epoch seconds.
    """

    port: int
    pid: int
    url: str
    started_at: float


@dataclass(frozen=True, slots=True)
class Record:
    """What `cloud.json` says; its process may have ended since."""

    info: CloudInfo
    process: Process


def read_record(state_dir: Path) -> Record | None:
    """The last record; None when there is none, or when it cannot be understood (then it counts as none)."""
    try:
        found = json.loads((state_dir / _FILE).read_text())
        info = CloudInfo(
            int(found["port"]), int(found["pid"]), f"http://127.0.0.1:{int(found['port'])}", float(found["started_at"])
        )
        return Record(info, Process(info.pid, int(found["process_start_ticks"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(state_dir: Path, port: int) -> None:
    """Records this process as the one that serves the state directory."""
    this = find_process(os.getpid())
    document = {
        "port": port,
        "pid": os.getpid(),
        "process_start_ticks": this.start_ticks if this else 0,
        "started_at": time.time(),
        "version": importlib.metadata.version("ministack"),
    }
    temporary = state_dir / f"{_FILE}.tmp"
    temporary.write_text(json.dumps(document, indent=2))
    temporary.replace(state_dir / _FILE)


def remove_record(state_dir: Path) -> None:
    """Forgets the record, but not the port: the next start takes the same one, as clients expect."""
    record = read_record(state_dir)
    if record:
        (state_dir / _FILE).write_text(json.dumps({"port": record.info.port}))


def last_port(state_dir: Path) -> int | None:
    """The port of the last run, also when it has ended."""
    try:
        return int(json.loads((state_dir / _FILE).read_text())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def acquire_lock(state_dir: Path) -> IO[str]:
    """The lock of a state directory, held until the file is closed or the process ends, however it ends.

    A POSIX record lock and not flock(2): a forked child must not go on holding it.

    Raises:
        AlreadyRunningError: Another process holds it.
    """
    file = (state_dir / _LOCK).open("a+")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        record = read_record(state_dir)
        raise already_running(state_dir, record) from None
    return file


def already_running(state_dir: Path, record: Record | None) -> AlreadyRunningError:
    """The error for a second instance, with what is known about the first."""
    where = f"on {record.info.url} (process {record.info.pid})" if record else "and is starting"
    return AlreadyRunningError(f"A local cloud with the state {state_dir} runs already, {where}.", "Use it or stop it.")
