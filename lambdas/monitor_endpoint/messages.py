"""What a message of the queue means: a capture file, a file of late labels, a deployment, the timer."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from comal import s3_layout
from comal.names import Names


@dataclass(frozen=True)
class CaptureFile:
    """An object of the capture bucket.

    Attributes:
        time: When S3 took it.
    """

    model: str
    bucket: str
    key: str
    time: datetime

    @property
    def file_id(self) -> str:
        """16 hex digits. A capture file is written once: a second version of its key holds the same calls."""
        return _digest(self.bucket, self.key)


@dataclass(frozen=True)
class LabelFile:
    """One version of an object under labels/ of the landing bucket."""

    model: str
    bucket: str
    key: str
    version_id: str
    size_bytes: int
    time: datetime

    @property
    def file_id(self) -> str:
        """16 hex digits; a corrected file under the same key is another one."""
        return _digest(self.bucket, self.key, self.version_id)


@dataclass(frozen=True)
class Deployed:
    """A version of a model is behind its endpoint."""

    model: str
    time: datetime


@dataclass(frozen=True)
class Timer:
    """Time has passed."""

    time: datetime


Message = CaptureFile | LabelFile | Deployed | Timer


def read_message(names: Names, envelope: dict[str, Any]) -> Message | None:
    """The meaning of an event; None for a folder, or for an object that is none of ours.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html

    Raises:
        KeyError: The event is of a kind that the function does not know.
    """
    time = datetime.fromisoformat(envelope["time"]).astimezone(UTC)
    match envelope["detail-type"]:
        case "Timer":
            return Timer(time)
        case "ModelDeployed":
            return Deployed(envelope["detail"]["model"], time)
        case "Object Created":
            return _object(names, envelope["detail"], time)
    raise KeyError(envelope["detail-type"])


def _object(names: Names, detail: dict[str, Any], time: datetime) -> CaptureFile | LabelFile | None:
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    if key.endswith("/"):
        return None
    if bucket == names.bucket("capture"):
        return CaptureFile(key.partition("/")[0], bucket, key, time)
    area, _, path = key.partition("/")
    model, _, name = path.partition("/")
    if f"{area}/" != s3_layout.LABELS or not name:
        return None
    return LabelFile(model, bucket, key, detail["object"]["version-id"], int(detail["object"]["size"]), time)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
