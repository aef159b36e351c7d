"""What later rows are compared with: the profile of the rows trained on, and that of the answers to held-out rows."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal.event_time import TIMESTAMP
from comal.profile import Profile, Stratum
from comal.profiler import profile_of
from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature, CategoryFeature, Feature
from comal.seasons import hours_of_week
from training.dataset import Batch, read_columns
from training.evaluate import HeldOut
from training.model import TrainedModel

FILE_NAME = "profile.json"
PREDICTIONS_FILE_NAME = "prediction_profile.json"


def reference_profile(batches: list[Batch], training: NDArray[np.bool_], recipe: Recipe) -> Profile:
    """The profile of a run's training rows.

    Args:
        batches: Files of the run.
        training: Mask of the rows trained on, over all rows of the batches.
        recipe: Says which columns.
    """
    rows = _read(batches, training, _schema(recipe))
    return _with_hours(profile_of(rows, recipe), rows, _read_times(batches, training, recipe), recipe)


def prediction_profile(trained: TrainedModel, held_out: HeldOut, recipe: Recipe) -> Profile:
    """The profile of a model's answers to the held-out rows, under the target's name: numbers, or likeliest labels."""
    predicted = np.asarray(trained.model.predict(held_out.matrix))
    if recipe.task == "regression":
        answers = pa.array(predicted.astype(np.float64))
    else:
        answers = pa.array(trained.schema.classes).take(pa.array(predicted.argmax(axis=1)))
    rows = pa.table({recipe.target: answers})
    whole = profile_of(rows, recipe)
    profile = whole.model_copy(update={"columns": {recipe.target: whole.columns[recipe.target]}})
    return _with_hours(profile, rows, _read_times(held_out.batches, held_out.mask, recipe), recipe)


def _with_hours(profile: Profile, rows: pa.Table, times: pa.ChunkedArray | None, recipe: Recipe) -> Profile:
    """The profile with one more of each hour of the week, where there are times."""
    if times is None:
        return profile
    names = hours_of_week(times)
    strata = {}
    for name in np.unique(names):
        if name:
            part = profile_of(rows.filter(pa.array(names == name)), recipe, profile)
            strata[str(name)] = Stratum(rows=part.rows, columns={key: part.columns[key] for key in profile.columns})
    return profile.model_copy(update={"strata": strata})


def _read(batches: list[Batch], chosen: NDArray[np.bool_], schema: pa.Schema) -> pa.Table:
    """The chosen rows of all batches."""
    tables = []
    first = 0
    for batch in batches:
        table = read_columns(batch, schema.names)
        tables.append(table.filter(pa.array(chosen[first : first + batch.rows])).cast(schema, safe=False))
        first += batch.rows
    return pa.concat_tables(tables)


def _read_times(batches: list[Batch], chosen: NDArray[np.bool_], recipe: Recipe) -> pa.ChunkedArray | None:
    """Event times of the chosen rows, where the recipe compares seasonally and rows have a time."""
    if recipe.monitoring.reference != "seasonal" or recipe.event_time is None:
        return None
    return _read(batches, chosen, pa.schema([(recipe.event_time.column, TIMESTAMP)])).column(0)


def _schema(recipe: Recipe) -> pa.Schema:
    """One type a column over all batches: labels that are numbers in one batch may be texts in another."""
    target = pa.float64() if recipe.task == "regression" else pa.string()
    fields = [(name, _type(feature)) for name, feature in recipe.features.items()]
    return pa.schema([*fields, (recipe.target, target)])


def _type(feature: Feature) -> pa.DataType:
    if isinstance(feature, CategoryFeature):
        return pa.string()
    return pa.bool_() if isinstance(feature, BooleanFeature) else pa.float64()
