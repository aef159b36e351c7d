"""Whether a percentile is of too few values to say anything.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#percentiles-with-low-samples
"""

from collections.abc import Mapping
from typing import Any

from localcloud.aws.cloudwatch import announcements, queries
from localcloud.aws.cloudwatch.store import Named, Store

_TAIL_SAMPLES = 10


def has_too_few(store: Store, named: Named, between: queries.Range) -> bool:
    """Whether an alarm on a percentile, which asks for enough values, has a period with some but too few.

    Args:
        store: Where the values are.
        named: The alarm.
        between: The periods that it is judged by.
    """
    alarm = named.document
    if alarm.get("EvaluateLowSampleCountPercentile") != "ignore" or "ExtendedStatistic" not in alarm:
        return False
    (query,) = announcements.queries_of(alarm)
    counted: Mapping[str, Any] = {**query["MetricStat"], "Stat": "SampleCount"}
    counts = queries.read_metric(store, named.account, named.region, counted, between)
    return any(count < samples_needed(alarm["ExtendedStatistic"]) for count in counts.values())


def samples_needed(percentile: str) -> float:
    """How many values a percentile needs: ten beyond it.

    Args:
        percentile: `p99`, ….
    """
    percent = float(percentile[1:])
    tail_percent = min(percent, 100 - percent)
    return 100 * _TAIL_SAMPLES / tail_percent if tail_percent > 0 else float("inf")
