"""Making a profile from typed rows, table by table, in one pass and in memory that does not grow with the rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from comal.profile import BINS, MAX_CATEGORIES, BooleanProfile, CategoryProfile, ColumnProfile, NumberProfile, Profile
from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature, CategoryFeature


class Profiler:
    """Adds tables up to one profile.

    Args:
        recipe: Says which columns, and what each holds: every feature and the target.
        reference: Profile to compare with later; gives the histogram edges. Without it the first table added chooses.
    """

    def __init__(self, recipe: Recipe, reference: Profile | None = None) -> None:
        self._recipe = recipe
        self._profile = Profile(
            model=recipe.model,
            rows=0,
            columns={name: _empty(kind, name, reference) for name, kind in profiled_columns(recipe).items()},
        )

    def add(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add typed rows, as validation writes them; columns that the recipe does not name are ignored."""
        columns = {
            name: _column(rows.column(name), column)
            for name, column in self._profile.columns.items()
            if name in rows.schema.names
        }
        absent = {name: column for name, column in self._profile.columns.items() if name not in columns}
        added = Profile(model=self._recipe.model, rows=rows.num_rows, columns={**columns, **absent})
        self._profile = self._profile.merge(added)

    def profile(self) -> Profile:
        """The profile of all rows added so far."""
        return self._profile


def profile_of(rows: pa.Table | pa.RecordBatch, recipe: Recipe, reference: Profile | None = None) -> Profile:
    """The profile of one table of typed rows; see Profiler for the arguments."""
    profiler = Profiler(recipe, reference)
    profiler.add(rows)
    return profiler.profile()


def profiled_columns(recipe: Recipe) -> dict[str, str]:
    """Kind of profile (number, category, boolean) of each feature, in order, and of the target."""
    kinds = {}
    for name, feature in recipe.features.items():
        if isinstance(feature, CategoryFeature):
            kinds[name] = "category"
        else:
            kinds[name] = "boolean" if isinstance(feature, BooleanFeature) else "number"
    return {**kinds, recipe.target: "number" if recipe.task == "regression" else "category"}


def _empty(kind: str, name: str, reference: Profile | None) -> ColumnProfile:
    if kind == "category":
        return CategoryProfile(count=0, missing=0)
    if kind == "boolean":
        return BooleanProfile(count=0, missing=0)
    known = reference.columns.get(name) if reference else None
    if isinstance(known, NumberProfile) and known.count:
        return NumberProfile(count=0, missing=0, edges=known.edges, bins=(0,) * (len(known.edges) + 1))
    return NumberProfile(count=0, missing=0)


def _column(column: Any, so_far: ColumnProfile) -> ColumnProfile:
    if isinstance(so_far, CategoryProfile):
        return _categories(column)
    if isinstance(so_far, BooleanProfile):
        valid = len(column) - column.null_count
        return BooleanProfile(count=valid, missing=column.null_count, true=pc.sum(column).as_py() or 0)
    return _numbers(column, so_far.edges)


def _categories(column: Any) -> CategoryProfile:
    counted = pc.value_counts(column.cast(pa.string()).drop_null()).to_pylist()
    counted.sort(key=lambda entry: entry["counts"], reverse=True)
    kept = counted[:MAX_CATEGORIES]
    return CategoryProfile(
        count=len(column) - column.null_count,
        missing=column.null_count,
        values={entry["values"]: entry["counts"] for entry in kept},
        other=sum(entry["counts"] for entry in counted[MAX_CATEGORIES:]),
    )


def _numbers(column: Any, edges: tuple[float, ...]) -> NumberProfile:
    values = np.asarray(column.drop_null().cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    # Sorting costs less than searching unsorted values, and puts -inf, inf and NaN at the ends.
    values = np.sort(values)
    valid = values[: np.searchsorted(values, np.nan)]
    finite = valid[np.searchsorted(valid, -np.inf, side="right") : np.searchsorted(valid, np.inf)]
    missing = len(column) - len(valid)
    infinite = len(valid) - len(finite)
    if not len(finite):
        return NumberProfile(count=0, missing=missing, infinite=infinite, edges=edges, bins=(0,) * (len(edges) + 1))
    inner = np.asarray(edges or _choose_edges(finite))
    at_most = np.searchsorted(finite, inner, side="right")
    bins = np.diff(np.concatenate(([0], at_most, [len(finite)])))
    scale = max(abs(finite[0]), abs(finite[-1])) or 1.0
    scaled = finite / scale
    mean = scaled.mean()
    scaled -= mean
    variance = np.square(scaled, out=scaled).mean()
    spread = float(finite[-1] / 2 - finite[0] / 2)
    return NumberProfile(
        count=len(finite),
        missing=missing,
        infinite=infinite,
        min=float(finite[0]),
        max=float(finite[-1]),
        mean=float(mean * scale),
        std=min(float(np.sqrt(variance) * scale), spread),
        edges=tuple(inner.tolist()),
        bins=tuple(int(rows) for rows in bins),
    )


def _choose_edges(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each distinct value where there are few, so that nothing is lost; else quantiles of the values."""
    starts = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    distinct = ordered[starts]
    if len(distinct) <= BINS:
        return distinct
    positions = np.linspace(0, len(ordered) - 1, BINS + 1)[1:-1].astype(np.int64)
    return np.unique(ordered[positions])
