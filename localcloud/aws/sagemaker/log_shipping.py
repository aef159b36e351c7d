"""Takes what containers print to CloudWatch Logs, in batches, while they run."""

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.sagemaker.aws_clients import AwsClients

logger = logging.getLogger("localcloud.sagemaker.logs")

_INTERVAL_S = 1.0
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_MAX_BATCH_BYTES = 512 * 1024
_MAX_BATCH_LINES = 5_000
_MAX_LINE_CHARACTERS = 100_000


@dataclass
class _Followed:
    path: Path
    region: str
    group: str
    stream: str
    offset: int = 0
    exists: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class LogShipper:
    """Follows log files from one thread; a file is followed from its start again after a restart of the emulator."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._followed: dict[Path, _Followed] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sagemaker-logs", daemon=True)

    def start(self) -> None:
        """Begins to ship."""
        self._thread.start()

    def stop(self) -> None:
        """Ends; what is not shipped stays in the files, and goes out after the next start."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def follow(self, path: Path, region: str, group: str, stream: str) -> None:
        """Ships a file, which may not exist yet, into a log stream. Resumes where the last process left off."""
        followed = _Followed(path, region, group, stream, _read_offset(path))
        self._followed[path] = followed

    def finish(self, path: Path) -> None:
        """Ships the rest of a file and forgets it."""
        followed = self._followed.pop(path, None)
        if followed is not None:
            self._ship(followed, to_end=True)

    def _run(self) -> None:
        while not self._stopping.wait(_INTERVAL_S):
            for followed in list(self._followed.values()):
                self._ship(followed, to_end=False)

    def _ship(self, followed: _Followed, *, to_end: bool) -> None:
        with followed.lock:
            if self._stopping.is_set():
                return
            try:
                while (batch := _read_lines(followed, to_end=to_end)) is not None:
                    lines, offset = batch
                    self._put(followed, lines)
                    followed.offset = offset
                    _offset_path(followed.path).write_text(str(offset))
            except (BotoCoreError, ClientError, OSError) as error:
                # Shipped again with the next round; at the end the file itself remains.
                logger.warning("Cannot ship %s to %s: %s", followed.path, followed.group, error)

    def _put(self, followed: _Followed, lines: list[str]) -> None:
        client: Any = self._clients.as_root("logs", followed.region)
        if not followed.exists:
            names = {"logGroupName": followed.group}
            for create, arguments in (
                (client.create_log_group, names),
                (client.create_log_stream, names | {"logStreamName": followed.stream}),
            ):
                try:
                    create(**arguments)
                except client.exceptions.ResourceAlreadyExistsException:
                    continue
            followed.exists = True
        timestamp_ms = int(time.time() * 1000)
        events = [{"timestamp": timestamp_ms, "message": line or " "} for line in lines]
        client.put_log_events(logGroupName=followed.group, logStreamName=followed.stream, logEvents=events)


def _read_lines(followed: _Followed, *, to_end: bool) -> tuple[list[str], int] | None:
    if not followed.path.exists() or followed.path.stat().st_size <= followed.offset:
        return None
    with followed.path.open("rb") as file:
        file.seek(followed.offset)
        block = file.read(_MAX_BATCH_BYTES)
    end = block.rfind(b"\n") + 1
    if end == 0:
        if not to_end and len(block) < _MAX_BATCH_BYTES:
            return None
        end = len(block)
    raw = block[:end].splitlines(keepends=True)[:_MAX_BATCH_LINES]
    lines = [line.decode(errors="replace").rstrip("\r\n")[:_MAX_LINE_CHARACTERS] for line in raw]
    return lines, followed.offset + sum(len(line) for line in raw)


def _offset_path(path: Path) -> Path:
    return path.with_name(path.name + ".shipped")


def _read_offset(path: Path) -> int:
    try:
        return int(_offset_path(path).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def read_tail(path: Path, size_bytes: int) -> str:
    """The end of a log; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size_bytes))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
