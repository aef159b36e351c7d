"""Validated Parquet files as the float32 matrix that every algorithm reads; no pandas on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comal.errors import DataError
from training.matrix import FLOAT32_MAX, Matrix
from training.schema import FeatureColumn


@dataclass(frozen=True)
class Batch:
    """One validated file.

    Attributes:
        key: Its key in the lake bucket (path below the channel).
        path: Where it lies now.
        rows: Number of rows.
    """

    key: str
    path: Path
    rows: int

    @property
    def batch_id(self) -> str:
        """Identity of the batch."""
        return self.path.stem


def find_batches(channel: Path) -> list[Batch]:
    """Every Parquet file below a channel, in the order of their keys.

    Raises:
        DataError: There is none, or one cannot be read.
    """
    batches = []
    for path in sorted(channel.rglob("*.parquet")):
        try:
            rows = pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error
        batches.append(Batch(key=path.relative_to(channel).as_posix(), path=path, rows=rows))
    if not sum(batch.rows for batch in batches):
        raise DataError(
            f"The train channel has no rows ({len(batches)} Parquet files).",
            next_step="Push data with `comal push` and wait until a batch is validated.",
        )
    return batches


def read_columns(batch: Batch, columns: Sequence[str]) -> pa.Table:
    """Some columns of a batch.

    Raises:
        DataError: A column is absent, or the file cannot be read.
    """
    try:
        with pq.ParquetFile(batch.path) as file:
            absent = [name for name in columns if name not in file.schema_arrow.names]
            if absent:
                raise DataError(
                    f"Batch {batch.batch_id} has no column '{absent[0]}'; it was validated by an older recipe.",
                    next_step="Push its rows again with every column that the recipe lists.",
                )
            return file.read(columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(batch.path, error) from error


def read_matrix(batches: Sequence[Batch], features: Sequence[FeatureColumn], *, refuse_unknown: bool) -> Matrix:
    """The features of every row, batch after batch.

    Args:
        batches: Files to read.
        features: Columns of the matrix.
        refuse_unknown: Whether a category outside the feature's values is an error; else it is a missing value.

    Returns:
        Array of shape (rows, features), NaN where a value is missing.

    Raises:
        DataError: A column is absent or of another type, or a category is unknown.
    """
    matrix = np.empty((sum(batch.rows for batch in batches), len(features)), dtype=np.float32)
    first = 0
    for batch in batches:
        table = read_columns(batch, [feature.name for feature in features])
        rows = matrix[first : first + batch.rows]
        fill_matrix(rows, table, features, f"batch {batch.batch_id}", refuse_unknown=refuse_unknown)
        first += batch.rows
    return matrix


def fill_matrix(
    matrix: Matrix, table: pa.Table, features: Sequence[FeatureColumn], source: str, *, refuse_unknown: bool
) -> None:
    """Write the features of typed rows into a matrix.

    Args:
        matrix: Array of shape (rows, features).
        table: Rows with a column for each feature.
        features: Columns of the matrix.
        source: Where the rows are from, for messages.
        refuse_unknown: Whether a category outside the feature's values is an error; else it is a missing value.

    Raises:
        DataError: A column is of another type, or a category is unknown.
    """
    for position, feature in enumerate(features):
        column = table.column(feature.name)
        matrix[:, position] = _as_floats(column, feature, source, refuse_unknown=refuse_unknown)


def _as_floats(
    column: pa.ChunkedArray, feature: FeatureColumn, source: str, *, refuse_unknown: bool
) -> NDArray[np.float64]:
    """A column as float64 with NaN for missing values, inside the range of float32."""
    if feature.type == "category":
        codes = _codes(column, feature, source, refuse_unknown=refuse_unknown)
        return np.asarray(codes.cast(pa.float64()).to_numpy(), dtype=np.float64)
    try:
        values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except pa.ArrowException as error:
        raise DataError(
            f"Column '{feature.name}' of {source} is {column.type}; the recipe says {feature.type}.",
            next_step="Push its rows again so that they are validated by the present recipe.",
        ) from error
    return np.clip(values, -FLOAT32_MAX, FLOAT32_MAX)


def _codes(column: pa.ChunkedArray, feature: FeatureColumn, source: str, *, refuse_unknown: bool) -> pa.ChunkedArray:
    texts = column.cast(pa.string())
    codes = pc.index_in(texts, value_set=pa.array(feature.values, pa.string()))
    if refuse_unknown and codes.null_count > texts.null_count:
        unknown = texts.filter(pc.and_(codes.is_null(), texts.is_valid()))[0].as_py()
        raise DataError(
            f"Column '{feature.name}' of {source} holds '{unknown}', none of the recipe's values.",
            next_step=f"Add '{unknown}' to the feature's values, or set validation.on_new_category: warn.",
        )
    return codes


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path.name} cannot be read as Parquet: {str(error).splitlines()[0]}",
        next_step="Push the batch again; the file in the lake is damaged.",
    )
