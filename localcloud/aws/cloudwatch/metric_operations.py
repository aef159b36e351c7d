"""The calls about metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
"""

from collections.abc import Mapping
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.cloudwatch import queries
from localcloud.aws.cloudwatch.data_pages import data_page
from localcloud.aws.cloudwatch.metrics import MetricIntake
from localcloud.aws.cloudwatch.pages import page
from localcloud.aws.cloudwatch.queries import Range
from localcloud.aws.cloudwatch.series import dimensions_of
from localcloud.aws.cloudwatch.statistics import check_statistic, value_of
from localcloud.aws.cloudwatch.store import Document, Store

_LISTED = 500
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
_MAX_DATAPOINTS = 1440


class MetricOperations:
    """What callers may do with metrics."""

    def __init__(self, store: Store, intake: MetricIntake) -> None:
        self._store = store
        self._intake = intake
        self.by_name = {
            "PutMetricData": self.put_metric_data,
            "GetMetricData": self.get_metric_data,
            "GetMetricStatistics": self.get_metric_statistics,
            "ListMetrics": self.list_metrics,
        }

    def put_metric_data(self, account: str, region: str, request: Document) -> Document:
        """PutMetricData."""
        self._intake.put_metric_data(account, region, request)
        return {}

    def get_metric_data(self, account: str, region: str, request: Document) -> Document:
        """GetMetricData."""
        asked = request["MetricDataQueries"]
        queries.check_queries(asked)
        between = _between(request)
        values = queries.compute(self._store, account, region, asked, between)
        newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = []
        for query in asked:
            if not query.get("ReturnData", True):
                continue
            value = values[query["Id"]]
            shown = value if isinstance(value, list) else [queries.as_series(value, asked, between)]
            for series in shown:
                moments = sorted(series, reverse=newest_first)
                results.append(
                    {
                        "Id": query["Id"],
                        "Label": query.get("Label") or _label(query),
                        "Timestamps": moments,
                        "Values": [series[moment] for moment in moments],
                    }
                )
        return data_page(results, request)

    def get_metric_statistics(self, account: str, region: str, request: Document) -> Document:
        """GetMetricStatistics."""
        statistics = [*request.get("Statistics", []), *request.get("ExtendedStatistics", [])]
        if not statistics:
            raise ApiError(
                "InvalidParameterCombination", "At least one of Statistics and ExtendedStatistics is needed."
            )
        for statistic in statistics:
            check_statistic(statistic)
        queries.check_period(request["Period"])
        between = _between(request)
        if (between.end - between.start) / request["Period"] > _MAX_DATAPOINTS:
            raise ApiError(
                "InvalidParameterCombination",
                f"More than {_MAX_DATAPOINTS} datapoints are asked for; take a longer Period.",
            )
        dimensions = dimensions_of({one["Name"]: one["Value"] for one in request.get("Dimensions", [])})
        points: list[Document] = []
        for key in self._store.keys(account, region, request["Namespace"], request["MetricName"]):
            if key.dimensions != dimensions or request.get("Unit", key.unit) != key.unit:
                continue
            for moment, bucket in self._store.read([key], between.start, between.end, request["Period"]).items():
                told = {statistic: value_of(bucket, statistic) for statistic in statistics}
                simple = {name: value for name, value in told.items() if name in request.get("Statistics", [])}
                extended = {
                    name: value for name, value in told.items() if name in request.get("ExtendedStatistics", [])
                }
                point: Document = {"Timestamp": moment, "Unit": key.unit, **simple}
                points.append(point | ({"ExtendedStatistics": extended} if extended else {}))
        return {"Label": request["MetricName"], "Datapoints": sorted(points, key=lambda point: point["Timestamp"])}

    def list_metrics(self, account: str, region: str, request: Document) -> Document:
        """ListMetrics."""
        asked = {(one["Name"], one.get("Value")) for one in request.get("Dimensions", [])}
        found: dict[tuple[str, str, tuple[tuple[str, str], ...]], None] = {}
        for key in self._store.keys(account, region, request.get("Namespace"), request.get("MetricName")):
            there = dict(key.dimensions)
            if all(name in there and value in (None, there[name]) for name, value in asked):
                found[key.namespace, key.name, key.dimensions] = None
        listed = [
            {"Namespace": space, "MetricName": name, "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions]}
            for space, name, dimensions in found
        ]
        return page("Metrics", listed, request, _LISTED)


def _between(request: Mapping[str, Any]) -> Range:
    start, end = int(request["StartTime"]), int(-(-request["EndTime"] // 1))
    if start >= end:
        raise ApiError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return Range(start, end)


def _label(query: Mapping[str, Any]) -> str:
    if "MetricStat" in query:
        return str(query["MetricStat"]["Metric"]["MetricName"])
    return str(query["Id"])
