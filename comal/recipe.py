"""A recipe: everything that comal needs to know about one model, with a documented default for all but four keys.

The smallest recipe is `model`, `task`, `target` and `features`. Reading YAML, with line
numbers in errors, is in recipe_file.
"""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from comal.errors import UserError
from comal.feature_group import GROUP_PATTERN, FeatureGroup
from comal.names import MODEL_PATTERN
from comal.recipe_columns import (
    BooleanFeature,
    CategoryFeature,
    EventTime,
    Feature,
    IntegerFeature,
    NumberFeature,
    WindowFeature,
)
from comal.recipe_metrics import METRICS_OF, Metric, Task, metrics_of
from comal.recipe_section import DURATION_PATTERN, INSTANCE_PATTERN, Section, contradiction, duration_s
from comal.recipe_training import Search, Training

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
# Ten years: clocks and calendars end not far beyond what no team means.
_MOST_HOURS = 10 * 365 * 24
SCHEDULE_PATTERN = r"^(rate\([1-9]\d* (minutes?|hours?|days?)\)|cron\(\S+( \S+){5}\))$"


class Validation(Section):
    """What makes a pushed file go to quarantine."""

    max_missing: float = Field(0.02, ge=0, le=1, description="Largest share of missing values a feature may have.")
    on_new_category: Literal["quarantine", "warn"] = Field(
        "quarantine",
        description="What a value outside `values` does to its file; with `warn` it is treated as missing.",
    )
    warn_drift: float = Field(
        0.2, gt=0, le=1, description="Distance to the training rows (KS or total variation) from which a report warns."
    )


class Gate(Section):
    """When a trained model may replace the champion."""

    metric: Metric | None = Field(
        None,
        description="Metric to judge by. Default: rmse for regression, pinball for a quantile, else log_loss.",
    )
    at_most: float | None = Field(None, description="The metric must not be above this.")
    at_least: float | None = Field(None, description="The metric must not be below this.")
    beat_champion_by: float = Field(
        0.0, ge=0, description="Improvement over the champion on the same held-out rows, in units of the metric."
    )
    confidence: float | None = Field(
        None,
        ge=0.5,
        lt=1,
        description="With it the lower end of the improvement's interval at this confidence counts, not its value.",
    )
    slices: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Category columns, and how much worse than the champion's the metric may be for any value of each.",
    )

    @model_validator(mode="after")
    def _possible(self) -> "Gate":
        """Both bounds are of the one metric that the gate judges by."""
        if self.at_most is not None and self.at_least is not None and self.at_most < self.at_least:
            raise contradiction(
                "at_most", f"at_most {self.at_most:g} is below at_least {self.at_least:g}; no model passes"
            )
        return self


class Registry(Section):
    """What a version is for, who lets it through, and how long it is good."""

    purpose: str = Field("", max_length=1024, description="What the predictions are for; stands in the model card.")
    owner: str = Field("", max_length=256, description="Whom to ask about the model; stands in the model card.")
    approval: Literal["automatic", "manual"] = Field(
        "automatic",
        description="Whether a version that passes the gate is served at once, or waits for `comal promote`.",
    )
    expires_after_days: int = Field(90, ge=1, le=3650, description="Age at which a version expires.")
    when_expired: Literal["keep", "refuse"] = Field(
        "keep", description="Whether an expired version predicts on (its alarm goes off), or refuses every request."
    )


class Serving(Section):
    """How predictions are served online."""

    mode: Literal["auto", "serverless", "realtime"] = Field(
        "auto",
        description="`serverless` costs nothing when idle; `realtime` keeps instances running; `auto` is realtime in a "
        "stack with `monitoring`, which serverless endpoints cannot have, else serverless.",
    )
    instance: str = Field("ml.c6i.large", pattern=INSTANCE_PATTERN, description="Instance type (realtime).")
    min: int = Field(1, ge=1, le=100, description="Smallest number of instances (realtime).")
    max: int | None = Field(
        None, ge=1, le=100, description="Largest number of instances; above `min` the fleet scales (realtime)."
    )
    target_rps: int = Field(
        50, ge=1, description="Requests a second that one instance shall serve; the fleet grows above it (realtime)."
    )
    capture_percent: int = Field(
        100, ge=1, le=100, description="Share of requests that is kept for monitoring (realtime, with `monitoring`)."
    )
    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(2048, description="Memory (serverless).")
    max_concurrency: int = Field(5, ge=1, le=200, description="Concurrent requests (serverless).")

    @property
    def max_instances(self) -> int:
        """`max`, or `min` where there is none."""
        return self.max or self.min

    @property
    def is_serverless(self) -> bool:
        """Whether no instances are kept; `auto` counts as serverless until a stack has settled it."""
        return self.mode != "realtime"

    @model_validator(mode="after")
    def _ordered(self) -> "Serving":
        if self.max is not None and self.min > self.max:
            raise contradiction("max", f"max {self.max} is below min {self.min}")
        return self


