"""SQS's own metrics: how many messages wait in a queue, and for how long; MiniStack has none.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import sqs

from localcloud.aws.clock import Clock
from localcloud.aws.metrics import Datum, Telemetry

NAMES = {"ministack.services.sqs": ("_queues",)}

_NAMESPACE = "AWS/SQS"
_MINUTE_S = 60
# Minutes that an advance has skipped are told afterwards, as far back as an alarm of some periods looks.
_MAX_SKIPPED = 15
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class _Level:
    """What a queue holds. Queues keep this machine's time.

    Attributes:
        oldest_at: When the oldest message was sent; None of an empty queue.
    """

    visible: int
    in_flight: int
    oldest_at: float | None

    def data(self, queue: str, moment: float) -> Iterator[Datum]:
        """Its metrics, as of a moment by the edge's clock."""
        dimensions = {"QueueName": queue}
        age_s = 0.0 if self.oldest_at is None else max(0.0, time.time() - self.oldest_at)
        yield Datum("ApproximateNumberOfMessagesVisible", [self.visible], moment, dimensions, "Count")
        yield Datum("ApproximateNumberOfMessagesNotVisible", [self.in_flight], moment, dimensions, "Count")
        yield Datum("ApproximateAgeOfOldestMessage", [age_s], moment, dimensions, "Seconds")


_EMPTY = _Level(0, 0, None)


@dataclass(frozen=True, slots=True)
class _Published:
    """What was told last of a queue: of which minute, and when anything changed, by this machine's time."""

    minute: int
    level: _Level
    news_at: float


class QueueLevels:
    """Publishes the level of each queue that holds messages, once a minute, and once more when it is empty.

    As on AWS, a queue that stays empty says nothing, so an alarm on it should treat missing data as not breaching.
    A queue that nobody touches keeps its level however far the clock is advanced: that is no news, so that the clock
    does not stop at each minute on the way.
    """

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._published: dict[str, _Published] = {}  # by ARN
        self._looked_at_s, self._looked_minute = 0.0, 0

    def publish(self) -> None:
        """Publishes what is due; called again and again."""
        minute = int(self._clock.now() // _MINUTE_S)
        if minute == self._looked_minute and time.monotonic() - self._looked_at_s < _LOOK_S:
            return
        self._looked_at_s, self._looked_minute = time.monotonic(), minute
        levels = {queue["attributes"]["QueueArn"]: _level(queue) for queue in sqs._queues.all_values()}
        for arn in self._published.keys() - levels.keys():
            del self._published[arn]
        for arn, level in levels.items():
            known = self._published.get(arn)
            if known is not None and known.minute < minute:
                self._tell(arn, level, minute, known)
            elif known is None and level != _EMPTY:
                self._tell(arn, level, minute, _Published(minute - 1, _EMPTY, 0.0))

    def _tell(self, arn: str, level: _Level, minute: int, known: _Published) -> None:
        region, account, name = arn.split(":")[3:]
        skipped = range(max(known.minute + 1, minute - _MAX_SKIPPED), minute)
        data = [datum for at in skipped for datum in known.level.data(name, at * _MINUTE_S)]
        data += level.data(name, self._clock.now())
        # An age grows without anybody's doing; it is told as news once a minute of this machine's.
        is_news = level != known.level or time.time() - known.news_at >= _MINUTE_S
        (self._telemetry.put if is_news else self._telemetry.repeat)(account, region, _NAMESPACE, data)
        if level == _EMPTY:
            del self._published[arn]
        else:
            self._published[arn] = _Published(minute, level, time.time() if is_news else known.news_at)


def install(telemetry: Telemetry, clock: Clock) -> None:
    """Looks at the queues before alarms are looked at."""
    telemetry.watch(QueueLevels(telemetry, clock).publish)


def _level(queue: Mapping[str, Any]) -> _Level:
    now = time.time()
    messages = list(queue["messages"])
    visible = sum(message["visible_at"] <= now for message in messages)
    in_flight = sum(message["visible_at"] > now and message["receive_count"] > 0 for message in messages)
    return _Level(visible, in_flight, min((message["sent_at"] for message in messages), default=None))
