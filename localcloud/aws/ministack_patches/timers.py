"""EventBridge rules and Scheduler run by the edge's clock, and can say when they are due next."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge, lambda_svc, scheduler, sqs, stepfunctions

from localcloud.aws.clock import Clock
from localcloud.aws.ministack_patches import activity

NAMES = {
    "ministack.services.eventbridge": (
        "_SCHEDULER_TICK_INTERVAL",
        "_cron_next_fire",
        "_now_ts",
        "_parse_cron_fields",
        "_parse_rate_seconds",
        "_rule_last_fired",
        "_rules",
        "_tick_scheduled_rules",
        "get_state",
        "load_persisted_state",
    ),
    "ministack.services.scheduler": (
        "_SCHEDULE_TICK_INTERVAL",
        "_at_time_epoch",
        "_schedule_last_fired",
        "_schedules",
        "_tick_schedules",
        "get_state",
        "load_persisted_state",
        "time",
    ),
    "ministack.services.lambda_svc": ("_esm_inflight", "_iter_all_esms", "executions_in_flight"),
    "ministack.services.sqs": ("_queues",),
    "ministack.services.stepfunctions": ("_executions",),
}

# MiniStack looks every 10 s; a schedule is minutes apart at least, but whoever waits for one should not wait longer.
TICK_INTERVAL_S = 1.0
_LAST_FIRED = "localcloud_last_fired"


class MiniStackTimers:
    """MiniStack's schedules as the clock's `Timers`."""

    def next_due(self) -> float | None:
        """The earliest of all enabled rules and schedules, of every account and region."""
        due = [
            next_due(rule.get("ScheduleExpression", ""), eventbridge._rule_last_fired.get(key), rule["CreationTime"])
            for key, rule in eventbridge._rules.all_items()
            if rule.get("State") == "ENABLED"
        ]
        due += [
            next_due(item["ScheduleExpression"], scheduler._schedule_last_fired.get(key), item["CreationDate"])
            for key, item in scheduler._schedules.all_items()
            if item.get("State") == "ENABLED"
        ]
        return min((moment for moment in due if moment is not None), default=None)

    def fire_due(self) -> bool:
        """One look at every rule and schedule, as MiniStack's own threads do."""
        before = activity.mark()
        eventbridge._tick_scheduled_rules()
        scheduler._tick_schedules()
        return activity.mark() != before

    def is_idle(self) -> bool:
        """No function runs, no execution runs, and no function's queue has a message to deliver."""
        running, _ = lambda_svc.executions_in_flight()
        if running or lambda_svc._esm_inflight:
            return False
        if any(execution["status"] == "RUNNING" for execution in stepfunctions._executions.all_values()):
            return False
        now = time.time()
        sources = {mapping["EventSourceArn"] for _, _, mapping in lambda_svc._iter_all_esms()}
        queues = [q for q in sqs._queues.all_values() if q["attributes"].get("QueueArn") in sources]
        return not any(message["visible_at"] <= now for queue in queues for message in list(queue["messages"]))


class _ShiftedTime:
    """Stands in for the `time` module where schedules are judged."""

    def __init__(self, clock: Clock) -> None:
        self.time = clock.now
        self.sleep = time.sleep


def install(clock: Clock) -> None:
    """Moves both schedulers to the clock."""
    eventbridge._now_ts = clock.now
    scheduler.time = _ShiftedTime(clock)
    eventbridge._SCHEDULER_TICK_INTERVAL = TICK_INTERVAL_S
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_INTERVAL_S
    _keep_last_fired(eventbridge, eventbridge._rule_last_fired)
    _keep_last_fired(scheduler, scheduler._schedule_last_fired)
    # An advance ticks too; two ticks at once would fire a timer twice.
    eventbridge._tick_scheduled_rules = _one_at_a_time(eventbridge._tick_scheduled_rules, _forget_old_rules)
    scheduler._tick_schedules = _one_at_a_time(scheduler._tick_schedules, _forget_old_schedules)


def _keep_last_fired(module: Any, last_fired: dict[tuple[str, ...], float]) -> None:
    """Saves when each timer fired last; MiniStack forgets, and fires what is long done again after a restart."""
    get_state, load_persisted_state = module.get_state, module.load_persisted_state

    def get_state_with_times() -> dict[str, Any]:
        return {**get_state(), _LAST_FIRED: [[list(key), moment] for key, moment in last_fired.items()]}

    def load_with_times(data: dict[str, Any]) -> None:
        last_fired.update({tuple(key): moment for key, moment in data.pop(_LAST_FIRED, [])})
        load_persisted_state(data)

    module.get_state, module.load_persisted_state = get_state_with_times, load_with_times


def _one_at_a_time(original: Callable[[], Any], forget_outdated: Callable[[], None]) -> Callable[[], Any]:
    lock = threading.Lock()

    def tick() -> Any:
        with lock:
            forget_outdated()
            return original()

    return tick


def _forget_old_rules() -> None:
    """A rule that was deleted and made again under its name has not fired yet."""
    for key, fired in list(eventbridge._rule_last_fired.items()):
        rule = eventbridge._rules._data.get(key)
        if rule is None or rule["CreationTime"] > fired:
            del eventbridge._rule_last_fired[key]


def _forget_old_schedules() -> None:
    """Nor has a schedule that was made again, or one for a single moment whose moment was changed."""
    for key, fired in list(scheduler._schedule_last_fired.items()):
        schedule = scheduler._schedules._data.get(key)
        is_new = schedule is None or schedule["CreationDate"] > fired
        is_once = schedule is not None and scheduler._at_time_epoch(schedule["ScheduleExpression"]) is not None
        if is_new or (is_once and schedule["LastModificationDate"] > fired):
            del scheduler._schedule_last_fired[key]


def next_due(expression: str, last_fired: float | None, created: float) -> float | None:
    """Epoch seconds at which a rate, cron or at expression is due next; None when it never is, or is none."""
    once = scheduler._at_time_epoch(expression)
    if once is not None:
        return None if last_fired is not None else float(once)
    interval = eventbridge._parse_rate_seconds(expression)
    since = created if last_fired is None else last_fired
    if interval is not None:
        return float(since + interval)
    fields = eventbridge._parse_cron_fields(expression)
    following = eventbridge._cron_next_fire(fields, datetime.fromtimestamp(since, tz=UTC)) if fields else None
    return following.timestamp() if following else None
