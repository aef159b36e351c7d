"""One way to train, cross-validated."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER
from comal.recipe_training import Training
from training.algorithms.threads import threads_for
from training.calibration import learn_calibration
from training.fit import fit_matrix
from training.matrix import Matrix
from training.metrics import metrics
from training.model import Margined, Model
from training.schema import ModelSchema
from training.search.budget import Budget
from training.search.checkpoints import checkpoints_of, has_stalled, own_checkpoints
from training.search.folds import Fold
from training.stop import StopRequest
from training.watch import Watch

# What a score is reported with: the step, and the loss so far. True gives the trial up.
Report = Callable[[int, float], bool]
# Steps of whole folds come after those of any checkpoint.
FOLD_STEP = 1000
# With fewer scored rows, luck decides which of two trials is ahead: a trial of a small table is not given up before.
_ROWS_TO_COMPARE = 500


class OutOfTimeError(Exception):
    """The search must end, within a trial."""


class PrunedError(Exception):
    """The trial is worse than others at the same point."""


@dataclass(frozen=True)
class SearchedRows:
    """Training rows to cross-validate on; shapes (rows, features) and (rows,)."""

    matrix: Matrix
    target: NDArray[np.float64]
    schema: ModelSchema
    folds: Sequence[Fold]


@dataclass(frozen=True)
class Validated:
    """What cross-validation found.

    Attributes:
        loss: The metric averaged over the folds, negated where more is better.
        rounds: Rounds that were best over all folds; None where an algorithm has none.
        losses: The metric of each fold after so many rounds.
    """

    loss: float
    rounds: int | None
    losses: list[float]


@dataclass
class _Scored:
    """One fold after each checkpoint; margins are kept only to be calibrated with those of the other folds."""

    losses: list[float] = field(default_factory=list)
    margins: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass
class CrossValidation:
    """Scores one way to train on every fold.

    Attributes:
        recipe: With the trial's way to train.
        own: Whether that is the recipe's own: its number of rounds is not searched for.

    The first fold says where growing ends; the others are fitted side by side.
    """

    rows: SearchedRows
    recipe: Recipe
    budget: Budget
    report: Report = lambda _step, _loss: False
    own: bool = False
    _checkpoints: list[int] = field(default_factory=list)
    _scored: list[_Scored] = field(default_factory=list)
    _over: bool = False

    def run(self) -> Validated:
        """Fit and score each fold.

        Raises:
            OutOfTimeError: The search must end.
            PrunedError: The trial was given up.
            AlgorithmError: The algorithm refuses the rows, or a fold does not define the metric.
            RecipeError: A parameter does not fit the algorithm.
        """
        training = self.recipe.training
        if training.algorithm == "linear":
            for number, fold in enumerate(self.rows.folds):
                self._scored.append(self._fit_and_score(fold))
                self._report_fold(number)
            self._calibrate_together()
            losses = [fold.losses[0] for fold in self._scored]
            return Validated(float(np.mean(losses)), None, losses)
        first, *others = self.rows.folds
        checkpoints = own_checkpoints(training) if self.own else checkpoints_of(training)
        self._checkpoints = checkpoints
        self._scored.append(_Scored())
        self._grow(first, checkpoints, self._scored[0], first=True)
        self._report_fold(0)
        checkpoints = checkpoints[: len(self._scored[0].losses)]
        with ThreadPoolExecutor(_fits_at_a_time(self.rows.matrix)) as pool:
            try:
                for number, scored in enumerate(
                    pool.map(lambda fold: self._grow(fold, checkpoints, _Scored()), others), start=1
                ):
                    self._scored.append(scored)
                    self._report_fold(number)
            finally:
                self._over = True
        self._calibrate_together()
        _, curve = self.curve
        best = len(curve) - 1 if self.own else int(np.argmin(curve))
        return Validated(curve[best], checkpoints[best], [fold.losses[best] for fold in self._scored])

    def losses(self) -> list[float]:
        """Fit each fold by the recipe's own number of rounds, and score it then only.

        Raises:
            OutOfTimeError: The search must end.
            AlgorithmError: The algorithm refuses the rows, or a fold does not define the metric.
        """
        with ThreadPoolExecutor(_fits_at_a_time(self.rows.matrix)) as pool:
            try:
                self._scored = list(pool.map(self._fit_and_score, self.rows.folds))
            finally:
                self._over = True
        self._calibrate_together()
        return [fold.losses[0] for fold in self._scored]

    @property
    def curve(self) -> tuple[list[int], list[float]]:
        """Rounds, and the loss after each as far as it is known, averaged over the folds; empty without rounds."""
        common = self._common if self._checkpoints else 0
        losses = np.array([fold.losses[:common] for fold in self._scored])
        return self._checkpoints[:common], losses.mean(axis=0).tolist() if common else []

    @property
    def _common(self) -> int:
        """How many checkpoints every fold has passed."""
        return min((len(fold.losses) for fold in self._scored), default=0)

    def _fit_and_score(self, fold: Fold) -> _Scored:
        scored = _Scored()
        model = self._fit(fold, lambda _done, _model: bool(self.budget.exhausted) or self._over)
        if self.budget.exhausted:
            raise OutOfTimeError
        self._score(model, fold, scored)
        return scored

    def _grow(self, fold: Fold, checkpoints: list[int], scored: _Scored, *, first: bool = False) -> _Scored:
        """Score one fold at each checkpoint; the first fold says where growing ends."""
        pruned = False
        losses = scored.losses

        def watch(done: int, model: Model) -> bool:
            nonlocal pruned
            if self.budget.exhausted or self._over:
                return True
            if done != checkpoints[len(losses)]:
                return False
            self._score(model, fold, scored)
            if first:
                pruned = self._compare(len(losses), losses[-1], len(fold.scored))
                return pruned or (has_stalled(losses) and not self.own)
            return False

        self._fit(fold, watch, checkpoints[-1])
        if self.budget.exhausted:
            raise OutOfTimeError
        if pruned:
            raise PrunedError
        if not losses:
            raise AlgorithmError("The algorithm found nothing to learn in a fold.")
        return scored

    def _fit(self, fold: Fold, watch: Watch, rounds: int = 0) -> Model:
        if self.budget.exhausted:
            raise OutOfTimeError
        recipe = self.recipe
        if rounds:
            recipe = with_training(recipe, recipe.training, {"num_boost_round": rounds})
        rows = self.rows
        trained, _device = fit_matrix(
            rows.matrix[fold.fitted],
            rows.target[fold.fitted],
            rows.schema,
            recipe,
            StopRequest(),
            watch,
        )
        return trained.model

    def _score(self, model: Model, fold: Fold, scored: _Scored) -> None:
        predicted = np.asarray(model.predict(self.rows.matrix[fold.scored]), dtype=np.float64)
        if not np.isfinite(predicted).all():
            raise AlgorithmError("The model predicts values that are not finite.")
        if self.recipe.training.calibration != "none":
            assert isinstance(model, Margined)  # a team's own fit is not searched
            margins = model.margins(self.rows.matrix[fold.scored])
            scored.margins.append(margins)
            # By its own rows, as long as other folds are not fitted: a model that is too sure shall not end growing.
            predicted = self._calibrated([margins], [fold])[0]
        scored.losses.append(self._loss(predicted, fold))

    def _calibrate_together(self) -> None:
        """Score the folds as the model that `fit` makes: it learns one calibration from what all folds' models say."""
        if self.recipe.training.calibration == "none":
            return
        for checkpoint in range(self._common):
            found = self._calibrated([fold.margins[checkpoint] for fold in self._scored], self.rows.folds)
            for scored, predicted, fold in zip(self._scored, found, self.rows.folds, strict=True):
                scored.losses[checkpoint] = self._loss(predicted, fold)

    def _calibrated(self, margins: Sequence[NDArray[np.float64]], folds: Sequence[Fold]) -> list[NDArray[np.float64]]:
        """What is predicted of each fold, by the calibration that they give together.

        Rows are calibrated by a calibration that knows them. It has a number for each class, so it flatters every trial
        by as much (Wilks, The Large-Sample Distribution of the Likelihood Ratio, 1938) and leaves their order.
        """
        actual = np.concatenate([self.rows.target[fold.scored] for fold in folds])
        calibration = learn_calibration(np.concatenate(margins), actual)
        return [calibration.probabilities(each).astype(np.float64) for each in margins]

    def _loss(self, predicted: NDArray[np.float64], fold: Fold) -> float:
        if self.recipe.task != "regression":
            predicted = predicted / predicted.sum(axis=1, keepdims=True)
        metric = self.recipe.metric
        actual, quantile = self.rows.target[fold.scored], self.recipe.training.quantile
        score = metrics(self.recipe.task, actual, predicted, [metric], quantile=quantile).get(metric)
        if score is None:
            raise AlgorithmError(
                f"A fold of {len(fold.scored)} training rows does not define {metric}.",
                next_step="Push more rows, or choose another gate.metric.",
            )
        if metric == "log_loss":
            # The rule of succession (Laplace, 1774): after n rows without a mistake the next is one of n + 2. By rows
            # that hold no surprise the surest model is the best, until the first surprise: that costs it the most.
            surprise = 1 / (len(self.rows.target) + 2)
            return (1 - surprise) * score + surprise * _loss_if_surprised(actual, predicted)
        return -score if metric in HIGHER_IS_BETTER else score

    def _report_fold(self, number: int) -> None:
        """Compare the folds so far, each at its best, with those of other trials."""
        so_far = float(np.mean([fold.losses[-1] if self.own else min(fold.losses) for fold in self._scored]))
        scored = sum(len(fold.scored) for fold in self.rows.folds[: number + 1])
        if self._compare(FOLD_STEP + number, so_far, scored):
            raise PrunedError

    def _compare(self, step: int, loss: float, scored: int) -> bool:
        """Whether the trial is to be given up, told by a loss on so many rows."""
        every_row = len(self.rows.target)
        return scored >= min(_ROWS_TO_COMPARE, every_row // 2) and self.report(step, loss)


def _loss_if_surprised(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Log loss if every row were of another class than it is, of each of the others as often."""
    least = np.finfo(np.float64).eps
    losses = -np.log(np.clip(predicted, least, 1))
    of_own = losses[np.arange(len(actual)), actual.astype(np.int64)]
    return float((losses.sum(axis=1) - of_own).mean() / (predicted.shape[1] - 1))


def with_training(recipe: Recipe, training: Training, params: dict[str, int] | None = None) -> Recipe:
    """The recipe with another way to train, and some of its parameters set."""
    update = {"search": None, "params": {**training.params, **(params or {})}}
    return recipe.model_copy(update={"training": training.model_copy(update=update)})


def _fits_at_a_time(matrix: Matrix) -> int:
    """As many as there are cores for; each fit releases the interpreter while it grows."""
    return max(1, len(os.sched_getaffinity(0)) // threads_for(matrix))
