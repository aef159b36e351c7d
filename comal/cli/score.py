"""`comal score`: predictions for batches that lie in the lake."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from comal import s3_layout
from comal.absence import is_absent
from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, err, examples, print_json, say
from comal.cli.patience import wait_for
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.versions import champion_of, versions_of
from comal.errors import PlatformError, UserError
from comal.event_bus import EventBus
from comal.events import BatchScoringRequested, event_id
from comal.scoring import scoring_id_of

EPILOG = examples(
    "comal score tacos",
    "comal score tacos dt=2026-03-02",
    "comal score tacos s3://comal-dev-lake-123456789012-eu-west-1/validated/tacos/v1/dt=2026-03-02/ -s dev",
)
# AWS takes some minutes to bring up an instance.
TIMEOUT_S = 3600.0
_ENDED = ("Completed", "Failed", "Stopped")


def score(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    prefix: Annotated[str, typer.Argument(help="Which validated batches: dt=DAY, a prefix or an s3:// URI.")] = "",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait until the predictions are there.")] = True,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Score validated batches with the champion in a transform job; all of them unless a prefix says which.

    Every input row has one row of predictions, in order. Exit code 1 when the job failed.

    Keys of --json: scoring_id, transform_job, source; and, unless --no-follow: status, files, predictions, database,
    table.
    """
    target = open_target(stack)
    require_model(target, model)
    asked = request_scoring(target, model, lake_prefix(target, model, prefix))
    if follow:
        asked |= follow_scoring(target, model, asked)
    if as_json:
        print_json(asked)
    elif follow:
        say(f"{asked['files']} files of predictions: {asked['predictions']}")
        call = f'wr.s3.read_parquet_table(table="{asked["table"]}", database="{asked["database"]}")'
        say(f"next          import awswrangler as wr; {call}")
    else:
        say(f"Requested ({asked['transform_job']}). Next: comal status {model}{target.option}")


def lake_prefix(target: Target, model: str, prefix: str) -> str:
    """A prefix of the lake from what somebody typed.

    Raises:
        UserError: It is none of the model's, or there is nothing below it.
    """
    lake, root = target.names.bucket("lake"), s3_layout.validated_prefix(model)
    if prefix.startswith("s3://"):
        bucket, key = s3_layout.split_uri(prefix)
        if bucket != lake:
            raise UserError(f"{prefix} is not in the lake s3://{lake}.", next_step="Push the data with `comal push`.")
    else:
        key = prefix if prefix.startswith(root) else root + prefix
    if not key.startswith(root):
        raise UserError(f"'{prefix}' does not lie below {root}.", next_step=f"Try: comal score {model} dt=YYYY-MM-DD")
    if not target.client("s3").list_objects_v2(Bucket=lake, Prefix=key, MaxKeys=1).get("Contents"):
        raise UserError(f"There is no validated batch below s3://{lake}/{key}.", next_step=f"Run: comal status {model}")
    return key


def request_scoring(target: Target, model: str, prefix: str) -> dict[str, Any]:
    """Ask score_batch for predictions.

    Returns:
        scoring_id, transform_job, source.

    Raises:
        PlatformError: No version is approved, or the stack has no batch serving.
    """
    if champion_of(versions_of(target, model)) is None:
        raise PlatformError(f"{model} has no approved version.", next_step=f"Run: comal status {model}{target.option}")
    _require_component(target)
    now, who = datetime.now(UTC), getpass.getuser()
    event = BatchScoringRequested(
        event_id=event_id(target.stack, model, "score", prefix, who, now.isoformat()),
        stack=target.stack,
        model=model,
        prefix=prefix,
        requested_by=who,
    )
    EventBus(target.client("events")).emit(event, now)
    scoring_id = scoring_id_of(model, event.event_id)
    return {
        "scoring_id": scoring_id,
        "transform_job": target.names.transform_job(model, scoring_id),
        "source": f"s3://{target.names.bucket('lake')}/{prefix}",
    }


def follow_scoring(target: Target, model: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Wait until the predictions of a scoring lie in the lake.

    Returns:
        status, files (how many), predictions (URI of their prefix), database, table.

    Raises:
        PlatformError: The job failed, or nothing came in time.
    """
    logs = f"comal logs function {model}{target.option}"
    with err.status(f"Transform job {asked['transform_job']} …"):
        job = wait_for(
            lambda: _ended_job(target, asked["transform_job"]),
            what=f"transform job {asked['transform_job']}",
            timeout_s=TIMEOUT_S,
            next_step=f"Run: {logs}",
        )
        if job["TransformJobStatus"] != "Completed":
            raise PlatformError(
                f"Transform job {asked['transform_job']} {job['TransformJobStatus']}: {job.get('FailureReason', '')}",
                next_step="Correct what it names, and ask again; nothing was published.",
            )
        keys = wait_for(
            lambda: _published(target, model, asked),
            what="the predictions to be published",
            timeout_s=TIMEOUT_S,
            next_step=f"Run: {logs}",
        )
    _, prefix = s3_layout.split_uri(asked["source"])
    return {
        "status": job["TransformJobStatus"],
        "files": len(keys),
        "predictions": f"s3://{target.names.bucket('lake')}/{s3_layout.predictions_of(prefix)}",
        "database": target.names.database,
        "table": target.names.predictions_table(model),
    }


def _ended_job(target: Target, name: str) -> dict[str, Any] | None:
    try:
        job: dict[str, Any] = target.client("sagemaker").describe_transform_job(TransformJobName=name)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return job if job["TransformJobStatus"] in _ENDED else None


def _published(target: Target, model: str, asked: dict[str, Any]) -> list[str] | None:
    """Keys of the predictions, once nothing of the scoring waits to be moved there."""
    s3, lake = target.client("s3"), target.names.bucket("lake")
    waiting = s3.list_objects_v2(Bucket=lake, Prefix=s3_layout.scoring_prefix(model, asked["scoring_id"]), MaxKeys=1)
    if waiting.get("Contents"):
        return None
    _, prefix = s3_layout.split_uri(asked["source"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=lake, Prefix=s3_layout.predictions_of(prefix))
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _require_component(target: Target) -> None:
    sqs = target.client("sqs")
    try:
        sqs.get_queue_url(QueueName=target.names.shared("score_batch"))
    except sqs.exceptions.QueueDoesNotExist:
        raise PlatformError(
            f"Stack '{target.stack}' scores no batches: its component batch_serving is off.",
            next_step=f"Add batch_serving to comal:components, then run: comal up{target.option}",
        ) from None
