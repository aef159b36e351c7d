"""Logs: every log event is read for metrics as it comes in; MiniStack keeps metric filters and never applies them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch_logs

from localcloud.aws.cloudwatch.filter_condition import PatternError
from localcloud.aws.cloudwatch.filter_pattern import parse_pattern
from localcloud.aws.cloudwatch.log_metrics import check_filter
from localcloud.aws.metrics import LogEvent, Telemetry

NAMES = {
    "ministack.core.responses": ("error_response_json", "get_account_id", "get_region", "json_response"),
    "ministack.services.cloudwatch_logs": (
        "_fanout_to_subscription_filters",
        "_metric_filters",
        "_put_metric_filter",
        "handle_request",
    ),
}

Answer = tuple[int, Mapping[str, str], bytes]


def install(telemetry: Telemetry) -> None:
    """Every log event passes where MiniStack gives it to subscriptions: from PutLogEvents and from functions."""
    cloudwatch_logs._fanout_to_subscription_filters = _read_first(
        cloudwatch_logs._fanout_to_subscription_filters, telemetry
    )
    cloudwatch_logs._put_metric_filter = _checked(cloudwatch_logs._put_metric_filter)
    cloudwatch_logs.handle_request = _with_test_metric_filter(cloudwatch_logs.handle_request)


def _read_first(original: Callable[..., None], telemetry: Telemetry) -> Callable[..., None]:
    def fan_out(group: str, stream: str, events: Sequence[Mapping[str, Any]]) -> None:
        filters = [one for key, one in list(cloudwatch_logs._metric_filters.items()) if key[0] == group]
        logged = [LogEvent(event["timestamp"] / 1000, event["message"]) for event in events]
        telemetry.take_log_events(responses.get_account_id(), responses.get_region(), group, logged, filters)
        original(group, stream, events)

    return fan_out


def _checked(original: Callable[[Mapping[str, Any]], Answer]) -> Callable[[Mapping[str, Any]], Answer]:
    def put_metric_filter(data: Mapping[str, Any]) -> Answer:
        try:
            check_filter(data)
        except PatternError as error:
            return _refusal(error)
        return original(data)

    return put_metric_filter


def _with_test_metric_filter(original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").rpartition(".")[2] == "TestMetricFilter":
            return _test_metric_filter(json.loads(body))
        return await original(method, path, headers, body, query)

    return handle_request


def _test_metric_filter(data: Mapping[str, Any]) -> Answer:
    """TestMetricFilter.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
    """
    try:
        pattern = parse_pattern(data["filterPattern"])
    except PatternError as error:
        return _refusal(error)
    found = [(number, message, pattern(message)) for number, message in enumerate(data["logEventMessages"], 1)]
    matches = [
        {"eventNumber": number, "eventMessage": message, "extractedValues": match.extracted}
        for number, message, match in found
        if match is not None
    ]
    answer: Answer = responses.json_response({"matches": matches})
    return answer


def _refusal(error: PatternError) -> Answer:
    answer: Answer = responses.error_response_json("InvalidParameterException", f"Invalid metric filter: {error}", 400)
    return answer