class Monitoring(Section):
    """When live traffic counts as different from what the model was trained on (component `monitoring`)."""

    window_rows: int = Field(1000, ge=50, description="Captured rows that are looked at together.")
    false_alarm_rate: float = Field(
        0.05, gt=0, lt=1, description="Probability that some week without drift raises a drift alarm."
    )
    min_effect: float = Field(
        0.1, ge=0, le=1, description="Smallest distance (KS or total variation) that counts, however certain it is."
    )
    reference: Literal["all", "seasonal"] = Field(
        "all", description="Compare with all training rows, or with those of the same hour and weekday (`seasonal`)."
    )
    label_delay: str = Field(
        "2d", pattern=DURATION_PATTERN, description="How late labels may come: a number and m, h or d."
    )

    @property
    def label_delay_s(self) -> int:
        """`label_delay` in seconds."""
        return duration_s(self.label_delay)


class Batch(Section):
    """Scoring files on a schedule (component `batch_serving`)."""

    schedule: str | None = Field(
        None, pattern=SCHEDULE_PATTERN, description="EventBridge Scheduler expression: rate(…) or cron(…), in UTC."
    )
    instance: str = Field("ml.m5.large", pattern=INSTANCE_PATTERN, description="Instance type of the transform job.")
    instances: int = Field(1, ge=1, le=100, description="Number of instances of the transform job.")


class Retrain(Section):
    """When a model is trained again (component `continuous_training`; `comal retrain` works without)."""

    on_new_rows: int = Field(
        1000,
        ge=1,
        description="Validated rows since the last run that start the next one; the first run needs only one batch.",
    )
    schedule: str | None = Field(
        None, pattern=SCHEDULE_PATTERN, description="EventBridge Scheduler expression: rate(…) or cron(…), in UTC."
    )
    on_alarm: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=lambda: ["drift", "quality"],
        description="Alarms that start a run: `drift` and `quality` are the model's own, others are alarm names.",
    )
    cooldown_hours: float = Field(
        6,
        ge=0,
        le=_MOST_HOURS,
        description="Rest after a run before the next, counted in hours; a request does not wait.",
    )
    max_per_day: int = Field(2, ge=1, description="Most runs in 24 hours; a request counts, and is not refused.")
    reason_expires_hours: float = Field(
        72,
        gt=0,
        le=_MOST_HOURS,
        description="Age at which a reason that led to no run is dropped, and said so; new rows never expire.",
    )


