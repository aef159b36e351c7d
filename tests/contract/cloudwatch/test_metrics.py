"""Metrics go in and come out as AWS's documentation says."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloudwatch.conftest import Watched

MINUTE_S = 60


def statistics(watched: Watched, *names: str, name: str = "sales", period_s: int = MINUTE_S) -> list[dict[str, Any]]:
    now = watched.now()
    simple = [one for one in names if not one.startswith("p")]
    extended = [one for one in names if one.startswith("p")]
    answer = watched.cloudwatch.get_metric_statistics(
        Namespace=watched.namespace,
        MetricName=name,
        StartTime=now - 600,
        EndTime=now + 60,
        Period=period_s,
        **({"Statistics": simple} if simple else {}),
        **({"ExtendedStatistics": extended} if extended else {}),
    )
    return list(answer["Datapoints"])


def expression(watched: Watched, text: str, *metrics: str) -> dict[datetime, float]:
    queries = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {"Namespace": watched.namespace, "MetricName": name},
                "Period": MINUTE_S,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }
        for name in metrics
    ]
    now = watched.now() // MINUTE_S * MINUTE_S
    answer = watched.cloudwatch.get_metric_data(
        MetricDataQueries=[*queries, {"Id": "result", "Expression": text}],
        StartTime=now - 5 * MINUTE_S,
        EndTime=now,
        ScanBy="TimestampAscending",
    )
    (result,) = answer["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


def test_statistics_of_single_values_value_lists_and_statistic_sets_add_up(watched: Watched) -> None:
    watched.to_the_minute()
    watched.measure(1.0, 2.0)
    now = watched.now()
    data = [
        {"MetricName": "sales", "Timestamp": now, "Values": [3.0, 5.0], "Counts": [2.0, 1.0]},
        {
            "MetricName": "sales",
            "Timestamp": now,
            "StatisticValues": {"SampleCount": 2, "Sum": 20, "Minimum": 8, "Maximum": 12},
        },
    ]
    watched.cloudwatch.put_metric_data(Namespace=watched.namespace, MetricData=data)
    (point,) = statistics(watched, "SampleCount", "Sum", "Minimum", "Maximum", "Average")
    told = {name: point[name] for name in ("SampleCount", "Sum", "Minimum", "Maximum")}
    assert told == {"SampleCount": 7, "Sum": 34, "Minimum": 1, "Maximum": 12}
    assert point["Average"] == pytest.approx(34 / 7)


def test_percentiles_are_exact(watched: Watched) -> None:
    watched.to_the_minute()
    watched.measure(*range(101))
    (point,) = statistics(watched, "p50", "p99")
    assert point["ExtendedStatistics"] == {"p50": 50.0, "p99": 99.0}


def test_high_resolution_is_kept_by_the_second_and_summed_up_for_longer_periods(watched: Watched) -> None:
    watched.to_the_minute()
    start = watched.now() // MINUTE_S * MINUTE_S
    for second in (1, 2, 11):
        watched.measure(1.0, at=start + second, StorageResolution=1)
    assert [point["Sum"] for point in statistics(watched, "Sum", period_s=10)] == [2.0, 1.0]
    assert [point["Sum"] for point in statistics(watched, "Sum")] == [3.0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(a - b) / 2 * -1", [-1.0, -0.5]),
        ("a ^ 2", [9.0, 4.0]),
        ("IF(a > 2, 1, 0)", [1.0, 0.0]),
        ("a >= 2 AND b == 1", [1.0, 1.0]),
        ("SUM([a, b])", [4.0, 3.0]),
        ("MAX(METRICS())", [3.0, 2.0]),
        ("STDDEV([a, b])", [1.0, 0.5]),
        ("DIFF(a)", [-1.0]),
        ("AVG(a) + a", [5.5, 4.5]),
        ("PERIOD(a) * b", [60.0, 60.0]),
    ],
)
def test_metric_math(watched: Watched, text: str, wanted: list[float]) -> None:
    watched.to_the_minute()
    start = watched.now() // MINUTE_S * MINUTE_S
    for name, values in {"a": (3.0, 2.0), "b": (1.0, 1.0)}.items():
        for position, value in enumerate(values):
            watched.measure(value, at=start + position * MINUTE_S, name=name)
    watched.cloud.advance(3 * MINUTE_S)
    assert list(expression(watched, text, "a", "b").values()) == pytest.approx(wanted)


def test_fill_gives_a_value_where_there_is_none(watched: Watched) -> None:
    watched.to_the_minute()
    start = watched.now() // MINUTE_S * MINUTE_S
    watched.measure(7.0, at=start, name="a")
    watched.cloud.advance(3 * MINUTE_S)
    assert list(expression(watched, "FILL(a, REPEAT)", "a").values()) == [7.0, 7.0, 7.0]
    assert list(expression(watched, "FILL(a, 0)", "a").values()) == [0.0, 0.0, 7.0, 0.0, 0.0]


@pytest.mark.parametrize("text", ["ANOMALY_DETECTION_BAND(a)", "a +", "SEARCH('x', 'Sum', 60)", "unknown + 1", "a $ b"])
def test_an_expression_that_is_not_computed_is_refused(watched: Watched, text: str) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        expression(watched, text, "a")


def test_data_come_in_pages_of_datapoints(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html ."""
    watched.to_the_minute()
    now = watched.now() // MINUTE_S * MINUTE_S
    for number in range(5):
        watched.measure(float(number), at=now - number * MINUTE_S, name="a")
    watched.measure(9.0, at=now, name="b")
    metrics = [{"Namespace": watched.namespace, "MetricName": name} for name in ("a", "none", "b")]
    queries = [
        {"Id": metric["MetricName"], "MetricStat": {"Metric": metric, "Period": MINUTE_S, "Stat": "Sum"}}
        for metric in metrics
    ]
    paginator = watched.cloudwatch.get_paginator("get_metric_data")
    pages = paginator.paginate(
        MetricDataQueries=queries, StartTime=now - 600, EndTime=now + 60, PaginationConfig={"PageSize": 2}
    )
    found: dict[str, list[float]] = {}
    codes = []
    for page in pages:
        for result in page["MetricDataResults"]:
            found.setdefault(result["Id"], []).extend(result["Values"])
            codes.append(result["StatusCode"])
    assert found == {"a": [0.0, 1.0, 2.0, 3.0, 4.0], "none": [], "b": [9.0]}
    assert codes == ["PartialData", "PartialData", "Complete", "Complete", "Complete"]


