"""S3 → EventBridge: the event names the version of the object, as on AWS, and has the edge's time.

Later reads must pin the version; and a day of data that comes while the clock is ahead belongs to that day.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, s3

from localcloud.aws.clock import Clock

NAMES = {
    "ministack.services.eventbridge": ("_dispatch_event",),
    "ministack.services.s3": ("_fire_s3_event",),
}

_version_id: ContextVar[str | None] = ContextVar("localcloud_object_version", default=None)


def install(clock: Clock) -> None:
    """Carries the version from S3's side of the delivery to EventBridge's; MiniStack drops it between the two."""
    s3._fire_s3_event = _remember_version(s3._fire_s3_event)
    eventbridge._dispatch_event = _add_version_and_time(eventbridge._dispatch_event, clock)


def _remember_version(original: Callable[..., None]) -> Callable[..., None]:
    def fire(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        token = _version_id.set(version_id)
        try:
            original(*arguments, version_id=version_id, **options)
        finally:
            _version_id.reset(token)

    return fire


def _add_version_and_time(original: Callable[..., None], clock: Clock) -> Callable[..., None]:
    def dispatch(event: dict[str, Any], *arguments: Any) -> None:
        if event["Source"] == "aws.s3":
            event = {**event, "Time": f"{datetime.fromtimestamp(clock.now(), UTC):%Y-%m-%dT%H:%M:%SZ}"}
        version_id = _version_id.get()
        if version_id and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version_id
            event = {**event, "Detail": json.dumps(detail)}
        original(event, *arguments)

    return dispatch
