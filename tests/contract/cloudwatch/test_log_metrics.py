"""What is logged becomes metrics: the embedded metric format, and metric filters."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloudwatch.conftest import Watched

STREAM = "tests"


@pytest.fixture
def log(watched: Watched) -> Iterator[Callable[..., None]]:
    """Writes lines into a log group of the test's own, named as the namespace."""
    logs = watched.cloud.client("logs")
    logs.create_log_group(logGroupName=watched.namespace)
    logs.create_log_stream(logGroupName=watched.namespace, logStreamName=STREAM)

    def write(*messages: str) -> None:
        events = [{"timestamp": int(time.time() * 1000), "message": message} for message in messages]
        logs.put_log_events(logGroupName=watched.namespace, logStreamName=STREAM, logEvents=events)

    yield write
    logs.delete_log_group(logGroupName=watched.namespace)


def embedded(watched: Watched, *, moment: float | None = None, **changes: Any) -> str:
    directive = {
        "Namespace": watched.namespace,
        "Dimensions": [["model"]],
        "Metrics": [{"Name": "sales", "Unit": "Count", "StorageResolution": 1}],
    }
    about = {"Timestamp": int((time.time() if moment is None else moment) * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "model": "tacos", "sales": 7, **changes})


def points(watched: Watched, name: str = "sales", **dimensions: str) -> list[dict[str, Any]]:
    now = watched.now()
    answer = watched.cloudwatch.get_metric_statistics(
        Namespace=watched.namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["SampleCount", "Sum", "Minimum"],
    )
    return list(answer["Datapoints"])


def test_a_line_in_the_embedded_metric_format_is_a_metric(watched: Watched, log: Callable[..., None]) -> None:
    """docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html ."""
    log("START", embedded(watched), embedded(watched, sales=[1, 2]), "not { json")
    (point,) = points(watched, model="tacos")
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (10.0, 3.0, "Count")


@pytest.mark.parametrize("changes", [{"sales": "seven"}, {"model": 3}, {"sales": [1, "two"]}, {"_aws": 1}])
def test_a_member_of_the_wrong_type_is_no_metric(
    watched: Watched, log: Callable[..., None], changes: dict[str, Any]
) -> None:
    log(embedded(watched, **changes))
    assert watched.cloudwatch.list_metrics(Namespace=watched.namespace)["Metrics"] == []


def test_what_a_function_measured_by_the_machine_s_clock_is_of_the_cloud_s_present(
    watched: Watched, log: Callable[..., None]
) -> None:
    """The local cloud's own rule: functions cannot see the stepped clock."""
    watched.cloud.advance(3600)
    log(embedded(watched))
    (point,) = points(watched, model="tacos")
    assert abs(point["Timestamp"].timestamp() - watched.now()) < 120


def test_a_time_taken_from_an_event_stays(watched: Watched, log: Callable[..., None]) -> None:
    watched.cloud.advance(3600)
    moment = watched.now() - 300
    log(embedded(watched, moment=moment))
    (point,) = points(watched, model="tacos")
    assert point["Timestamp"].timestamp() == moment // 60 * 60


def test_an_alarm_sees_embedded_metrics(watched: Watched, log: Callable[..., None]) -> None:
    watched.put_alarm(Dimensions=[{"Name": "model", "Value": "tacos"}], Threshold=5.0)
    watched.to_the_minute()
    log(embedded(watched))
    watched.to_the_minute()
    assert watched.state == "ALARM"


def put_filter(watched: Watched, pattern: str, **changes: Any) -> None:
    transformation = {"metricName": "sales", "metricNamespace": watched.namespace, "metricValue": "1", **changes}
    watched.cloud.client("logs").put_metric_filter(
        logGroupName=watched.namespace,
        filterName="filter",
        filterPattern=pattern,
        metricTransformations=[transformation],
    )


