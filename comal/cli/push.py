"""`comal push`: files go in, and what became of each comes out."""

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from comal.cli import batches
from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, complain, err, examples, print_json, print_table, say, warn
from comal.cli.failures import FAILED
from comal.cli.labels import REFUSED, follow_labels, label_upload, require_monitoring
from comal.cli.patience import wait_for
from comal.cli.reports import fetch_report
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.upload import Upload, plan_uploads, send

VALIDATION_TIMEOUT_S = 900.0

EPILOG = examples(
    "comal push tacos week1.csv",
    "comal push tacos january.csv february.csv",
    "comal push tacos orders/ --no-follow",
    "comal push tacos labels.csv --labels",
)


def push(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    files: Annotated[list[Path], typer.Argument(help="CSV or Parquet files, or folders of them.")],
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait until each file is judged.")] = True,
    labels: Annotated[
        bool, typer.Option("--labels", help="The files hold late labels: inference_id, label, observed_at.")
    ] = False,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Push files to a model's landing bucket and follow them until each is validated or quarantined.

    With --labels the files hold what became true of requests, and are followed until each is accepted or refused; they
    need the component monitoring. Exit code 1 when any file was quarantined or refused. The same content pushed again
    changes nothing.

    Keys of --json, one row a file: batch_id, status, source_key, rows, push_id, received_at, problems, warnings,
    report, validated, quarantine, duplicate_of, report_path; with --labels: source_key, status, rows, problems,
    received_at, report; with --no-follow: source_key, push_id.
    """
    uploads = plan_uploads(model, files)
    target = open_target(stack)
    require_model(target, model)
    if labels:
        require_monitoring(target)
        uploads = [label_upload(model, upload) for upload in uploads]
    push_id = uuid.uuid4().hex[:12]
    send_all(target, uploads, push_id)
    if not follow:
        _announce(uploads, push_id, f"comal status {model}{target.option}", as_json)
        return
    if labels:
        _show_labels(follow_labels(target, model, uploads), f"comal status {model}{target.option}", as_json)
        return
    judged = [_with_report(target, model, batch) for batch in follow_push(target, model, uploads, push_id)]
    if as_json:
        print_json(judged)
    else:
        _show(judged, f"comal status {model}{target.option}")
    if any(batch["status"] == batches.QUARANTINED for batch in judged):
        raise typer.Exit(FAILED)


def send_all(target: Target, uploads: list[Upload], push_id: str) -> None:
    """Upload files, with a bar of bytes on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        for upload in uploads:
            task = progress.add_task(upload.path.name, total=upload.size_bytes)
            send(target, upload, push_id, lambda count, task=task: progress.advance(task, count))  # type: ignore[misc]


def follow_push(target: Target, model: str, uploads: list[Upload], push_id: str) -> list[dict[str, Any]]:
    """Wait until each file of a push is validated, quarantined or recognised as a duplicate.

    Returns:
        Rows of `batches_of`, in the order of the uploads.

    Raises:
        PlatformError: Validation did not come to an end in time.
    """
    order = [upload.key for upload in uploads]

    def all_judged() -> list[dict[str, Any]] | None:
        mine = {
            batch["source_key"]: batch
            for batch in batches.batches_of(target, model)
            if batch["push_id"] == push_id and batch["status"] != batches.PROCESSING
        }
        return [mine[key] for key in order] if all(key in mine for key in order) else None

    with err.status(f"Validating {len(uploads)} file{'s' if len(uploads) > 1 else ''} …"):
        return wait_for(
            all_judged,
            what=f"validation of push {push_id}",
            timeout_s=VALIDATION_TIMEOUT_S,
            next_step=f"Run: comal logs function {model}{target.option}",
        )


def _with_report(target: Target, model: str, batch: dict[str, Any]) -> dict[str, Any]:
    """A judged batch with its report; one whose content was quarantined before, with that batch's."""
    if batch["duplicate_of"]:
        known = {other["batch_id"]: other for other in batches.batches_of(target, model)}
        first = known.get(batch["duplicate_of"])
        if first and first["status"] == batches.QUARANTINED:
            batch = {**first, "source_key": batch["source_key"], "push_id": batch["push_id"]}
    quarantined = batch["status"] == batches.QUARANTINED
    return {**batch, "report_path": str(fetch_report(target, batch)) if quarantined else None}


def _announce(uploads: list[Upload], push_id: str, next_command: str, as_json: bool) -> None:
    if as_json:
        print_json([{"source_key": upload.key, "push_id": push_id} for upload in uploads])
        return
    say(f"Uploaded {len(uploads)} file{'s' if len(uploads) > 1 else ''} as push {push_id}.")
    say(f"Next: {next_command}")


def _show(judged: list[dict[str, Any]], next_command: str) -> None:
    print_table(
        ("file", "status", "rows", "batch"),
        [(_file(batch), batch["status"], batch["rows"], batch["batch_id"]) for batch in judged],
    )
    for batch in judged:
        for warning in batch["warnings"]:
            warn(f"{_file(batch)}: {warning}")
        if batch["status"] == batches.QUARANTINED:
            for problem in batch["problems"]:
                complain(f"{_file(batch)}: {problem}")
            say(f"Report: {batch['report_path']} (opens in a browser; {batch['report']})")
            say(f"The file as it came: {batch['quarantine']}")
        if batch["status"] == "duplicate":
            say(f"{_file(batch)}: this content is batch {batch['duplicate_of']} already; nothing changed.")
    say(f"Next: {next_command}")


def _show_labels(taken: list[dict[str, Any]], next_command: str, as_json: bool) -> None:
    if as_json:
        print_json(taken)
    else:
        print_table(("file", "status", "labels"), [(_file(row), row["status"], row["rows"]) for row in taken])
        for row in taken:
            for problem in row["problems"]:
                complain(f"{_file(row)}: {problem}", "Correct the file, then push it again with --labels.")
        say(f"Next: {next_command}")
    if any(row["status"] == REFUSED for row in taken):
        raise typer.Exit(FAILED)


def _file(batch: dict[str, Any]) -> str:
    return str(batch["source_key"]).split("/", 2)[2]
