"""The columns of a recipe: what its features are, and when a row happened."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from comal.recipe_section import Section, contradiction

NAMED_TIME_FORMATS = ("iso", "epoch_s", "epoch_ms")
# Both its day and its month tell a swapped or absent directive; a year that two digits can write.
_SOME_TIME = datetime(2011, 10, 23, 14, 35, 46)


class _Bounds(Section):
    min: float | None = Field(None, description="Smallest allowed value; rows below it quarantine the file.")
    max: float | None = Field(None, description="Largest allowed value; rows above it quarantine the file.")

    @model_validator(mode="after")
    def _ordered(self) -> "_Bounds":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise contradiction("min", f"min {self.min:g} is above max {self.max:g}")
        return self


class IntegerFeature(_Bounds):
    """Whole numbers."""

    type: Literal["integer"]


class NumberFeature(_Bounds):
    """Real numbers; NaN counts as missing, infinities are refused."""

    type: Literal["number"]


class WindowFeature(NumberFeature):
    """A window of a feature group, as a model sees it: written down it is a number; only this process knows better.

    Attributes:
        group: Name of the feature group.
        delay: The group's.
    """

    group: str
    delay: str | None


class BooleanFeature(Section):
    """true/false, also written 1/0 or yes/no."""

    type: Literal["boolean"]


class CategoryFeature(Section):
    """One of a fixed set of texts."""

    type: Literal["category"]
    values: list[str] = Field(min_length=1, description="The allowed values.")

    @model_validator(mode="after")
    def _distinct(self) -> "CategoryFeature":
        seen = set()
        for value in self.values:
            if value != value.strip() or not value:
                raise contradiction("values", f"{value!r} is empty or has spaces at an end, which data never keeps")
            if value in seen:
                raise contradiction("values", f"{value!r} is listed twice")
            seen.add(value)
        return self


Feature = Annotated[IntegerFeature | NumberFeature | BooleanFeature | CategoryFeature, Field(discriminator="type")]


class EventTime(Section):
    """When a row happened."""

    column: str = Field(min_length=1, description="Name of the column.")
    format: str = Field(
        "iso", description="`iso` (ISO 8601), `epoch_s`, `epoch_ms`, or a strptime pattern such as %m/%d/%Y."
    )

    @field_validator("format")
    @classmethod
    def _known(cls, pattern: str) -> str:
        if pattern in NAMED_TIME_FORMATS:
            return pattern
        try:
            parsed = datetime.strptime(_SOME_TIME.strftime(pattern), pattern)
        except ValueError:
            parsed = None
        if parsed is None or parsed.date() != _SOME_TIME.date():
            named = ", ".join(NAMED_TIME_FORMATS)
            raise ValueError(f"one of {named}, or a strptime pattern with year, month and day such as %m/%d/%Y")
        return pattern
