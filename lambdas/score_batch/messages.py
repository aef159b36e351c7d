"""What a message from the queue asks for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from comal import s3_layout
from comal.events import BatchScoringRequested, parse
from comal.names import Names
from comal.scoring import scoring_id_of

TRANSFORM_STATUS = "SageMaker Transform Job State Change"
SCHEDULE = "Schedule"


@dataclass(frozen=True)
class Wish:
    """Somebody wants predictions.

    Attributes:
        model: Name of the model.
        prefix: Prefix of validated batches in the lake.
        scoring_id: The same for a repeated message: 12 hex digits.
    """

    model: str
    prefix: str
    scoring_id: str


@dataclass(frozen=True)
class Ended:
    """A transform job has ended.

    Attributes:
        scoring_id: Of the wish that it was for.
        version: Version that it scored with.
        status: Completed, Failed or Stopped.
        failure: Why it failed.
    """

    model: str
    prefix: str
    scoring_id: str
    version: int
    status: str
    failure: str


def read_message(names: Names, envelope: dict[str, Any]) -> Wish | Ended | None:
    """What an envelope asks for; None when it is another stack's.

    Raises:
        KeyError: The detail type is none that this function knows.
        pydantic.ValidationError: The detail does not fit its schema.
    """
    if envelope["detail-type"] == TRANSFORM_STATUS:
        return _read_end(names, envelope["detail"])
    if envelope["detail-type"] == SCHEDULE:
        model, time = envelope["model"], envelope["time"]
        # What was validated the day before; a day's last file is there when the next day begins.
        day = (datetime.fromisoformat(time) - timedelta(days=1)).date().isoformat()
        return Wish(model, s3_layout.validated_prefix(model, day), scoring_id_of(model, "schedule", time))
    event = parse(envelope)
    if not isinstance(event, BatchScoringRequested):
        raise KeyError(f"{type(event).__name__} asks for no predictions.")
    if event.stack != names.stack:
        return None
    return Wish(event.model, event.prefix, scoring_id_of(event.model, event.event_id))


def _read_end(names: Names, detail: dict[str, Any]) -> Ended | None:
    tags = detail.get("Tags", {})
    if tags.get("comal:stack") != names.stack:
        return None
    model = tags["comal:model"]
    _, prefix = s3_layout.split_uri(detail["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    return Ended(
        model=model,
        prefix=s3_layout.validated_of(prefix),
        scoring_id=detail["TransformJobName"].removeprefix(names.transform_job(model, "")),
        version=int(tags["comal:version"]),
        status=detail["TransformJobStatus"],
        failure=detail.get("FailureReason", ""),
    )
