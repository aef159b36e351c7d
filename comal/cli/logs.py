"""`comal logs`: what functions, jobs and the endpoint wrote."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, say, warn
from comal.cli.runs import last_run
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.errors import PlatformError

EPILOG = examples(
    "comal logs job tacos",
    "comal logs endpoint tacos -n 200",
    "comal logs function tacos --follow",
)
POLL_S = 1.0
LOOK_BACK = timedelta(days=7)
# CloudWatch Logs may show a line some seconds after it was written.
LATENESS = timedelta(seconds=60)


class Source(StrEnum):
    """Whose lines to show."""

    FUNCTION = "function"
    JOB = "job"
    ENDPOINT = "endpoint"


def logs(
    source: Annotated[Source, typer.Argument(help="Whose lines: the stack's functions, the last job, the endpoint.")],
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing until Ctrl-C.")] = False,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Print the last log lines of functions (lines that name the model, and errors), the last job or the endpoint.

    Keys of --json, one document a line: time, log, message.
    """
    target = open_target(stack)
    require_model(target, model)
    groups = _groups(target, source, model)
    streams = _stream_prefix(target, source, model)
    shown: set[Any] = set()
    since = datetime.now(UTC) - LOOK_BACK
    first = [line for line in _lines(target, groups, streams, since) if _concerns(line, source, model)]
    if not first:
        warn(f"There are no lines of the last {LOOK_BACK.days} days.")
    _print_new(first[-lines:], shown, as_json)
    shown.update(line["id"] for line in first)
    while follow:
        time.sleep(POLL_S)
        late = datetime.now(UTC) - LATENESS
        fresh = [line for line in _lines(target, groups, streams, late) if _concerns(line, source, model)]
        _print_new(fresh, shown, as_json)


def _groups(target: Target, source: Source, model: str) -> list[str]:
    if source is Source.JOB:
        return ["/aws/sagemaker/TrainingJobs"]
    if source is Source.ENDPOINT:
        return [f"/aws/sagemaker/Endpoints/{target.names.of_model(model)}"]
    prefix = f"/aws/lambda/{target.names.shared('')}"
    pages = target.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def _stream_prefix(target: Target, source: Source, model: str) -> str | None:
    """Job logs share one group: a stream is called <job>/algo-1-…."""
    if source is not Source.JOB:
        return None
    run = last_run(target, model)
    if run is None:
        raise PlatformError(f"{model} has had no run yet.", next_step=f"Run: comal status {model}{target.option}")
    return f"{run['training_job']}/"


def _lines(target: Target, groups: list[str], stream_prefix: str | None, since: datetime) -> list[dict[str, Any]]:
    lines = [line for group in groups for line in _group_lines(target, group, stream_prefix, since)]
    return sorted(lines, key=lambda line: line["time"])


def _group_lines(target: Target, group: str, stream_prefix: str | None, since: datetime) -> Iterator[dict[str, Any]]:
    client = target.client("logs")
    query: dict[str, Any] = {"logGroupName": group, "startTime": int(since.timestamp() * 1000)}
    if stream_prefix:
        query["logStreamNamePrefix"] = stream_prefix
    try:
        for page in client.get_paginator("filter_log_events").paginate(**query):
            for number, event in enumerate(page["events"]):
                yield {
                    "id": event.get("eventId") or (group, event["logStreamName"], event["timestamp"], number),
                    "time": datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                    "log": group.rsplit("/", 1)[1],
                    "message": event["message"].rstrip("\n"),
                }
    except client.exceptions.ResourceNotFoundException:
        return


def _concerns(line: dict[str, Any], source: Source, model: str) -> bool:
    return source is not Source.FUNCTION or model in line["message"] or '"level":"ERROR"' in line["message"]


def _print_new(lines: list[dict[str, Any]], shown: set[Any], as_json: bool) -> None:
    for line in lines:
        if line["id"] in shown:
            continue
        shown.add(line["id"])
        if as_json:
            typer.echo(json.dumps({key: line[key] for key in ("time", "log", "message")}, default=str))
        else:
            say(f"{line['time']:%H:%M:%S} {line['log']}  {line['message']}")
