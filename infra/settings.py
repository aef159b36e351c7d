"""What a stack file may say, checked before the first resource is made."""

import difflib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from comal.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[1]

Component = Literal[
    "data",
    "training",
    "registry",
    "serving",
    "continuous_training",
    "monitoring",
    "batch_serving",
    "feature_store",
    "experiments",
]
MVP: tuple[Component, ...] = ("data", "training", "registry", "serving")
NEEDS: dict[Component, Component] = {
    "training": "data",
    "registry": "training",
    "serving": "registry",
    "continuous_training": "training",
    "monitoring": "serving",
    "batch_serving": "registry",
    "feature_store": "data",
    "experiments": "training",
}

# SageMaker runs images of ECR only.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html
_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[a-z0-9._/-]+)[:@].+"
)
# The values that CloudWatch Logs takes.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTIONS_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288)
# Fifteen of the longest still fit into the day that CloudWatch looks back.
_LONGEST_PERIOD_S = 3600


class Settings(BaseModel):
    """The `comal:` values of one stack; Pulumi.yaml types them and holds the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = Field((), description="Models that the stack has; none named means every recipe.")
    components: tuple[Component, ...] = Field(MVP, description="Capabilities that the stack has.")
    image_uri: str = Field("", alias="imageUri", description="The container in ECR; empty until it is built.")
    tracking_uri: str = Field(
        "",
        alias="trackingUri",
        description="MLflow server that runs are written to; empty makes one of SageMaker's.",
    )
    empty_on_destroy: bool = Field(False, alias="emptyOnDestroy", description="Whether destroy may delete data.")
    layer_path: Path = Field(Path(".comal/layers/aws"), alias="layerPath", description="Folder of the built layer.")
    lambda_runtime: str = Field("python3.12", alias="lambdaRuntime", pattern=r"^python3\.\d+$")
    log_retention_days: int = Field(30, alias="logRetentionDays")
    alarm_period_seconds: int = Field(
        60, alias="alarmPeriodSeconds", description="How often alarms look at a model's scores."
    )
    alert_email: str = Field("", alias="alertEmail", description="Who is told of alarms by mail; empty means nobody.")
    monthly_budget_usd: int = Field(
        0,
        ge=0,
        alias="monthlyBudgetUsd",
        description="What the stack may cost a month; 0 means no limit.",
    )

    @field_validator("image_uri")
    @classmethod
    def _in_ecr(cls, uri: str) -> str:
        if uri and not _IMAGE.fullmatch(uri):
            raise ValueError("expected <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>")
        return uri

    @field_validator("log_retention_days")
    @classmethod
    def _known_retention(cls, days: int) -> int:
        if days not in _RETENTIONS_DAYS:
            raise ValueError(f"expected one of {', '.join(map(str, _RETENTIONS_DAYS))}")
        return days

    @field_validator("alarm_period_seconds")
    @classmethod
    def _known_period(cls, seconds: int) -> int:
        """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html."""
        if seconds not in (10, 20, 30) and (seconds % 60 or not 60 <= seconds <= _LONGEST_PERIOD_S):
            raise ValueError(f"expected 10, 20, 30 or a multiple of 60 up to {_LONGEST_PERIOD_S}")
        return seconds

    @field_validator("layer_path")
    @classmethod
    def _in_repository(cls, path: Path) -> Path:
        """The Pulumi CLI runs the program in infra/, the local engine elsewhere; paths start at the repository."""
        return REPOSITORY / path

    @model_validator(mode="after")
    def _has_what_components_need(self) -> Self:
        if "data" not in self.components:
            raise ValueError("components: 'data' is missing; every other component needs it")
        for component in self.components:
            need = NEEDS.get(component)
            if need is not None and need not in self.components:
                raise ValueError(f"components: '{component}' needs '{need}', which is not listed")
        return self

    def has(self, component: Component) -> bool:
        """Whether the stack has a component."""
        return component in self.components

    @property
    def image_repository_arn(self) -> str:
        """ARN of the ECR repository that holds the image; only with an image."""
        match = _IMAGE.fullmatch(self.image_uri)
        assert match is not None  # the validator has seen it
        return f"arn:aws:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"


def read_settings(get: Callable[[str], str | None], stack: str) -> Settings:
    """Settings of a stack from its configuration.

    Args:
        get: Value of a key of the project's namespace as Pulumi hands it out: text, structured values as JSON.
        stack: Name of the stack, for error messages.

    Raises:
        UserError: A value is not what Settings describes; the message names each key.
    """
    _refuse_unknown_keys(stack)
    raw = {field.alias or name: get(field.alias or name) for name, field in Settings.model_fields.items()}
    values = {key: _decode(key, value) for key, value in raw.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise UserError(
            f"stacks/Pulumi.{stack}.yaml does not fit: {'; '.join(map(_explain, error.errors()))}.",
            next_step="Correct the value; docs/guide.md lists every setting.",
        ) from None


def _refuse_unknown_keys(stack: str) -> None:
    """Pulumi hands out what is asked for; a key that is misspelt would be passed over."""
    path = REPOSITORY / f"stacks/Pulumi.{stack}.yaml"
    config = (yaml.safe_load(path.read_text()) or {}).get("config") or {} if path.exists() else {}
    known = {f"comal:{field.alias or name}" for name, field in Settings.model_fields.items()}
    unknown = sorted(key for key in config if key.startswith("comal:") and key not in known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(
            f"{path.name} has {', '.join(unknown)}; expected {', '.join(sorted(known))}.{hint}",
            next_step="Correct the key; docs/guide.md lists every setting.",
        )


def _decode(key: str, value: str) -> Any:
    if key not in ("models", "components"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _explain(error: Any) -> str:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return f"comal:{message}"
    path = ".".join(map(str, error["loc"]))
    return f"comal:{path} is {error['input']!r}: {message}"
