"""How many instances a target tracking policy wants: pure arithmetic over whole minutes of its metric.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
AWS does not publish its arithmetic. This is what its pages say about it, and what its alarms show: TargetTracking-…
AlarmHigh needs 3 of 3 minutes above the target, AlarmLow 15 of 15 below nine tenths of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MINUTE_S = 60
HIGH_MINUTES = 3
LOW_MINUTES = 15
LOW_SHARE = 0.9
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html
DEFAULT_COOLDOWN_S = 300.0
# A quotient such as 0.1 * 3 / 0.1 must not need a fourth instance.
_ROUNDING = 1e-9


class Direction(StrEnum):
    """Where a policy wants to go."""

    OUT = "out"
    IN = "in"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Tracking:
    """One policy.

    Attributes:
        target: Value of the metric that the fleet shall have; greater than 0.
        scale_out_cooldown_s: See `wish`.
        scale_in_cooldown_s: See `wish`.
        scales_in: Whether it may make the fleet smaller.
    """

    target: float
    scale_out_cooldown_s: float = DEFAULT_COOLDOWN_S
    scale_in_cooldown_s: float = DEFAULT_COOLDOWN_S
    scales_in: bool = True


@dataclass(frozen=True, slots=True)
class Scaling:
    """The last change of the fleet: which way, and when it was done, in epoch seconds."""

    direction: Direction
    ended_at: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What a policy wants; a capacity equal to the present one is no wish to change it."""

    direction: Direction
    capacity: int


def wish(tracking: Tracking, capacity: int, values: Mapping[int, float], now: float, last: Scaling | None) -> Wish:
    """What a policy wants now.

    Minutes in which the fleet had another size count for the alarms and never for the arithmetic. During the cooldown
    of a scale-out, only minutes after it count at all, so only a larger need goes further; during the cooldown of a
    scale-in nothing more is taken away, and a scale-out is not held up.

    Args:
        tracking: The policy.
        capacity: How many instances there are.
        values: The metric by the start of its minute, in epoch seconds; a minute without data is absent.
        now: Epoch seconds.
        last: The last change, if any.
    """
    this_minute = int(now // MINUTE_S) * MINUTE_S
    changed_at = last.ended_at if last is not None else 0.0
    high = _window(values, this_minute, HIGH_MINUTES)
    if len(high) == HIGH_MINUTES and all(value > tracking.target for _, value in high):
        is_cooling = (
            last is not None and last.direction is Direction.OUT and now < changed_at + (tracking.scale_out_cooldown_s)
        )
        since = [value for start, value in high if start >= changed_at]
        if since and (not is_cooling or len(since) == HIGH_MINUTES):
            return Wish(Direction.OUT, max(capacity, _needed(tracking, capacity, since[-1])))
        return Wish(Direction.STAY, capacity)
    low = _window(values, this_minute, LOW_MINUTES)
    if len(low) == LOW_MINUTES and all(value < LOW_SHARE * tracking.target for _, value in low):
        is_cooling = (
            last is not None and last.direction is Direction.IN and now < changed_at + (tracking.scale_in_cooldown_s)
        )
        since = [value for start, value in low if start >= changed_at]
        if tracking.scales_in and since and not is_cooling:
            return Wish(Direction.IN, min(capacity, _needed(tracking, capacity, max(since))))
    return Wish(Direction.STAY, capacity)


def agree(wishes: Sequence[Wish], capacity: int, smallest: int, largest: int) -> int:
    """The capacity that several policies come to: out when any wants it, in when all do, always the largest.

    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
    ("Multiple scaling policies")
    """
    out = [one.capacity for one in wishes if one.direction is Direction.OUT]
    if out:
        wanted = max(out)
    elif wishes and all(one.direction is Direction.IN for one in wishes):
        wanted = max(one.capacity for one in wishes)
    else:
        wanted = capacity
    return min(largest, max(smallest, wanted))


def _window(values: Mapping[int, float], end: int, minutes: int) -> list[tuple[int, float]]:
    starts = range(end - minutes * MINUTE_S, end, MINUTE_S)
    return [(start, values[start]) for start in starts if start in values]


def _needed(tracking: Tracking, capacity: int, value: float) -> int:
    return max(1, math.ceil(capacity * value / tracking.target - _ROUNDING))
