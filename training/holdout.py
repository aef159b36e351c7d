"""Which rows no version of a model ever trains on, so that challenger and champion can be judged on them.

A row is held out when a hash of its identity falls below the share. The choice depends on nothing else: not on the
file, the run, the seed or other rows; and a larger share holds out every row that a smaller one did.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal.recipe import Recipe
from training.dataset import Batch, read_columns
from training.row_identity import identity_columns, row_hashes


def held_out_rows(rows: pa.Table, recipe: Recipe) -> NDArray[np.bool_]:
    """Mask of the held-out rows among some rows.

    Args:
        rows: Has the recipe's `identity_columns`.
        recipe: Says what identifies a row, and the share to hold out (`training.holdout`).

    Returns:
        Boolean array of shape (rows,).
    """
    # As many bits as a float64 holds exactly, as a number in [0, 1).
    uniform = (row_hashes(rows, recipe) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return uniform < recipe.training.holdout


def read_held_out(batches: Sequence[Batch], recipe: Recipe) -> NDArray[np.bool_]:
    """Mask of the held-out rows of all batches, in order.

    Raises:
        DataError: A batch lacks a column that identifies its rows.
    """
    columns = identity_columns(recipe)
    return np.concatenate([held_out_rows(read_columns(batch, columns), recipe) for batch in batches])
