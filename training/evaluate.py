"""Challenger, champion and baseline, scored on the same held-out rows."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError, ComalError
from comal.evaluation import ChampionScores, Scores
from comal.recipe import Recipe
from training.champion import load_champion
from training.channels import Champion
from training.dataset import Batch, read_matrix
from training.matrix import Matrix
from training.metrics import metrics
from training.model import TrainedModel
from training.schema import Label, ModelSchema
from training.target import Target


@dataclass(frozen=True)
class HeldOut:
    """The rows to score on.

    Attributes:
        batches: Files that hold them, and every other row.
        mask: Which rows of the batches they are; shape (all rows,).
        schema: The challenger's schema.
        matrix: The held-out rows by that schema; shape (held-out rows, features).
        target: Target of all rows.
    """

    batches: list[Batch]
    mask: NDArray[np.bool_]
    schema: ModelSchema
    matrix: Matrix
    target: Target

    @property
    def actual(self) -> NDArray[np.float64]:
        """Targets of the held-out rows."""
        return self.target.values[self.mask]

    def only(self, rows: NDArray[np.bool_]) -> "HeldOut":
        """Those held-out rows that are among `rows`, a mask over all rows of the batches."""
        return replace(self, mask=self.mask & rows, matrix=self.matrix[rows[self.mask]])


@dataclass(frozen=True)
class Predictions:
    """What a model predicts for the held-out rows, beside what was so.

    Attributes:
        actual: Shape (rows,): numbers, or positions of classes.
        predicted: Shape (rows,) for regression, else probabilities of shape (rows, classes).
    """

    actual: NDArray[np.float64]
    predicted: NDArray[np.float64]


def predict(trained: TrainedModel, matrix: Matrix, held_out: HeldOut) -> Predictions:
    """Predictions of a model for the held-out rows.

    Raises:
        AlgorithmError: The model predicts something that is not a number.
    """
    predicted = np.asarray(trained.model.predict(matrix), dtype=np.float64)
    if not np.isfinite(predicted).all():
        raise AlgorithmError(
            "The model predicts values that are not finite.",
            next_step="Lower training.params.eta or rescale the target.",
        )
    schema = held_out.schema
    if schema.task != "regression":
        predicted = _aligned(predicted, trained.schema.classes, _all_classes(held_out, trained.schema))
    return Predictions(_positions(held_out, trained.schema), predicted)


def score(found: Predictions, held_out: HeldOut) -> Scores:
    """Metrics of predictions."""
    schema = held_out.schema
    return Scores(metrics=metrics(schema.task, found.actual, found.predicted, quantile=schema.quantile))


def score_challenger(found: Predictions, held_out: HeldOut, recipe: Recipe) -> Scores:
    """Metrics of the model that was just trained.

    Raises:
        AlgorithmError: The held-out rows do not define the metric that the gate judges by.
    """
    scores = score(found, held_out)
    if recipe.metric not in scores.metrics:
        raise AlgorithmError(
            f"The {len(held_out.matrix)} held-out rows do not define {recipe.metric}: they hold one value of "
            f"'{recipe.target}' only.",
            next_step="Push more rows, or choose another gate.metric.",
        )
    return scores


def predict_champion(champion: Champion, held_out: HeldOut) -> Predictions:
    """Predictions of the champion by its own schema.

    A category that the champion never knew is a missing value to it: a recipe that adds a store must not free the
    challenger from the comparison.

    Raises:
        ComalError: It cannot be scored on these rows, and why.
    """
    with tempfile.TemporaryDirectory() as folder:
        trained = load_champion(champion, Path(folder))
        if trained.schema.task != held_out.schema.task or trained.schema.target != held_out.schema.target:
            raise AlgorithmError(
                f"it predicts {trained.schema.task} of '{trained.schema.target}', "
                f"the recipe {held_out.schema.task} of '{held_out.schema.target}'"
            )
        if trained.schema.task == "binary" and len(_all_classes(held_out, trained.schema)) > 2:
            raise AlgorithmError(f"it tells {trained.schema.classes} apart, the rows hold {held_out.target.classes}")
        return predict(trained, _matrix_for(trained, held_out), held_out)


def score_champion(champion: Champion, found: Predictions | ComalError, held_out: HeldOut) -> ChampionScores:
    """Metrics of the champion's predictions, or the reason why there are none."""
    unscored = found.message if isinstance(found, ComalError) else ""
    return ChampionScores(
        version=champion.version,
        model_package_arn=champion.package_arn,
        metrics=score(found, held_out).metrics if isinstance(found, Predictions) else {},
        unscored=unscored,
    )


def score_baseline(trained_target: NDArray[np.float64], held_out: HeldOut) -> Scores:
    """Metrics of the training rows' mean or quantile (regression) or class frequencies."""
    rows, schema = len(held_out.actual), held_out.schema
    if schema.task == "regression":
        constant = trained_target.mean() if schema.quantile is None else np.quantile(trained_target, schema.quantile)
        predicted = np.full(rows, constant)
    else:
        classes = schema.classes
        shares = np.bincount(trained_target.astype(np.int64), minlength=len(classes)) / len(trained_target)
        every = _all_classes(held_out, schema)
        predicted = _aligned(np.tile(shares, (rows, 1)), classes, every)
    return score(Predictions(_positions(held_out, schema), predicted), held_out)


def _matrix_for(trained: TrainedModel, held_out: HeldOut) -> Matrix:
    if trained.schema.features == held_out.schema.features:
        return held_out.matrix
    return read_matrix(held_out.batches, trained.schema.features, refuse_unknown=False)[held_out.mask]


def _all_classes(held_out: HeldOut, schema: ModelSchema) -> list[Label]:
    """Classes of a model, then those of the rows that it does not know (they get probability 0)."""
    known = {str(label) for label in schema.classes}
    return [*schema.classes, *(label for label in held_out.target.classes if str(label) not in known)]


def _aligned(predicted: NDArray[np.float64], classes: tuple[Label, ...], every: list[Label]) -> NDArray[np.float64]:
    unknown = np.zeros((len(predicted), len(every) - len(classes)))
    # Probabilities come as float32: their sums miss 1 by more than float64 code tolerates.
    return np.concatenate((predicted / predicted.sum(axis=1, keepdims=True), unknown), axis=1)


def _positions(held_out: HeldOut, schema: ModelSchema) -> NDArray[np.float64]:
    """Targets of the held-out rows as positions in `_all_classes` of a model; numbers stay as they are."""
    if schema.task == "regression":
        return held_out.actual
    position = {str(label): index for index, label in enumerate(_all_classes(held_out, schema))}
    of_code = np.array([position[str(label)] for label in held_out.target.classes], dtype=np.float64)
    return of_code[held_out.actual.astype(np.int64)]
