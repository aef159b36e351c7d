"""The profile of the rows that a model was trained on: what later batches are compared with."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal.recipe import Recipe
from training.dataset import Batch, read_columns


def training_table(batches: list[Batch], training: NDArray[np.bool_], recipe: Recipe) -> pa.Table:
    """Features and target of the training rows, as they were validated.

    Args:
        batches: Files of the run.
        training: Mask of the rows trained on, over all rows of the batches.
        recipe: Says which columns.
    """
    tables = []
    first = 0
    for batch in batches:
        table = read_columns(batch, [*recipe.features, recipe.target])
        tables.append(table.filter(pa.array(training[first : first + batch.rows])))
        first += batch.rows
    return pa.concat_tables(tables, promote_options="permissive")


def reference_profile(batches: list[Batch], training: NDArray[np.bool_], recipe: Recipe) -> str:
    """The profile.json of a run."""
    return f'{{"rows": {training_table(batches, training, recipe).num_rows}}}'
