"""`comal experiments`: the runs of a model side by side, and the page of each."""

import sys
import webbrowser
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say, warn
from comal.cli.documents import DamagedDocumentError
from comal.cli.following import decisions_of
from comal.cli.models import metrics_text
from comal.cli.records import fetch_run_report, record_of, report_address
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.tracking_page import tracking_page
from comal.cli.tracking_server import INSTALL, LOOPBACK, answers
from comal.cli.verdict import version_named
from comal.cli.versions import versions_of
from comal.errors import PlatformError, UserError
from comal.run_record import FILE_NAME as RECORD_FILE
from comal.run_record import REPORT_NAME as REPORT_FILE
from comal.run_record import RunRecord

EPILOG = examples(
    "comal experiments tacos", "comal experiments tacos 3", "comal experiments tacos --json -s dev", "comal experiments"
)
_NO_VERSION: dict[str, Any] = {"version": None, "approval": None}


def experiments(
    model: Annotated[str | None, typer.Argument(help="Name of the model; without it MLflow's page is opened.")] = None,
    version: Annotated[int | None, typer.Argument(help="Fetch the page of this version's run.", min=1)] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many runs, the newest.")] = 20,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """List the runs that trained a model, newest first: parameters, metrics, rows, times; or fetch one's page.

    The page has the run's plots and opens anywhere. In a stack with the component `experiments` MLflow has the runs,
    too: without a model its page is opened, and its address printed. A run whose record is damaged is named on stderr.

    Keys of --json, one row a run: version and approval (null where the model was refused), report (its address), and
    those of run.json but for plots; with a version that row alone, and page (its path); without a model: page (MLflow's
    address), and nothing is opened.
    """
    target = open_target(stack)
    if model is None:
        _open_tracker(target, as_json=as_json)
        return
    require_model(target, model)
    if version is not None:
        _show_one(target, model, version_named(target, model, version), as_json=as_json)
        return
    runs = _runs(target, model, limit)
    if as_json:
        print_json([_json(target, row, record) for row, record in runs])
        return
    if not runs:
        say(f"{model} has no runs to list. Next: comal status {model}{target.option}")
        return
    print_table(
        ("version", "run", "algorithm", "parameters", "trees", "rows", "metrics", "took", "started"),
        [_cells(row, record) for row, record in runs],
    )
    newest = next((row["version"] for row, _ in runs if row["version"]), None)
    if newest:
        say(f"next          comal experiments {model} {newest}{target.option}")
    else:
        say(f"next          why there is no version: comal status {model}{target.option}")
    if page := tracking_page(target):
        say(f"MLflow        {page}")


def _runs(target: Target, model: str, limit: int) -> list[tuple[dict[str, Any], RunRecord]]:
    """The newest runs on record, each with its version, which a run has not whose model was refused."""
    versions = versions_of(target, model)
    registered = {row["run_id"] for row in versions}
    decided = [row["run_id"] for row in decisions_of(target, model) if row["decision"] == "run"]
    others = [_NO_VERSION | {"run_id": run_id} for run_id in decided if run_id not in registered]
    found = [(row, _readable(target, model, row)) for row in [*versions[:limit], *others[:limit]]]
    runs = [(row, record) for row, record in found if record is not None]
    return sorted(runs, key=lambda run: run[1].started, reverse=True)[:limit]


def _readable(target: Target, model: str, row: dict[str, Any]) -> RunRecord | None:
    """What a run left; where that is damaged a warning says so, and the other runs are listed all the same."""
    try:
        return record_of(target, model, row)
    except DamagedDocumentError as error:
        what = f"Version {row['version']}" if row["version"] else f"Run {row['run_id']}"
        warn(f"{what} is not listed: {error}")
        return None


def _open_tracker(target: Target, *, as_json: bool) -> None:
    page = tracking_page(target)
    if not page:
        raise UserError(
            f"The stack '{target.stack}' has no component `experiments`, or is not deployed yet.",
            next_step=f"Add experiments to comal:components in stacks/Pulumi.{target.stack}.yaml, then run: "
            f"comal up{target.option}",
        )
    if as_json:
        print_json({"page": page})
    else:
        say(f"MLflow        {page}")
    if urlsplit(page).hostname == LOOPBACK and not answers(page):
        raise PlatformError(f"MLflow does not answer on {page}.", next_step=f"Run: {INSTALL}, then comal cloud start")
    # A browser of the terminal would take over what reads the output of a script.
    if not as_json and not (sys.stdout.isatty() and webbrowser.open(page)):
        say("next          open it in a browser")


def _show_one(target: Target, model: str, row: dict[str, Any], *, as_json: bool) -> None:
    record = record_of(target, model, row)
    path = fetch_run_report(target, model, row)
    if record is None or path is None:
        absent = RECORD_FILE if record is None else REPORT_FILE
        raise UserError(
            f"Version {row['version']} of {model} has no {absent} in the folder of its run: comal did not register it, "
            "or the file was deleted.",
            next_step="Restore an older version of that object, or choose another version: "
            f"comal experiments {model}{target.option}",
        )
    if as_json:
        print_json({**_json(target, row, record), "page": str(path)})
        return
    names = ("version", "run", "algorithm", "parameters", "trees", "rows", "metrics", "took", "started")
    print_table(("what", "value"), zip(names, _cells(row, record), strict=True), header=False)
    for warning in record.warnings:
        say(f"warning       {warning}")
    say(f"page          {path}")
    if record.tracked and (page := tracking_page(target)):
        say(f"MLflow        {page}/{record.tracked}")


def _json(target: Target, row: dict[str, Any], record: RunRecord) -> dict[str, Any]:
    return {
        "version": row["version"],
        "approval": row["approval"],
        "report": report_address(target, record.model, record.run_id),
        **record.model_dump(exclude={"plots"}),
    }


def _cells(row: dict[str, Any], record: RunRecord) -> tuple[Any, ...]:
    return (
        row["version"],
        record.run_id,
        record.algorithm,
        ", ".join(f"{name} {value}" for name, value in record.parameters.items()),
        record.structure.trees,
        record.data.trained_rows,
        metrics_text(record.metrics),
        f"{sum(record.seconds.values()):.1f} s",
        f"{datetime.fromisoformat(record.started):%Y-%m-%d %H:%M}",
    )
