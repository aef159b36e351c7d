"""How much each feature matters to a model, with intervals, on rows that it was not trained on.

Two answers, because they ask two questions: by how much the metric gets worse when a feature's values are shuffled
(Breiman, Random Forests, 2001; Fisher, Rudin and Dominici, 2019), and how far a feature moves predictions, as the mean
absolute contribution (training.explain).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER
from training.evaluate import HeldOut, predict
from training.explain import Explained, sum_of
from training.metrics import metrics
from training.model import TrainedModel

FILE_NAME = "importance.json"
CONFIDENCE = 0.95
# So many rows tell features apart; more would cost more than the fit.
_MOST_ROWS = 1000
# A contribution of every feature costs a row as much as a hundred predictions.
_CONTRIBUTION_ROWS = 300
_SHUFFLES = 5
# 0.975 quantile of Student's t with _SHUFFLES - 1 degrees of freedom.
_STUDENT = 2.776
_RESAMPLES = 500


class Importance(BaseModel):
    """Of one feature, each value with its 95 % interval.

    Attributes:
        loss: By how much the gate's metric gets worse when the feature is shuffled, over five shuffles; None where
            these rows do not define the metric.
        contribution: Mean absolute contribution to what contributions add up to, over bootstrapped rows; None where
            the model cannot say.
    """

    model_config = ConfigDict(extra="forbid")

    feature: str
    loss: tuple[float, float, float] | None
    contribution: tuple[float, float, float] | None


class Importances(BaseModel):
    """The importance.json of one run: every feature, the one that matters most first.

    Attributes:
        rows: Held-out rows that were looked at.
        adds_up_to: What contributions add up to (training.explain); None where the model has none.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    metric: str
    rows: int
    adds_up_to: str | None
    features: list[Importance]


def importances(trained: TrainedModel, held_out: HeldOut, recipe: Recipe) -> Importances:
    """Look at every feature; the same model and rows give the same numbers, as the shuffles are seeded."""
    rng = np.random.default_rng(recipe.training.seed)
    rows = len(held_out.matrix)
    chosen = np.sort(rng.permutation(rows)[:_MOST_ROWS])
    everywhere = np.flatnonzero(held_out.mask)[chosen]
    mask = np.zeros(len(held_out.mask), dtype=bool)
    mask[everywhere] = True
    looked_at = held_out.only(mask)
    losses = _losses(trained, looked_at, recipe, rng)
    moved = _contributions(trained, looked_at, rng)
    found = [
        Importance(feature=feature.name, loss=losses[position], contribution=moved[position] if moved else None)
        for position, feature in enumerate(trained.schema.features)
    ]
    found.sort(key=lambda one: -one.loss[0] if one.loss else 0.0)
    adds_up_to = sum_of(trained.schema) if moved else None
    return Importances(metric=recipe.metric, rows=len(chosen), adds_up_to=adds_up_to, features=found)


def _losses(
    trained: TrainedModel, held_out: HeldOut, recipe: Recipe, rng: np.random.Generator
) -> list[tuple[float, float, float] | None]:
    sign = -1.0 if recipe.metric in HIGHER_IS_BETTER else 1.0
    base = _metric(trained, held_out, held_out.matrix, recipe)
    found: list[tuple[float, float, float] | None] = []
    for position in range(held_out.matrix.shape[1]):
        losses = []
        for _ in range(_SHUFFLES):
            shuffled = held_out.matrix.copy()
            shuffled[:, position] = rng.permutation(shuffled[:, position])
            losses.append(sign * (_metric(trained, held_out, shuffled, recipe) - base))
        found.append(_with_interval(np.asarray(losses)) if np.isfinite(losses).all() else None)
    return found


def _metric(trained: TrainedModel, held_out: HeldOut, matrix: NDArray[np.float32], recipe: Recipe) -> float:
    found = predict(trained, matrix, held_out)
    names, quantile = [recipe.metric], recipe.training.quantile
    return metrics(recipe.task, found.actual, found.predicted, names, quantile=quantile).get(names[0], float("nan"))


def _contributions(
    trained: TrainedModel, held_out: HeldOut, rng: np.random.Generator
) -> list[tuple[float, float, float]] | None:
    if not isinstance(trained.model, Explained):
        return None
    # Of several classes a feature counts by the sum over them.
    some = held_out.matrix[rng.permutation(len(held_out.matrix))[:_CONTRIBUTION_ROWS]]
    moved = np.abs(trained.model.contributions(some))[:, :, :-1].sum(axis=1)
    rows = len(moved)
    counts = rng.multinomial(rows, np.full(rows, 1 / rows), size=_RESAMPLES)
    means = counts @ moved / rows
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return [
        (float(mean), float(low[position]), float(high[position])) for position, mean in enumerate(moved.mean(axis=0))
    ]


def _with_interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean and its interval by Student's distribution."""
    half = _STUDENT * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)
