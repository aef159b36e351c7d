"""Putting the kit's events on the default event bus."""

from datetime import datetime
from typing import Any

from comal.errors import PlatformError
from comal.events import Event


class EventBus:
    """Emits events; the client is boto3's for `events`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def emit(self, event: Event, time: datetime) -> None:
        """Put one event on the bus. `time` is when it happened, timezone-aware.

        Raises:
            PlatformError: The bus did not take it; PutEvents answers 200 also then.
        """
        answer = self._client.put_events(Entries=[event.entry(time)])
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            raise PlatformError(
                f"The event bus refused {type(event).__name__}: "
                f"{refused.get('ErrorCode')} {refused.get('ErrorMessage', '')}".strip()
                + ".",
                next_step="The message comes again by itself.",
            )