def test_the_start_is_rounded_down_to_the_period(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html ."""
    watched.to_the_minute()
    start = watched.now() // MINUTE_S * MINUTE_S
    watched.measure(1.0, at=start)
    answer = watched.cloudwatch.get_metric_statistics(
        Namespace=watched.namespace,
        MetricName="sales",
        StartTime=start + 30,
        EndTime=start + 60,
        Period=MINUTE_S,
        Statistics=["Sum"],
    )
    assert [point["Timestamp"].timestamp() for point in answer["Datapoints"]] == [start]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(watched: Watched, value: float) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html ."""
    with pytest.raises(ClientError, match=r"finite|converted to a number"):
        watched.measure(value)


def test_namespaces_of_aws_are_closed(watched: Watched) -> None:
    with pytest.raises(ClientError, match="AWS/SageMaker"):
        watched.cloudwatch.put_metric_data(Namespace="AWS/SageMaker", MetricData=[{"MetricName": "x", "Value": 1.0}])


def test_times_may_be_datetimes(watched: Watched) -> None:
    watched.to_the_minute()
    at = datetime.fromtimestamp(watched.now(), UTC)
    watched.cloudwatch.put_metric_data(
        Namespace=watched.namespace, MetricData=[{"MetricName": "sales", "Value": 2.0, "Timestamp": at}]
    )
    (point,) = statistics(watched, "Sum")
    assert point["Timestamp"] == at.replace(second=0, microsecond=0)


def test_metrics_are_listed_by_namespace_name_and_dimension(watched: Watched) -> None:
    watched.measure(1.0, Dimensions=[{"Name": "store", "Value": "norte"}])
    watched.measure(1.0, name="visits")
    answer = watched.cloudwatch.list_metrics(Namespace=watched.namespace, Dimensions=[{"Name": "store"}])
    (metric,) = answer["Metrics"]
    assert (metric["MetricName"], metric["Dimensions"]) == ("sales", [{"Name": "store", "Value": "norte"}])


def test_dashboards_are_kept_and_told_what_is_wrong_with_them(watched: Watched) -> None:
    cloudwatch, name = watched.cloudwatch, watched.namespace
    body = '{"widgets": [{"type": "metric", "properties": {}}, {"type": "dance", "properties": {}}]}'
    answer = cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body)
    assert [message["DataPath"] for message in answer["DashboardValidationMessages"]] == ["/widgets/1/type"]
    assert cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"] == body
    with pytest.raises(ClientError, match="InvalidParameterInput"):
        cloudwatch.put_dashboard(DashboardName=name, DashboardBody="{")
    cloudwatch.delete_dashboards(DashboardNames=[name])
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloudwatch.get_dashboard(DashboardName=name)


def test_seconds_become_minutes_after_three_hours(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html (metrics retention)."""
    watched.to_the_minute()
    start = watched.now() // MINUTE_S * MINUTE_S
    for second in (1, 2, 11):
        watched.measure(float(second), at=start + second, StorageResolution=1)
    watched.cloud.advance(4 * 3600)
    asked = {"Namespace": watched.namespace, "MetricName": "sales", "StartTime": start, "EndTime": start + 60}

    def seen(period_s: int) -> list[float]:
        answer = watched.cloudwatch.get_metric_statistics(**asked, Period=period_s, Statistics=["Sum"])
        return [point["Sum"] for point in answer["Datapoints"]]

    deadline = time.monotonic() + 10
    while len(seen(1)) > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (seen(1), seen(60)) == ([14.0], [14.0])
