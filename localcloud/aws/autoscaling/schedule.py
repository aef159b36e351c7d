"""When a scheduled action is due: rate, cron and at expressions, in UTC.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
"""

from localcloud.aws.api_errors import ValidationError

_UTC = ("UTC", "Etc/UTC", "GMT", "Etc/GMT")


def check_schedule(expression: str, timezone: str | None, now: float) -> None:
    """Refuses an expression that is none, and times of other places than Greenwich.

    Raises:
        ValidationError: It says what is expected.
    """
    if timezone not in (None, *_UTC):
        raise ValidationError(f"Timezone {timezone} is not kept on this machine; expected UTC.")
    if next_due(expression, None, now) is None:
        raise ValidationError(
            f"Schedule {expression!r} is none; expected at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields)."
        )


def next_due(expression: str, last_fired: float | None, created: float) -> float | None:
    """Epoch seconds at which an expression is due next; None when it never is."""
    # MiniStack reads its settings while it is imported; only the running edge may import it.
    from localcloud.aws.ministack_patches import timers

    return timers.next_due(expression, last_fired, created)
