from datetime import UTC, datetime
from typing import Any

import pytest

from comal.errors import PlatformError
from comal.event_bus import EventBus
from comal.events import ModelApproved

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT = ModelApproved(event_id="e", stack="dev", model="tacos", version=1, model_package_arn="a", why="w")


class _Events:
    def __init__(self, failed: list[dict[str, str]]) -> None:
        self.failed = failed
        self.entries: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # boto3's spelling
        self.entries += Entries
        return {"FailedEntryCount": len(self.failed), "Entries": self.failed}


def test_an_event_is_put_with_its_own_time() -> None:
    events = _Events([])
    EventBus(events).emit(EVENT, NOW)
    assert events.entries == [EVENT.entry(NOW)]


def test_an_event_that_the_bus_refuses_is_an_error() -> None:
    events = _Events([{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}])
    with pytest.raises(PlatformError, match="refused ModelApproved: ThrottlingException slow"):
        EventBus(events).emit(EVENT, NOW)
