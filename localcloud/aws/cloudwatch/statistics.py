"""What a period of a metric amounts to, by AWS's statistics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import re

from localcloud.aws.api_errors import ApiError
from localcloud.aws.cloudwatch.series import Bucket

_SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


def check_statistic(statistic: str) -> None:
    """Refuses what is no statistic, or none that is computed here.

    Raises:
        ApiError: The statistic is another one.
    """
    if statistic not in _SIMPLE and not _PERCENTILE.fullmatch(statistic):
        known = ", ".join(_SIMPLE)
        raise ApiError(
            "InvalidParameterValue", f"Statistic {statistic} is not computed on this machine; use {known} or pNN."
        )


def value_of(bucket: Bucket, statistic: str) -> float | None:
    """The statistic of some measurements; None where it cannot be told.

    A percentile cannot be told of statistic sets, unless all their values are equal.
    """
    match statistic:
        case "SampleCount":
            return bucket.count
        case "Sum":
            return bucket.total
        case "Average":
            return bucket.total / bucket.count
        case "Minimum":
            return bucket.low
        case "Maximum":
            return bucket.high
    return _percentile(bucket, float(statistic[1:]) / 100)


def _percentile(bucket: Bucket, share: float) -> float | None:
    if bucket.low == bucket.high:
        return bucket.low
    values = sorted(bucket.sample.items())
    known = sum(count for _, count in values)
    if known < bucket.count:
        return None
    # Linear between the values at ranks 0 … n-1, as if each were written down as often as it was measured.
    rank = share * max(known - 1, 0.0)
    reached = 0.0
    for position, (value, count) in enumerate(values):
        reached += count
        if rank <= reached - 1 or position == len(values) - 1:
            return value
        if rank < reached:
            following = values[position + 1][0]
            return value + (following - value) * (rank - (reached - 1))
    return None
