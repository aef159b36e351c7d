"""The profile of some rows: small, mergeable, enough to compare two sets of rows without reading either again.

Counts merge by addition. A number's histogram has fixed edges, taken from the profile it will be compared with; the
first profile chooses its own.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from comal.errors import DataError

# Enough to place a quantile within 2 %, and 20 columns of them still make a small file.
BINS = 50
# A category of a recipe has far fewer; this bounds a target's classes, or unknown values let through with a warning.
MAX_CATEGORIES = 1000


class _Column(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(description="Rows that have a value.")
    missing: int = Field(description="Rows that have none.")

    @property
    def missing_share(self) -> float:
        """Between 0 and 1; 0 where there are no rows."""
        rows = self.count + self.missing
        return self.missing / rows if rows else 0.0


class NumberProfile(_Column):
    """Integers and numbers; infinite values are counted and otherwise ignored.

    Attributes:
        infinite: Rows that hold an infinite value; not in `count`.
        edges: Ascending; bin i holds values above edges[i - 1] and at most edges[i], the first and last bin are open.
        bins: Values in each of the len(edges) + 1 bins.
    """

    kind: Literal["number"] = "number"
    infinite: int = 0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = Field(None, description="Of the population (divided by n).")
    edges: tuple[float, ...] = ()
    bins: tuple[int, ...] = (0,)

    def merge(self, other: Self) -> "NumberProfile":
        """The profile of both sets of rows.

        Raises:
            DataError: The histograms have different edges.
        """
        edges = self.edges or other.edges
        for side in (self, other):
            if side.count and side.edges != edges:
                raise DataError(
                    "Two profiles with different histogram edges cannot be added.",
                    next_step="Make the second with the first as its reference.",
                )
        if not self.count or not other.count:
            filled = self if self.count else other
            return filled.model_copy(
                update={"missing": self.missing + other.missing, "infinite": self.infinite + other.infinite}
            )
        mean, std = _pooled(self, other)
        return NumberProfile(
            count=self.count + other.count,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            min=min(_known(self.min), _known(other.min)),
            max=max(_known(self.max), _known(other.max)),
            mean=mean,
            std=std,
            edges=edges,
            bins=tuple(a + b for a, b in zip(self.bins, other.bins, strict=True)),
        )


class CategoryProfile(_Column):
    """Texts: rows of each value; `other` counts what lies beyond MAX_CATEGORIES different ones."""

    kind: Literal["category"] = "category"
    values: dict[str, int] = {}
    other: int = 0

    def merge(self, other: Self) -> "CategoryProfile":
        """The profile of both sets of rows."""
        values = dict(self.values)
        beyond = self.other + other.other
        for value, rows in other.values.items():
            if value in values or len(values) < MAX_CATEGORIES:
                values[value] = values.get(value, 0) + rows
            else:
                beyond += rows
        return CategoryProfile(
            count=self.count + other.count, missing=self.missing + other.missing, values=values, other=beyond
        )


class BooleanProfile(_Column):
    """Rows that are true, among `count`."""

    kind: Literal["boolean"] = "boolean"
    true: int = 0

    def merge(self, other: Self) -> "BooleanProfile":
        """The profile of both sets of rows."""
        return BooleanProfile(
            count=self.count + other.count, missing=self.missing + other.missing, true=self.true + other.true
        )


ColumnProfile = Annotated[NumberProfile | CategoryProfile | BooleanProfile, Field(discriminator="kind")]


class Stratum(BaseModel):
    """The rows of one hour of the week (seasons); `columns` is empty where only their number matters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    columns: dict[str, ColumnProfile] = {}

    def merge(self, other: "Stratum") -> "Stratum":
        """The stratum of both sets of rows."""
        return Stratum(rows=self.rows + other.rows, columns=_merged(self.columns, other.columns))


class Profile(BaseModel):
    """The profile.json of a batch or of a model's training rows: every feature, and the target.

    Attributes:
        strata: The same rows by hour of the week, where a recipe compares seasonally; else empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    model: str
    rows: int
    columns: dict[str, ColumnProfile]
    strata: dict[str, Stratum] = {}

    def merge(self, other: "Profile") -> "Profile":
        """The profile of both sets of rows.

        Raises:
            DataError: They have different columns, kinds of columns or histogram edges.
        """
        strata = dict(self.strata)
        for hour, stratum in other.strata.items():
            strata[hour] = strata[hour].merge(stratum) if hour in strata else stratum
        return Profile(
            model=self.model,
            rows=self.rows + other.rows,
            columns=_merged(self.columns, other.columns),
            strata=strata,
        )

    def to_json(self) -> str:
        """Text of profile.json."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Profile":
        """Read profile.json.

        Raises:
            DataError: It was written by another version of the kit, or by something else.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DataError(
                f"The profile does not fit this version: {where}: {first['msg']}.",
                next_step="Train the model again; that writes a new reference profile.",
            ) from None


def _merged(
    columns: Mapping[str, ColumnProfile], others: Mapping[str, ColumnProfile]
) -> dict[str, NumberProfile | CategoryProfile | BooleanProfile]:
    if _kinds(columns) != _kinds(others):
        raise DataError(
            f"Profiles of different columns cannot be added: {_kinds(columns)} and {_kinds(others)}.",
            next_step="Make both with one recipe.",
        )
    # Both sides are of one kind, which the types cannot say.
    return {name: column.merge(others[name]) for name, column in columns.items()}  # type: ignore[arg-type]


def _kinds(columns: Mapping[str, _Column]) -> dict[str, str]:
    return {name: column.__class__.__name__ for name, column in columns.items()}


def _known(value: float | None) -> float:
    assert value is not None  # a profile with a count has every statistic
    return value


def _pooled(a: NumberProfile, b: NumberProfile) -> tuple[float, float]:
    """Mean and standard deviation of both; scaled first, as 1e308 squared has no double."""
    a_mean, b_mean, a_std, b_std = _known(a.mean), _known(b.mean), _known(a.std), _known(b.std)
    scale = max(abs(a_mean), abs(b_mean), a_std, b_std) or 1.0
    rows = a.count + b.count
    share_a, share_b = a.count / rows, b.count / rows
    mean = share_a * (a_mean / scale) + share_b * (b_mean / scale)
    gap = a_mean / scale - b_mean / scale
    variance = share_a * (a_std / scale) ** 2 + share_b * (b_std / scale) ** 2 + share_a * share_b * gap**2
    return mean * scale, min(variance**0.5 * scale, _largest_spread(a, b))


def _largest_spread(a: NumberProfile, b: NumberProfile) -> float:
    """No standard deviation is above half the range; keeps rounding at 1e308 from ending in infinity."""
    return max(_known(a.max), _known(b.max)) / 2 - min(_known(a.min), _known(b.min)) / 2
