"""Logs: FilterLogEvents keeps to the streams whose names begin with a prefix; MiniStack does not know the parameter."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch_logs

NAMES = {
    "ministack.core.responses": ("error_response_json",),
    "ministack.services.cloudwatch_logs": ("_filter_log_events", "_log_groups", "_resolve_log_group_name"),
}

Answer = tuple[int, Mapping[str, str], bytes]


def install() -> None:
    """Names the streams to MiniStack, which keeps to names.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    cloudwatch_logs._filter_log_events = _of_prefix(cloudwatch_logs._filter_log_events)


def _of_prefix(original: Callable[[Mapping[str, Any]], Answer]) -> Callable[[Mapping[str, Any]], Answer]:
    def filter_log_events(data: Mapping[str, Any]) -> Answer:
        prefix = data.get("logStreamNamePrefix")
        group = cloudwatch_logs._log_groups.get(cloudwatch_logs._resolve_log_group_name(data))
        if not prefix or group is None:
            return original(data)
        if data.get("logStreamNames"):
            return _refusal()
        names = [name for name in list(group["streams"]) if name.startswith(prefix)]
        # No names would be all streams; no stream has the prefix for its name where none begins with it.
        return original({**data, "logStreamNames": names or [prefix]})

    return filter_log_events


def _refusal() -> Answer:
    message = "Only one of logStreamNames and logStreamNamePrefix can be given."
    answer: Answer = responses.error_response_json("InvalidParameterException", message, 400)
    return answer
