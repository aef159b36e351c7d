"""MetricDataQueries, as GetMetricData and metric math alarms have them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.cloudwatch.expression import Evaluation, Series, Value
from localcloud.aws.cloudwatch.expression_text import parse, references
from localcloud.aws.cloudwatch.series import SeriesKey, dimensions_of
from localcloud.aws.cloudwatch.statistics import check_statistic, value_of
from localcloud.aws.cloudwatch.store import Store

Query = Mapping[str, Any]

_PERIODS_BELOW_A_MINUTE_S = (1, 5, 10, 20, 30)
_MINUTE_S = 60
# What `references` says of METRICS(): every metric of the call.
_ALL = "METRICS"


@dataclass(frozen=True, slots=True)
class Range:
    """Time from `start` up to but not including `end`, in epoch seconds."""

    start: int
    end: int

    def periods(self, period_s: int) -> range:
        """Starts of the periods in it; the first one may begin before, as CloudWatch rounds the start down."""
        return range(self.start // period_s * period_s, self.end, period_s)


def check_queries(queries: Sequence[Query], *, of_alarm: bool = False) -> None:
    """Refuses queries that cannot be computed.

    Args:
        queries: All of a call.
        of_alarm: Whether the one that returns data, of which there is one, must be a single series.

    Raises:
        ApiError: An id is doubled, an expression or a statistic is unknown, a period is none of AWS's.
    """
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise ApiError("ValidationError", "The values for parameter id in MetricDataQueries must be unique.")
    for query in queries:
        if "MetricStat" in query and "Expression" not in query:
            check_statistic(query["MetricStat"]["Stat"])
            check_period(query["MetricStat"]["Period"])
        elif "Expression" in query:
            unknown = references(parse(query["Expression"])) - {*ids, _ALL, "REPEAT", "LINEAR"}
            if unknown:
                told = ", ".join(sorted(unknown))
                raise ApiError("ValidationError", f"Error in expression '{query['Id']}': {told} is no id of a query.")
        else:
            message = f"The query {query['Id']} must have either MetricStat or Expression."
            raise ApiError("ValidationError", message)
    # Whatever an expression asks for that is not computed here shows at once with any value.
    measured: dict[str, Value] = {query["Id"]: {0: 1.0} for query in queries if "Expression" not in query}
    values = _evaluate(queries, measured, Range(0, 1))
    if of_alarm:
        (returned,) = (query["Id"] for query in queries if query.get("ReturnData", True))
        as_series(values[returned], queries, Range(0, 1))


def check_period(period_s: int) -> None:
    """Refuses a period that CloudWatch does not have.

    Raises:
        ApiError: It is none of 1, 5, 10, 20, 30 and the multiples of 60.
    """
    if period_s not in _PERIODS_BELOW_A_MINUTE_S and (period_s <= 0 or period_s % _MINUTE_S):
        raise ApiError("ValidationError", f"Period must be 1, 5, 10, 20, 30 or a multiple of 60, and is {period_s}.")


def period_of(queries: Sequence[Query]) -> int:
    """The period of queries that are computed together: the longest of their metrics."""
    periods = [query["MetricStat"]["Period"] for query in queries if "MetricStat" in query]
    periods += [query["Period"] for query in queries if "Period" in query]
    return max(periods, default=_MINUTE_S)


def metrics_of(queries: Sequence[Query]) -> set[tuple[str, str]]:
    """Namespace and name of each metric that queries read."""
    stats = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
    return {(metric["Namespace"], metric["MetricName"]) for metric in stats}


def compute(store: Store, account: str, region: str, queries: Sequence[Query], between: Range) -> dict[str, Value]:
    """The value of every query, by its id.

    Raises:
        ApiError: An expression cannot be computed, or asks for itself.
    """
    values: dict[str, Value] = {
        query["Id"]: read_metric(store, account, region, query["MetricStat"], between)
        for query in queries
        if "Expression" not in query
    }
    return _evaluate(queries, values, between)


def _evaluate(queries: Sequence[Query], measured: Mapping[str, Value], between: Range) -> dict[str, Value]:
    """The measured values, and those of the expressions over them."""
    values = dict(measured)
    periods_s = {query["Id"]: period_of([query]) for query in queries if query["Id"] in measured}
    waiting = {query["Id"]: parse(query["Expression"]) for query in queries if "Expression" in query}
    while waiting:
        ready = [name for name, tree in waiting.items() if not references(tree) & waiting.keys()]
        if not ready:
            raise ApiError("ValidationError", f"The expressions {', '.join(waiting)} ask for each other.")
        for name in ready:
            tree = waiting.pop(name)
            asked = references(tree)
            inputs = [period_s for other, period_s in periods_s.items() if other in asked or _ALL in asked]
            periods_s[name] = max(inputs, default=period_of(queries))
            periods = between.periods(periods_s[name])
            values[name] = Evaluation(values, tuple(measured), periods, periods_s[name]).compute(tree)
    return values


def as_series(value: Value, queries: Sequence[Query], between: Range) -> Series:
    """A query's value as one series."""
    period_s = period_of(queries)
    periods = between.periods(period_s)
    return Evaluation({}, (), periods, period_s).as_series(value)


def read_metric(store: Store, account: str, region: str, stat: Query, between: Range) -> Series:
    """One metric's statistic by the start of its periods; a period without measurements is not there."""
    metric = stat["Metric"]
    dimensions = dimensions_of({one["Name"]: one["Value"] for one in metric.get("Dimensions", [])})
    keys = [
        key
        for key in store.keys(account, region, metric["Namespace"], metric["MetricName"])
        if key.dimensions == dimensions and _has_unit(key, stat.get("Unit"))
    ]
    buckets = store.read(keys, between.start, between.end, stat["Period"])
    values = {moment: value_of(bucket, stat["Stat"]) for moment, bucket in sorted(buckets.items())}
    return {moment: value for moment, value in values.items() if value is not None}


def _has_unit(key: SeriesKey, unit: str | None) -> bool:
    return unit is None or key.unit == unit