class Recipe(Section):
    """One model, as its team describes it."""

    model: str = Field(pattern=MODEL_PATTERN, description="Name of the model; lower case, digits and hyphens.")
    task: Task = Field(description="What is predicted: binary, multiclass or regression.")
    target: str = Field(min_length=1, description="Column to predict.")
    entity: str | None = Field(None, description="Column that identifies whom or what a row is about.")
    event_time: EventTime | None = Field(None, description="Column that says when a row happened.")
    features: dict[Annotated[str, Field(min_length=1)], Feature] = Field(
        min_length=1, description="Columns to predict from, with their types."
    )
    feature_groups: dict[Annotated[str, Field(pattern=GROUP_PATTERN)], FeatureGroup] = Field(
        default_factory=dict, description="Features over windows of an entity's earlier rows, by name of the group."
    )
    validation: Validation = Validation()
    training: Training = Training()
    gate: Gate = Gate()
    registry: Registry = Registry()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    batch: Batch = Batch()
    retrain: Retrain = Retrain()

    @model_validator(mode="before")
    @classmethod
    def _absent_sections_are_defaults(cls, data: Any) -> Any:
        """A section written with no value (`gate:`) reads as its defaults."""
        if isinstance(data, dict):
            return {k: v for k, v in data.items() if v is not None}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if self.target in self.features:
            raise contradiction(
                f"features.{self.target}",
                f"target '{self.target}' is listed among the features; the model would see the answer",
            )
        for role, column in (("entity", self.entity), ("event_time", self.event_time and self.event_time.column)):
            if column == self.target:
                raise contradiction(role, f"{role} and target are the same column '{column}'")
        if self.monitoring.reference == "seasonal" and self.event_time is None:
            raise contradiction(
                "monitoring.reference", "seasonal compares rows of the same hour of the week, which needs `event_time`"
            )
        if self.training.preprocessing.target == "log" and self.task != "regression":
            raise contradiction("training.preprocessing.target", f"log needs task: regression, not {self.task}")
        if self.training.calibration != "none" and self.task == "regression":
            raise contradiction("training.calibration", "regression has no probabilities to calibrate")
        if self.training.quantile is not None and self.task != "regression":
            raise contradiction("training.quantile", f"a quantile needs task: regression, not {self.task}")
        for name in self.feature_groups:
            self._check_group(name)
        for column in self.gate.slices:
            if not isinstance(self.features.get(column), CategoryFeature | BooleanFeature):
                raise contradiction(f"gate.slices.{column}", f"'{column}' is no category or boolean among the features")
        if self.gate.metric == "pinball" and self.training.quantile is None:
            raise contradiction("gate.metric", "'pinball' is the loss of a quantile; it needs training.quantile")
        if self.gate.metric and self.gate.metric not in self.metrics:
            raise contradiction(
                "gate.metric", f"'{self.gate.metric}' is not one of {', '.join(METRICS_OF[self.task])} for {self.task}"
            )
        return self

    def _check_group(self, name: str) -> None:
        """Windows look at rows that can be told apart and ordered, and their numbers are no other column's."""
        group, key = self.feature_groups[name], f"feature_groups.{name}"
        if self.entity is None or self.event_time is None:
            raise contradiction(key, "windows need `entity` and `event_time`, which tell rows apart and order them")
        entity = self.features.get(group.entity)
        if group.entity != self.entity and (entity is None or isinstance(entity, NumberFeature)):
            raise contradiction(f"{key}.entity", f"'{group.entity}' is no category, integer or boolean feature")
        taken = {self.target, self.entity, self.event_time.column, *self.features}
        taken |= {other for one, each in self.feature_groups.items() if one != name for other in each.windows}
        for window in group.windows:
            if window in taken:
                raise contradiction(f"{key}.windows.{window}", f"'{window}' is another column's name already")
        for column in group.columns:
            feature = self.features.get(column)
            is_number = isinstance(feature, NumberFeature | IntegerFeature | BooleanFeature)
            if not is_number and not (column == self.target and self.task == "regression"):
                raise contradiction(f"{key}.windows", f"'{column}' is no number, boolean or number target")

    @property
    def feature_definition(self) -> str:
        """Digest of all that feature groups are computed from, 8 hex digits: what it changes is computed anew."""
        parts = [self.entity, self.event_time, *sorted(self.feature_groups.items())]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]

    def with_windows(self) -> "Recipe":
        """The recipe as the model sees it: each window is a number among the features."""
        windows = {
            window: WindowFeature(type="number", group=name, delay=group.delay)
            for name, group in self.feature_groups.items()
            for window in group.windows
        }
        return self.model_copy(update={"features": {**self.features, **windows}, "feature_groups": {}})

    def searching(self, search: Search) -> "Recipe":
        """The recipe with another search.

        Raises:
            UserError: The search and the rest of the recipe contradict each other.
        """
        training = self.training.model_dump() | {"search": search.model_dump()}
        try:
            return self.model_copy(update={"training": Training.model_validate(training)})
        except ValidationError as error:
            reasons = "; ".join(detail["msg"] for detail in error.errors())
            raise UserError(
                f"A search does not go with the recipe of '{self.model}': {reasons}.",
                next_step="Ask for another search, or change `training` in the recipe and run `comal up`.",
            ) from error

    @property
    def metric(self) -> str:
        """The metric the gate judges by."""
        return self.gate.metric or self.metrics[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics of its models, the gate's default first."""
        return metrics_of(self.task, self.training.quantile)
