"""What becomes of the features and the target before an algorithm reads them.

It is learnt from the training rows once and lies in schema.json, column by column, so that a served row is prepared by
the very same numbers.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training.matrix import FLOAT32_MAX, Matrix


class PreparedColumn(BaseModel):
    """One column that an algorithm reads, made of one feature.

    Attributes:
        name: For messages and importances, such as `store is norte`.
        source: Position of the feature in the model's matrix.
        kind: `as_is`; `code`: a category's position, read as a number; `log`: sign(x) log(1 + |x|); `rank`: place among
            `ranks`, 0 to 1; `is`: 1 where the feature is `value`; `missing`: 1 where it is missing.
        value: A category's position.
        fill: Takes the place of a missing value.
        ranks: Percentiles of the training rows, ascending.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source: int
    kind: Literal["as_is", "code", "log", "rank", "is", "missing"] = "as_is"
    value: int = 0
    fill: float | None = None
    ranks: tuple[float, ...] = ()

    def of(self, matrix: Matrix) -> NDArray[np.float32]:
        """The column, of shape (rows,), made of the model's matrix."""
        values = matrix[:, self.source]
        if self.kind == "is":
            return np.asarray(values == self.value, dtype=np.float32)
        if self.kind == "missing":
            return np.isnan(values).astype(np.float32)
        if self.fill is not None:
            values = np.where(np.isnan(values), np.float32(self.fill), values)
        if self.kind == "log":
            return np.copysign(np.log1p(np.abs(values)), values).astype(np.float32)
        if self.kind == "rank":
            return np.interp(values, self.ranks, np.linspace(0, 1, len(self.ranks))).astype(np.float32)
        return values


class Preparation(BaseModel):
    """The columns that an algorithm reads, and the target that it learns.

    Attributes:
        target: `log`: the algorithm learns log(1 + target).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[PreparedColumn, ...]
    target: Literal["as_is", "log"] = "as_is"

    @property
    def sources(self) -> Sequence[int]:
        """For each column the position of its feature: contributions of columns add up by it."""
        return [column.source for column in self.columns]

    def matrix(self, matrix: Matrix) -> Matrix:
        """What the algorithm reads, of shape (rows, columns)."""
        prepared = np.empty((len(matrix), len(self.columns)), dtype=np.float32)
        for position, column in enumerate(self.columns):
            prepared[:, position] = column.of(matrix)
        return prepared

    def learnt_target(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the algorithm learns, of the target."""
        return np.log1p(target) if self.target == "log" else target

    def prediction(self, learnt: NDArray[np.float32]) -> NDArray[np.float32]:
        """The prediction, of the algorithm's answer."""
        if self.target == "as_is":
            return learnt
        with np.errstate(over="ignore"):
            return np.minimum(np.expm1(learnt.astype(np.float64)), FLOAT32_MAX).astype(np.float32)
