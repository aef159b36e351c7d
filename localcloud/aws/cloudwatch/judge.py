"""Judges every alarm when its period has ended, and whoever depends on it."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from localcloud.aws.api_errors import ApiError
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch import announcements, queries
from localcloud.aws.cloudwatch.alarm_states import AlarmStates
from localcloud.aws.cloudwatch.low_samples import has_too_few
from localcloud.aws.cloudwatch.reasons import Datapoints, reason_data_of, reason_of
from localcloud.aws.cloudwatch.store import Named, Store
from localcloud.aws.cloudwatch.verdict import Rule, judge

logger = logging.getLogger("localcloud.cloudwatch")

# A period is judged when its last values have come: functions' logs and endpoints need about a second.
SETTLE_S = 1.5
_LOOK_S = 0.25
_CLEAN_UP_S = 600.0
# Namespaces of metrics that say how much there is of something, for as long as there is any.
_LEVELS = frozenset({"AWS/SQS"})

Identity = tuple[str, str, str]


class Judge:
    """A thread that looks; `Timers` for the stepped clock.

    An alarm is at rest, and looked at no more until new values of its metrics come, when nothing can change by itself:
    its metrics have had no value for as long as it looks back; or it is OK, no value breaches, and missing ones cannot;
    or its metrics are levels that have been on the same side of the threshold for as long. The next moment for the
    stepped clock is the end of the next period of an alarm that is not at rest; so a clock that runs through a month
    stops for an alarm only while there is something to see.
    """

    def __init__(self, store: Store, clock: Clock, states: AlarmStates) -> None:
        self._store = store
        self._clock = clock
        self._states = states
        self._judged: dict[Identity, int] = {}  # the end of the period that was judged last
        self._resting: set[Identity] = set()
        self._alarms: list[Named] | None = None  # read anew when one is changed
        # Namespace and names of metrics that have new values, and the newest value's time. Whoever puts values must
        # never wait for a judgement.
        self._arrived: deque[tuple[str, frozenset[str], float]] = deque()
        self._newest: dict[Identity, float] = {}
        self._publishers: list[Callable[[], None]] = []
        self._looking = threading.RLock()
        self._stopping = threading.Event()
        self._cleaned_at = 0.0
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def watch(self, publish: Callable[[], None]) -> None:
        """Has metrics published before every look at the alarms."""
        self._publishers.append(publish)

    @contextmanager
    def changing(self, account: str, region: str, names: Sequence[str]) -> Iterator[None]:
        """No alarm is judged meanwhile; those named are looked at anew afterwards, and what depends on them."""
        with self._looking:
            yield
            for name in names:
                identity = (account, region, name)
                self._resting.discard(identity)
                self._judged.pop(identity, None)
                self._newest.pop(identity, None)
            self._states.judge_composites()
            self._alarms = None

    def look_again(self, named: Named) -> None:
        """Judges a metric alarm when its next period has ended, also if it is at rest."""
        with self._looking:
            self._resting.discard(_identity(named))
            self._judged[_identity(named)] = self._boundary(named)

    def wake(self, namespace: str, names: frozenset[str], newest: float) -> None:
        """Metrics have new values, the newest of this time."""
        self._arrived.append((namespace, names, newest))

    # Timers -----------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """End of the next period that is to be judged."""
        with self._looking:
            self._rouse()
            due = [
                self._judged.get(_identity(named), self._boundary(named)) + _period(named) + SETTLE_S
                for named in self._all()
                if _identity(named) not in self._resting
            ]
        return min(due, default=None)

    def fire_due(self) -> None:
        """Judges what is due."""
        with self._looking:
            for publish in self._publishers:
                publish()
            self._rouse()
            changed = [named for named in self._all() if self._is_due(named) and self._judge(named)]
            if changed:
                self._states.judge_composites()
                self._alarms = None

    # Details ----------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            try:
                self.fire_due()
                self._store.flush()
                now = self._clock.now()
                if now - self._cleaned_at > _CLEAN_UP_S:
                    self._store.forget_old(now)
                    self._cleaned_at = now
            except Exception:  # nobody else would judge the other alarms
                logger.exception("looking at the alarms failed; trying again")

    def _rouse(self) -> None:
        """Alarms whose metrics have new values are at rest no more."""
        while self._arrived:
            namespace, names, newest = self._arrived.popleft()
            for named in self._all():
                if any(space == namespace and name in names for space, name in _watched(named)):
                    identity = _identity(named)
                    self._resting.discard(identity)
                    self._newest[identity] = max(newest, self._newest.get(identity, newest))

    def _boundary(self, named: Named) -> int:
        """The end of the newest period that is over, and settled."""
        period_s = _period(named)
        return int((self._clock.now() - SETTLE_S) // period_s) * period_s

    def _all(self) -> list[Named]:
        """All metric alarms."""
        if self._alarms is None:
            self._alarms = [named for named in self._store.all("alarm") if "AlarmRule" not in named.document]
        return self._alarms

    def _is_due(self, named: Named) -> bool:
        """Whether a period has ended that the alarm was not judged by; it is judged by it from now on."""
        identity = _identity(named)
        boundary = self._boundary(named)
        if identity in self._resting or self._judged.get(identity) == boundary:
            return False
        self._judged[identity] = boundary
        return True

    def _judge(self, named: Named) -> bool:
        """Judge an alarm by the period that ended last; whether its state changed."""
        alarm, rule, period_s = named.document, Rule.of(named.document), _period(named)
        boundary = self._judged[_identity(named)]
        between = queries.Range(boundary - rule.range_periods * period_s, boundary)
        asked = announcements.queries_of(alarm)
        try:
            values = queries.compute(self._store, named.account, named.region, asked, between)
            returned = next(query["Id"] for query in asked if query.get("ReturnData", True))
            series = queries.as_series(values[returned], asked, between)
        except ApiError as error:
            logger.warning("alarm %s cannot be judged: %s", named.name, error)
            self._resting.add(_identity(named))
            return False
        datapoints: Datapoints = [(start, series.get(start)) for start in between.periods(period_s)]
        is_measured = any(values[query["Id"]] for query in asked if "Expression" not in query)
        if self._is_at_rest(named, rule, boundary, [value for _, value in datapoints], is_measured=is_measured):
            self._resting.add(_identity(named))
        state = judge(rule, [value for _, value in datapoints])
        if state is None or state == alarm["StateValue"] or has_too_few(self._store, named, between):
            return False
        reason = reason_of(rule, state, alarm["StateValue"], datapoints)
        self._states.change(named, state, reason, reason_data_of(alarm, period_s, datapoints, self._clock.now()))
        return True

    def _is_at_rest(
        self, named: Named, rule: Rule, boundary: int, values: Sequence[float | None], *, is_measured: bool
    ) -> bool:
        """Whether nothing changes any more until new values come.

        Values alone do not tell: FILL makes some where nothing was measured.
        """
        if boundary <= self._newest.get(_identity(named), 0.0):
            return False
        if not is_measured:
            return True
        there = [value for value in values if value is not None]
        breaches = set(map(rule.is_breached_by, there))
        is_level = len(there) == len(values) and all(space in _LEVELS for space, _ in _watched(named))
        if is_level and len(breaches) == 1:
            return True
        is_math = any("Expression" in query for query in announcements.queries_of(named.document))
        is_kept_ok = named.document["StateValue"] == "OK" and rule.missing in ("notBreaching", "ignore")
        return is_kept_ok and not is_math and breaches == {False}


def _identity(named: Named) -> Identity:
    return named.account, named.region, named.name


def _watched(named: Named) -> set[tuple[str, str]]:
    return queries.metrics_of(announcements.queries_of(named.document))


def _period(named: Named) -> int:
    return queries.period_of(announcements.queries_of(named.document))
