"""The profile of the rows that a model was trained on: what later batches are compared with."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal.profiler import profile_of
from comal.recipe import BooleanFeature, CategoryFeature, Feature, Recipe
from training.dataset import Batch, read_columns


def reference_profile(batches: list[Batch], training: NDArray[np.bool_], recipe: Recipe) -> str:
    """The profile.json of a run.

    Args:
        batches: Files of the run.
        training: Mask of the rows trained on, over all rows of the batches.
        recipe: Says which columns.
    """
    schema = _schema(recipe)
    tables = []
    first = 0
    for batch in batches:
        table = read_columns(batch, schema.names)
        tables.append(table.filter(pa.array(training[first : first + batch.rows])).cast(schema, safe=False))
        first += batch.rows
    return profile_of(pa.concat_tables(tables), recipe).to_json()


def _schema(recipe: Recipe) -> pa.Schema:
    """One type a column over all batches: labels that are numbers in one batch may be texts in another."""
    target = pa.float64() if recipe.task == "regression" else pa.string()
    fields = [(name, _type(feature)) for name, feature in recipe.features.items()]
    return pa.schema([*fields, (recipe.target, target)])


def _type(feature: Feature) -> pa.DataType:
    if isinstance(feature, CategoryFeature):
        return pa.string()
    return pa.bool_() if isinstance(feature, BooleanFeature) else pa.float64()