def test_a_metric_filter_counts_the_lines_that_match(watched: Watched, log: Callable[..., None]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html ."""
    put_filter(watched, "ERROR -retried")
    log("ERROR one", "INFO two", "ERROR three, retried", "[ERROR] four")
    (point,) = points(watched)
    assert point["Sum"] == 2.0


def test_a_metric_filter_takes_values_and_dimensions_from_json(watched: Watched, log: Callable[..., None]) -> None:
    pattern = '{ $.latency > 10 && $.path = "/orders*" }'
    put_filter(watched, pattern, metricValue="$.latency", dimensions={"store": "$.store"}, unit="Milliseconds")
    calls = [(20, "/orders/1", "norte"), (30, "/orders", "norte"), (5, "/orders", "norte"), (99, "/health", "norte")]
    log(*[json.dumps({"latency": latency, "path": path, "store": store}) for latency, path, store in calls])
    (point,) = points(watched, store="norte")
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (50.0, 2.0, "Milliseconds")


def test_a_metric_filter_takes_values_from_columns(watched: Watched, log: Callable[..., None]) -> None:
    put_filter(watched, "[ip, user, timestamp, request, status = 4*, bytes]", metricValue="$bytes")
    line = '127.0.0.1 - [10/Oct/2000:13:25:15] "GET /index.html HTTP/1.0" {} {}'
    log(line.format(404, 1534), line.format(200, 99), line.format(401, 6))
    (point,) = points(watched)
    assert point["Sum"] == 1540.0


def test_a_minute_without_a_match_is_worth_the_default_value(watched: Watched, log: Callable[..., None]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html ."""
    put_filter(watched, "ERROR", defaultValue=0.0)
    watched.to_the_minute()
    log("INFO all is well")
    watched.to_the_minute()
    log("INFO all is well")
    log("ERROR not any more")
    watched.to_the_minute()
    assert [(point["SampleCount"], point["Sum"]) for point in points(watched)] == [(1.0, 0.0), (1.0, 1.0)]


@pytest.mark.parametrize(
    ("pattern", "matching", "extracted"),
    [
        ("", ["anything"], {}),
        ('"INTERNAL SERVER"', ["an INTERNAL SERVER error"], {}),
        ("?ERROR ?WARN", ["WARN", "ERROR"], {}),
        ("%ERR.R%", ["an ERROR"], {}),
        ("{ $.user.name = * }", ['{"user": {"name": "ana"}}'], {"$.user.name": "ana"}),
        ("{ $.items[0] = 3 || $.b IS TRUE }", ['{"items": [3]}'], {"$.items[0]": "3"}),
        ("{ ($.a NOT EXISTS) && ($.b IS NULL) }", ['{"b": null}'], {"$.b": "null"}),
        ("{ $.code = %4[0-9]{2}% }", ['{"code": 404}'], {"$.code": "404"}),
        ("[..., status >= 400 && status < 500, size]", ["a b 404 7"], {"$1": "a", "$2": "b"}),
    ],
)
def test_a_pattern_can_be_tried_out(
    watched: Watched, pattern: str, matching: list[str], extracted: dict[str, str]
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html ."""
    others = ["nothing of it"] if pattern else []
    found = watched.cloud.client("logs").test_metric_filter(
        filterPattern=pattern, logEventMessages=[*others, *matching]
    )["matches"]
    assert [match["eventMessage"] for match in found] == matching
    assert found[0]["eventNumber"] == len(others) + 1
    assert found[0]["extractedValues"].items() >= extracted.items()


@pytest.mark.parametrize("pattern", ["{ $.a ~ 1 }", "{ $.a = ", "[a, b", "two.words", "{ $.a > x }"])
def test_a_pattern_that_is_none_is_refused(watched: Watched, log: Callable[..., None], pattern: str) -> None:
    with pytest.raises(ClientError, match="Invalid metric filter"):
        put_filter(watched, pattern)
    assert watched.cloud.client("logs").describe_metric_filters(logGroupName=watched.namespace)["metricFilters"] == []
