"""`comal logs`: what functions, jobs and the endpoint wrote."""

import json
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, say, warn
from comal.cli.log_lines import about_model, read_lines
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
    """Print the last log lines of functions (as far as they concern the model), the last job or the endpoint.

    Keys of --json, one document a line: time, log, message.
    """
    target = open_target(stack)
    require_model(target, model)
    shown: set[str] = set()
    first = _lines(target, source, model, datetime.now(UTC) - LOOK_BACK)
    if not first:
        warn(f"There are no lines of the last {LOOK_BACK.days} days.")
    _print_new(first[-lines:], shown, as_json)
    shown.update(line["id"] for line in first)
    while follow:
        time.sleep(POLL_S)
        _print_new(_lines(target, source, model, datetime.now(UTC) - LATENESS), shown, as_json)


def _lines(target: Target, source: Source, model: str, since: datetime) -> list[dict[str, Any]]:
    match source:
        case Source.JOB:
            lines = read_lines(target, "/aws/sagemaker/TrainingJobs", since, _last_job_stream(target, model))
        case Source.ENDPOINT:
            lines = read_lines(target, f"/aws/sagemaker/Endpoints/{target.names.of_model(model)}", since)
        case Source.FUNCTION:
            lines = [
                line
                for group in _function_groups(target)
                for line in about_model(read_lines(target, group, since), model)
            ]
    return sorted(lines, key=lambda line: line["time"])


def _function_groups(target: Target) -> list[str]:
    prefix = f"/aws/lambda/{target.names.shared('')}"
    pages = target.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def _last_job_stream(target: Target, model: str) -> str:
    """Jobs share one log group."""
    run = last_run(target, model)
    if run is None:
        raise PlatformError(f"{model} has had no run yet.", next_step=f"Run: comal status {model}{target.option}")
    return str(run["log_streams"])


def _print_new(lines: list[dict[str, Any]], shown: set[str], as_json: bool) -> None:
    for line in lines:
        if line["id"] in shown:
            continue
        shown.add(line["id"])
        if as_json:
            typer.echo(json.dumps({key: line[key] for key in ("time", "log", "message")}, default=str))
        else:
            say(f"{line['time']:%H:%M:%S} {line['log']}  {line['message']}")
