"""The events that the rooms exchange on the default event bus, and their schemas.

The source is always `comal`, the detail type is the class name. `event_id` is derived from what happened, never random,
so a repeated delivery or a repeated emission is recognised.
"""

import hashlib
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from comal.recipe_training import Search

SOURCE = "comal"

TriggerKind = Literal["new_rows", "schedule", "alarm", "request", "champion_changed"]


def event_id(*parts: str) -> str:
    """Stable id of something that happened: 16 hex digits of the SHA-256 of its parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class Event(BaseModel):
    """What every event carries."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
    kinds: ClassVar[dict[str, type["Event"]]] = {}

    schema_version: Literal[1] = 1
    event_id: str
    stack: str
    model: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Event.kinds[cls.__name__] = cls

    def entry(self, time: datetime) -> dict[str, Any]:
        """An entry for PutEvents. `time` is when it happened, timezone-aware."""
        return {
            "Source": SOURCE,
            "DetailType": type(self).__name__,
            "Detail": self.model_dump_json(),
            "Time": time,
        }


class BatchValidated(Event):
    """A pushed file passed its contract and its rows can be trained on."""

    batch_id: str
    push_id: str | None = None
    source_key: str
    rows: int
    validated_key: str
    profile_key: str
    report_key: str
    warnings: list[str] = []


class FeaturesIngested(Event):
    """The rows of a batch are in the feature store, and can be trained on with what their windows held."""

    batch_id: str
    rows: int
    features_key: str


class BatchRejected(Event):
    """A pushed file broke its contract and lies in quarantine."""

    batch_id: str
    push_id: str | None = None
    source_key: str
    quarantine_key: str
    report_key: str
    problems: list[str]


class Trigger(BaseModel):
    """One reason to train."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: str
    kind: TriggerKind
    reason: str
    rows: int = 0


class TrainingRequested(Event):
    """Somebody or something asks for a training run; with `search`, for one that searches first."""

    kind: TriggerKind
    reason: str
    requested_by: str
    search: Search | None = None


class TrainingStarted(Event):
    """A run was decided and its execution started."""

    run_id: str
    training_job_name: str
    execution_arn: str
    triggers: list[Trigger]


class TrainingRefused(Event):
    """Triggers were looked at and no run was started."""

    triggers: list[Trigger]
    why: str


class ModelRegistered(Event):
    """A trained model has a version in the registry."""

    run_id: str
    version: int
    model_package_arn: str
    metrics: dict[str, float]


class ModelApproved(Event):
    """The gate let a version through; it becomes the champion."""

    version: int
    model_package_arn: str
    why: str


class ModelRejected(Event):
    """The gate kept a version back; the champion stays."""

    version: int
    model_package_arn: str
    why: str


class ModelDeployed(Event):
    """The endpoint serves a version."""

    version: int
    endpoint_name: str
    model_package_arn: str


class ModelRolledBack(Event):
    """The endpoint could not be moved to a version; the former one keeps serving."""

    version: int
    endpoint_name: str
    why: str


class DriftScored(Event):
    """A window of captured rows was compared with the rows that the serving version was trained on.

    Scores are 1.0 at the threshold. `looked_at` counts the windows of this week.
    """

    version: int
    window_id: str
    rows: int
    looked_at: int
    drift_score: float
    prediction_drift_score: float
    columns: dict[str, float]
    report_key: str


class BatchScoringRequested(Event):
    """Somebody asks for predictions of validated batches; `prefix` is a prefix of the lake."""

    prefix: str
    requested_by: str


class BatchScored(Event):
    """Every row of a prefix has a prediction."""

    version: int
    transform_job_name: str
    source_prefix: str
    predictions_prefix: str
    rows: int


def parse(envelope: dict[str, Any]) -> Event:
    """The event inside an EventBridge envelope.

    Raises:
        KeyError: The detail type is none of ours.
        pydantic.ValidationError: The detail does not fit its schema.
    """
    return Event.kinds[envelope["detail-type"]].model_validate(envelope["detail"])
