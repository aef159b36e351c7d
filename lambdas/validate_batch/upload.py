"""A pushed object, as S3's event tells of it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comal import s3_layout
from comal.errors import DataError, PlatformError

# Cannot be a model's name, so its batches never mix with a model's.
UNCLAIMED = "_unclaimed"


@dataclass(frozen=True)
class Upload:
    """One version of one object.

    Attributes:
        model: The model it was pushed for; UNCLAIMED where the key names none.
        received_at: When S3 took it.
        size_bytes: Its size.
    """

    bucket: str
    key: str
    version_id: str
    model: str
    received_at: datetime
    size_bytes: int

    @property
    def batch_id(self) -> str:
        """16 hex digits; the same for every delivery of the same event."""
        identity = "\0".join((self.bucket, self.key, self.version_id))
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def file_name(self) -> str:
        """Last part of the key."""
        return self.key.rsplit("/", 1)[-1]


def read_upload(envelope: dict[str, Any]) -> Upload | None:
    """The upload behind an "Object Created" event; None for a folder, which is no data.

    The S3 console makes a folder as an empty object whose key ends in a slash. It stays where it is.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html

    Raises:
        PlatformError: The event names no version: the bucket is not versioned.
    """
    detail = envelope["detail"]
    key = detail["object"]["key"]
    version_id = detail["object"].get("version-id")
    if key.endswith("/"):
        return None
    if not version_id:
        raise PlatformError(
            f"The event of '{key}' in bucket {detail['bucket']['name']} names no version.",
            next_step="Switch versioning on for the bucket: `comal up` does.",
        )
    return Upload(
        bucket=detail["bucket"]["name"],
        key=key,
        version_id=version_id,
        model=_model_of(key),
        received_at=datetime.fromisoformat(envelope["time"]),
        size_bytes=int(detail["object"]["size"]),
    )


def _model_of(key: str) -> str:
    try:
        return s3_layout.model_of_incoming(key)
    except DataError:
        return UNCLAIMED
