"""The column to predict: numbers for regression, classes with their own spelling for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from comal.errors import AlgorithmError, DataError
from comal.recipe import Recipe
from training.dataset import Batch, read_columns
from training.schema import Label

MAX_CLASSES = 1000


@dataclass(frozen=True)
class Target:
    """The target of every row.

    Attributes:
        values: Numbers (regression), or positions in `classes`; shape (rows,); NaN where there is none.
        classes: Labels in order, empty for regression. These are all classes seen, held-out rows included.
    """

    values: NDArray[np.float64]
    classes: tuple[Label, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows that have a target."""
        return ~np.isnan(self.values)


def read_target(batches: Sequence[Batch], recipe: Recipe) -> Target:
    """The target of every row of the batches.

    Raises:
        DataError: The column is absent or of a type that the task cannot use.
        AlgorithmError: There are more classes than a model can tell apart.
    """
    columns = [read_columns(batch, [recipe.target]).column(0) for batch in batches]
    if recipe.task == "regression":
        return Target(np.concatenate([_numbers(column, recipe.target) for column in columns]))
    labels = _labels(columns)
    classes = tuple(sorted(pc.unique(labels).drop_null().to_pylist()))
    if len(classes) > MAX_CLASSES:
        raise AlgorithmError(
            f"Target '{recipe.target}' holds {len(classes)} different values; a classifier tells {MAX_CLASSES} apart.",
            next_step="Set task: regression, or choose another target.",
        )
    codes = pc.index_in(labels, value_set=pa.array(classes, labels.type)).cast(pa.float64())
    return Target(np.asarray(codes.to_numpy(), dtype=np.float64), classes)


def _numbers(column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except pa.ArrowException as error:
        raise DataError(
            f"Target '{name}' is {column.type}; regression needs numbers.",
            next_step="Set task: binary or multiclass, or choose a numeric target.",
        ) from error


def _labels(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Labels of one type over all batches: whole numbers and booleans stay what they are, the rest is text."""
    columns = [_plain(column) for column in columns]
    kinds = {column.type for column in columns if column.null_count < len(column)}
    kind = kinds.pop() if len(kinds) == 1 else pa.string()
    return pa.chunked_array([chunk for column in columns for chunk in column.cast(kind).chunks], kind)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_boolean(kind):
        return column
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind) and pc.all(pc.equal(column, pc.round(column))).as_py() is not False:
        return column.cast(pa.int64())
    return column.cast(pa.string())
