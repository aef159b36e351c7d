"""Feature groups of a recipe: what is known of an entity at a moment, over windows of its earlier rows."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from comal.recipe_section import DURATION_PATTERN, Section, contradiction, duration_s

WindowFunction = Literal["count", "sum", "mean", "min", "max", "last"]

SHORTEST_S = duration_s("5m")
LONGEST_S = duration_s("90d")
# <stack>-<model>-<group> has at most 64 characters.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
GROUP_PATTERN = r"^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$"
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FeatureDefinition.html
FEATURE_PATTERN = r"^[a-zA-Z0-9]([_-]*[a-zA-Z0-9]){0,63}$"
# What EventBridge calls it when SageMaker has made a group, or its status changes in another way.
# https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
GROUP_CHANGED = "SageMaker Feature Group State Change"
# When the row happened behind a record, and when the record was known.
EVENT_TIME = "event_time"
KNOWN_AT = "known_at"
_RESERVED = frozenset({"is_deleted", "write_time", "api_invocation_time", EVENT_TIME, KNOWN_AT})

FeatureName = Annotated[str, Field(pattern=FEATURE_PATTERN)]


class Window(Section):
    """One number over an entity's rows of a stretch of time."""

    function: WindowFunction = Field(description="`count` (of rows, or of a column's values), `sum`, `mean`, …")
    column: str | None = Field(None, description="A number or boolean among the features, or the target; not for rows.")
    over: str = Field(pattern=DURATION_PATTERN, description="How far back: a number and m, h or d, from 5m to 90d.")

    @field_validator("over")
    @classmethod
    def _in_range(cls, over: str) -> str:
        if not SHORTEST_S <= duration_s(over) <= LONGEST_S:
            raise ValueError("a duration from 5m to 90d")
        return over

    @model_validator(mode="after")
    def _has_a_column(self) -> "Window":
        if self.column is None and self.function != "count":
            raise contradiction("function", f"`{self.function}` needs a `column`; only `count` does without")
        return self

    @property
    def over_s(self) -> int:
        """`over` in seconds."""
        return duration_s(self.over)


class FeatureGroup(Section):
    """Windows over the rows of one entity (component `feature_store`)."""

    entity: FeatureName = Field(description="Column that says whose rows a window looks at.")
    windows: dict[FeatureName, Window] = Field(min_length=1, description="Features by name; the model sees each.")
    delay: str | None = Field(
        None,
        pattern=DURATION_PATTERN,
        description="How long after it happened a row is known at the latest; without it, from when its file came in.",
    )
    ttl: str = Field(
        "90d", pattern=DURATION_PATTERN, description="Age at which what is known of an entity no longer counts."
    )

    @model_validator(mode="after")
    def _free_names(self) -> "FeatureGroup":
        for name in (self.entity, *self.windows):
            if name in _RESERVED:
                raise contradiction("windows", f"'{name}' is the feature store's own name; choose another")
        return self

    @property
    def delay_s(self) -> int | None:
        """`delay` in seconds."""
        return duration_s(self.delay) if self.delay else None

    @property
    def ttl_s(self) -> int:
        """`ttl` in seconds."""
        return duration_s(self.ttl)

    @property
    def columns(self) -> list[str]:
        """Columns that the windows read, each once."""
        return sorted({window.column for window in self.windows.values() if window.column})

    @property
    def longest_s(self) -> int:
        """The longest window, in seconds."""
        return max(window.over_s for window in self.windows.values())
