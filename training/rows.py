"""The rows of one run, split into those to train on and those held out, with what cannot be trained on refused."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError
from comal.recipe import Recipe
from comal.recipe_columns import WindowFeature
from training.dataset import Batch, read_matrix
from training.holdout import read_held_out
from training.matrix import Matrix
from training.row_identity import identity_columns
from training.schema import Label, feature_columns
from training.target import Target, read_target

_ROWS_AT_A_TIME = 65_536


@dataclass(frozen=True)
class Rows:
    """All rows of a run.

    Attributes:
        batches: Files they came from, in order.
        matrix: Shape (rows, features).
        target: Target of every row.
        training: Mask of the rows to train on; shape (rows,).
        held_out: Mask of the rows to score on. A row without a target is in neither.
    """

    batches: list[Batch]
    matrix: Matrix
    target: Target
    training: NDArray[np.bool_]
    held_out: NDArray[np.bool_]

    def training_classes(self) -> tuple[Label, ...]:
        """The classes that the training rows hold: what a model can learn. Empty for regression."""
        if not self.target.classes:
            return ()
        return tuple(self.target.classes[int(code)] for code in np.unique(self.target.values[self.training]))

    def training_target(self, classes: tuple[Label, ...]) -> NDArray[np.float64]:
        """Targets of the training rows: numbers, or positions in `classes`."""
        values = self.target.values[self.training]
        if not classes:
            return values
        codes = np.array([self.target.classes.index(label) for label in classes], dtype=np.float64)
        return np.searchsorted(codes, values).astype(np.float64)


def read_rows(batches: list[Batch], recipe: Recipe) -> Rows:
    """Read and split the rows of a run.

    Raises:
        DataError: A file or column does not fit the recipe.
        AlgorithmError: Too few rows, a target or a feature that nothing can be learnt from.
    """
    target = read_target(batches, recipe)
    matrix = read_matrix(
        batches, feature_columns(recipe), refuse_unknown=recipe.validation.on_new_category == "quarantine"
    )
    chosen = read_held_out(batches, recipe)  # after the matrix, which refuses columns that no row can be known by
    rows = Rows(
        batches=batches,
        matrix=matrix,
        target=target,
        training=target.known & ~chosen,
        held_out=target.known & chosen,
    )
    _check_counts(rows, recipe)
    _check_target(rows, recipe)
    _check_features(rows, recipe)
    return rows


def _check_counts(rows: Rows, recipe: Recipe) -> None:
    if not rows.target.known.any():
        raise AlgorithmError(
            f"Target '{recipe.target}' has no value in all {len(rows.matrix)} rows.",
            next_step="Push rows with a known target.",
        )
    if not rows.training.any() or not rows.held_out.any():
        columns = identity_columns(recipe)
        identity = "feature or target" if recipe.target in columns else " or ".join(f"'{name}'" for name in columns)
        raise AlgorithmError(
            f"{rows.target.known.sum()} rows split into {rows.training.sum()} to train on and {rows.held_out.sum()} "
            f"held out (training.holdout: {recipe.training.holdout:g}); both need at least one.",
            next_step=f"Push more rows that differ in {identity}: rows that are alike there are split as one.",
        )


def _check_target(rows: Rows, recipe: Recipe) -> None:
    values = np.unique(rows.target.values[rows.training])
    if recipe.task == "regression":
        if len(values) == 1:
            raise AlgorithmError(
                f"Target '{recipe.target}' is {values[0]:g} in every training row, so there is nothing to learn.",
                next_step="Choose another target, or push rows that differ.",
            )
        if not np.isfinite(values).all():
            raise AlgorithmError(
                f"Target '{recipe.target}' holds an infinite value.", next_step="Remove those rows and push again."
            )
        return
    if len(values) == 1:
        raise AlgorithmError(
            f"Target '{recipe.target}' holds one class only in the training rows ({rows.training_classes()[0]!r}).",
            next_step="Push rows of at least two classes.",
        )
    if recipe.task == "binary" and len(rows.target.classes) > 2:
        shown = ", ".join(repr(label) for label in rows.target.classes[:5])
        raise AlgorithmError(
            f"Target '{recipe.target}' holds {len(rows.target.classes)} classes ({shown}); task binary has two.",
            next_step="Set task: multiclass, or correct the rows.",
        )


def _check_features(rows: Rows, recipe: Recipe) -> None:
    empty = _empty_columns(rows)
    if not empty.any():
        return
    name, feature = list(recipe.features.items())[int(empty.argmax())]
    found = f"'{name}' has no value in all {rows.training.sum()} training rows"
    if isinstance(feature, WindowFeature):
        raise _empty_window(found, feature)
    raise AlgorithmError(f"Feature {found}.", next_step="Remove it from the recipe, or push rows that have it.")


def _empty_window(found: str, window: WindowFeature) -> AlgorithmError:
    """Why a window held nothing at any row: nothing was known of the row's entity by then."""
    key = f"feature_groups.{window.group}"
    if window.delay is None:
        return AlgorithmError(
            f"Window {found}: without {key}.delay a row is known only from when its file came in, which for a history "
            "that is pushed at once is after all of its rows.",
            next_step=f"Set {key}.delay to how long after it happened a row was known, such as 1h, and run: comal up",
        )
    return AlgorithmError(
        f"Window {found}: of no row's entity was anything known before it, with {key}.delay {window.delay}.",
        next_step=f"Push the rows that came before, or look at entity, delay, ttl and columns of {key}.",
    )


def _empty_columns(rows: Rows) -> NDArray[np.bool_]:
    """Columns without a value in any training row; most are settled by the first few thousand rows."""
    empty = np.ones(rows.matrix.shape[1], dtype=np.bool_)
    for first in range(0, len(rows.matrix), _ROWS_AT_A_TIME):
        some = slice(first, first + _ROWS_AT_A_TIME)
        empty[empty] = np.isnan(rows.matrix[some][rows.training[some]][:, empty]).all(axis=0)
        if not empty.any():
            break
    return empty
