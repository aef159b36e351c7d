"""Brings captured calls to S3 in files of a few seconds each, away from the calls themselves.

A call only joins a queue in memory. Once a second a thread appends the queue to spool files below the state directory,
and puts a spool file into S3 when it is 5 s old or holds 1 MB. A killed emulator loses what the queue held, a second at
most; spool files it has left are sent by the next one. A file keeps its key, so one that is sent twice is there once.
"""

import json
import logging
import threading
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.clock import Clock
from localcloud.aws.sagemaker.aws_clients import AwsClients, Credentials
from localcloud.aws.sagemaker.data_capture import Exchange

logger = logging.getLogger("localcloud.sagemaker.capture")

FLUSH_S = 5.0
FLUSH_BYTES = 1024 * 1024
_COLLECT_S = 1.0
# A role or a bucket may be a moment late; one that stays away for a minute stays away.
_MAX_REFUSALS = 12


@dataclass(frozen=True, slots=True)
class _Address:
    """Where a file goes and as whom; exchanges with the same address share a file."""

    bucket: str
    folder: str
    role_arn: str
    region: str
    kms_key_id: str


@dataclass(slots=True)
class _SpoolFile:
    """A file on its way: a first line with its address and key, then the captured lines."""

    path: Path
    address: _Address
    key: str
    opened_at: float
    size_bytes: int = 0
    refusals: int = 0
    retry_at: float = 0.0

    def due_at(self) -> float:
        """Epoch seconds by the clock from which it is to be sent."""
        full = self.opened_at if self.size_bytes >= FLUSH_BYTES else self.opened_at + FLUSH_S
        return max(full, self.retry_at)


class CaptureFiles:
    """The queue, the spool and the thread; `Timers` for the stepped clock."""

    def __init__(self, clients: AwsClients, clock: Clock, spool: Path) -> None:
        self._clients = clients
        self._clock = clock
        self._spool = spool
        self._queue: deque[Exchange] = deque()
        self._open: dict[_Address, _SpoolFile] = {}
        self._sealed: list[_SpoolFile] = []
        self._s3_clients: dict[tuple[Credentials, str], Any] = {}
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sagemaker-capture", daemon=True)

    def take(self, exchange: Exchange) -> None:
        """Keeps a call; costs the caller next to nothing."""
        self._queue.append(exchange)
        if not self._work.is_set():
            self._work.set()

    def start(self) -> None:
        """Begins with what the last emulator left."""
        self._spool.mkdir(parents=True, exist_ok=True)
        self._sealed = [found for path in sorted(self._spool.iterdir()) if (found := _read_spool_file(path))]
        if self._sealed:
            self._work.set()
        self._thread.start()

    def stop(self) -> None:
        """Ends; the port answers no more, so what is not in S3 stays in the spool for the next start."""
        self._stopping.set()
        self._work.set()
        self._thread.join(timeout=5)
        with self._lock:
            self._collect()

    def next_due(self) -> float | None:
        """When the next file is to be sent."""
        with self._lock:
            self._collect()
            return min((file.due_at() for file in self._files()), default=None)

    def fire_due(self) -> bool:
        """Sends the files that are due; whether there were any."""
        with self._lock:
            self._collect()
            due = [file for file in self._files() if file.due_at() <= self._clock.now()]
            for file in due:
                if not self._stopping.is_set():
                    self._send(file)
            return bool(due)

    def is_idle(self) -> bool:
        """Whether no file is on its way to S3 right now."""
        return not self._lock.locked()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._work.wait()
            self._stopping.wait(_COLLECT_S)
            self._work.clear()
            self.fire_due()
            if self._open or self._sealed:
                self._work.set()

    def _files(self) -> list[_SpoolFile]:
        return [*self._sealed, *self._open.values()]

    def _collect(self) -> None:
        """Moves the queue into the spool."""
        lines: dict[_Address, list[bytes]] = {}
        while self._queue:
            exchange = self._queue.popleft()
            plan = exchange.plan
            address = _Address(
                plan.destination.bucket, exchange.folder, exchange.role_arn, exchange.region, plan.kms_key_id
            )
            lines.setdefault(address, []).append(exchange.line())
        for address, new in lines.items():
            file = self._open.get(address)
            if file is None:
                file = self._open[address] = self._new_file(address)
            text = b"".join(new)
            with file.path.open("ab") as spool:
                spool.write(text)
            file.size_bytes += len(text)
            if file.size_bytes >= FLUSH_BYTES:
                self._sealed.append(self._open.pop(address))

    def _new_file(self, address: _Address) -> _SpoolFile:
        name = f"{uuid.uuid4()}.jsonl"
        file = _SpoolFile(self._spool / name, address, address.folder + name, self._clock.now())
        header = {"key": file.key, "opened_at": file.opened_at, **asdict(address)}
        file.path.write_bytes(json.dumps(header).encode() + b"\n")
        return file

    def _send(self, file: _SpoolFile) -> None:
        if self._open.get(file.address) is file:
            self._sealed.append(self._open.pop(file.address))
        address = file.address
        extra: dict[str, str] = {"ContentType": "application/jsonl"}
        if address.kms_key_id:
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": address.kms_key_id}
        try:
            s3 = self._s3_as(address.role_arn, address.region)
            s3.put_object(Bucket=address.bucket, Key=file.key, Body=_whole_lines(file.path), **extra)
        except ClientError as error:
            file.refusals += 1
            if file.refusals < _MAX_REFUSALS:
                logger.warning("s3://%s/%s: %s; trying again", address.bucket, file.key, error)
                file.retry_at = self._clock.now() + FLUSH_S
                return
            logger.error("s3://%s/%s is given up: %s", address.bucket, file.key, error)  # noqa: TRY400
        except (BotoCoreError, OSError) as error:
            logger.warning("s3://%s/%s: %s; trying again", address.bucket, file.key, error)
            file.retry_at = self._clock.now() + FLUSH_S
            return
        self._sealed.remove(file)
        file.path.unlink()

    def _s3_as(self, role_arn: str, region: str) -> Any:
        credentials = self._clients.assume(role_arn, "SageMaker-DataCapture")
        key = (credentials, region)
        if key not in self._s3_clients:
            self._s3_clients[key] = self._clients.as_role("s3", region, credentials)
        return self._s3_clients[key]


def _whole_lines(path: Path) -> bytes:
    """What a spool file captured; a line that a killed emulator did not finish is left out."""
    text = path.read_bytes().partition(b"\n")[2]
    return text[: text.rfind(b"\n") + 1]


def _read_spool_file(path: Path) -> _SpoolFile | None:
    """A file that another emulator left; None, and it is removed, when it was killed before the first line."""
    try:
        header = json.loads(path.read_bytes().partition(b"\n")[0])
        key, opened_at = header.pop("key"), header.pop("opened_at")
    except ValueError:
        path.unlink()
        return None
    size_bytes = len(_whole_lines(path))
    if not size_bytes:
        path.unlink()
        return None
    return _SpoolFile(path, _Address(**header), key, opened_at, size_bytes)
