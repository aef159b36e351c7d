"""Lines of CloudWatch Logs, and which of them concern a model."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from comal.cli.target import Target

# Lambda's own lines around an invocation.
_FRAME = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
_TROUBLE = ("Traceback (most recent call last)", '"level":"ERROR"', "Task timed out")


def read_lines(target: Target, group: str, since: datetime, stream_prefix: str = "") -> list[dict[str, Any]]:
    """The lines of a log group, oldest first; none when there is no such group.

    Args:
        target: The stack.
        group: Name of the log group.
        since: Timezone-aware.
        stream_prefix: What the names of the streams begin with.

    Returns:
        Rows of id, time, log (the end of the group's name), stream, message.
    """
    client = target.client("logs")
    query: dict[str, Any] = {"logGroupName": group, "startTime": int(since.timestamp() * 1000)}
    if stream_prefix:
        query["logStreamNamePrefix"] = stream_prefix
    try:
        events = [
            event for page in client.get_paginator("filter_log_events").paginate(**query) for event in page["events"]
        ]
    except client.exceptions.ResourceNotFoundException:
        return []
    return [
        {
            # A LocalStack-compatible endpoint may leave eventId out.
            "id": event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}",
            "time": datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
            "log": group.rsplit("/", 1)[1],
            "stream": event["logStreamName"],
            "message": event["message"].rstrip("\n"),
        }
        for event in events
    ]


def about_model(lines: list[dict[str, Any]], model: str) -> list[dict[str, Any]]:
    """The lines of those invocations of a function that name a model, or that went wrong before they could.

    Args:
        lines: Of one function, oldest first.
        model: Name of the model.
    """
    return [line for invocation in _invocations(lines) if _concerns(invocation, model) for line in invocation]


def _invocations(lines: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Lines of a stream belong to one invocation from START to the next START."""
    streams: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["message"].startswith("START RequestId"):
            yield streams.pop(line["stream"], [])
        if line["message"].strip() and not line["message"].startswith(_FRAME):
            streams.setdefault(line["stream"], []).append(line)
    yield from streams.values()


def _concerns(invocation: list[dict[str, Any]], model: str) -> bool:
    return any(model in line["message"] or any(sign in line["message"] for sign in _TROUBLE) for line in invocation)
