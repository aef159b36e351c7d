"""S3 → EventBridge: the event names the version of the object, as on AWS and as later reads must pin it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge, s3

NAMES = {
    "ministack.services.eventbridge": ("_dispatch_event",),
    "ministack.services.s3": ("_fire_s3_event",),
}

_version_id: ContextVar[str | None] = ContextVar("localcloud_object_version", default=None)


def install() -> None:
    """Carries the version from S3's side of the delivery to EventBridge's; MiniStack drops it between the two."""
    s3._fire_s3_event = _remember_version(s3._fire_s3_event)
    eventbridge._dispatch_event = _add_version(eventbridge._dispatch_event)


def _remember_version(original: Callable[..., None]) -> Callable[..., None]:
    def fire(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        token = _version_id.set(version_id)
        try:
            original(*arguments, version_id=version_id, **options)
        finally:
            _version_id.reset(token)

    return fire


def _add_version(original: Callable[..., None]) -> Callable[..., None]:
    def dispatch(event: dict[str, Any], *arguments: Any) -> None:
        version_id = _version_id.get()
        if version_id and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version_id
            event = {**event, "Detail": json.dumps(detail)}
        original(event, *arguments)

    return dispatch
