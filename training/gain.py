"""How much better one model is than another on the same rows: for all of them, with an interval, and slice by slice.

The interval is the percentile interval of a paired bootstrap: rows are drawn with both models' predictions together, so
that what makes a row hard for both does not count (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comal.evaluation import Gain, SliceScores
from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature
from comal.recipe_metrics import HIGHER_IS_BETTER
from training.evaluate import HeldOut, Predictions
from training.metrics import metrics

DEFAULT_CONFIDENCE = 0.95
# A slice of fewer rows says little.
SLICE_ROWS = 30
_RESAMPLES = 1000
_RESAMPLES_AT_ONCE = 50
# Metrics that are sums over rows are drawn in blocks of rows above so many; auc, which is none, on so many rows.
_MOST_UNITS = 5000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Sums:
    """A metric as a function of sums over rows.

    Attributes:
        of_rows: Shape (rows, k).
        metric: From sums of shape (resamples, k) to the metric of each.
    """

    of_rows: Floats
    metric: Callable[[Floats], Floats]


def gain_of(challenger: Predictions, champion: Predictions, recipe: Recipe) -> Gain | None:
    """The challenger's gain by the gate's metric; None where the rows do not define it for both.

    The same predictions give the same interval: the draws are seeded by the recipe's seed.
    """
    metric, task = recipe.metric, recipe.task
    values = [
        metrics(task, one.actual, one.predicted, [metric], quantile=recipe.training.quantile).get(metric)
        for one in (challenger, champion)
    ]
    if values[0] is None or values[1] is None:
        return None
    sign = 1.0 if metric in HIGHER_IS_BETTER else -1.0
    rng = np.random.default_rng(recipe.training.seed)
    if metric == "auc":
        ours, theirs = _drawn_auc(challenger, champion, rng)
    else:
        sums = [_sums(metric, one, recipe.training.quantile) for one in (challenger, champion)]
        ours, theirs = _drawn_sums(sums, len(challenger.actual), rng)
    gains = sign * (ours - theirs)
    confidence = recipe.gate.confidence or DEFAULT_CONFIDENCE
    low, high = np.quantile(gains[np.isfinite(gains)], [(1 - confidence) / 2, (1 + confidence) / 2])
    # Nothing gained is 0, also where it is nothing times -1.
    value, low, high = (float(one) + 0.0 for one in (sign * (values[0] - values[1]), low, high))
    return Gain(value=value, low=low, high=high, confidence=confidence)


def slices_of(challenger: Predictions, champion: Predictions, held_out: HeldOut, recipe: Recipe) -> list[SliceScores]:
    """The gate's metric of both models for each value of each column of `gate.slices` that has rows enough."""
    found = []
    for column in recipe.gate.slices:
        position = next(at for at, feature in enumerate(held_out.schema.features) if feature.name == column)
        is_boolean = isinstance(recipe.features[column], BooleanFeature)
        names = ("false", "true") if is_boolean else held_out.schema.features[position].values
        for code, name in enumerate(names):
            rows = held_out.matrix[:, position] == code
            if np.count_nonzero(rows) < SLICE_ROWS:
                continue
            ours, theirs = (
                metrics(recipe.task, one.actual[rows], one.predicted[rows], quantile=recipe.training.quantile).get(
                    recipe.metric
                )
                for one in (challenger, champion)
            )
            if ours is not None and theirs is not None:
                count = int(np.count_nonzero(rows))
                found.append(SliceScores(column=column, value=name, rows=count, challenger=ours, champion=theirs))
    return found


def _drawn_sums(sums: list[_Sums], rows: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The metric of both models in each resample, by sums over rows, or over blocks of rows drawn at random."""
    count = min(rows, _MOST_UNITS)
    order = rng.permutation(rows)
    starts = np.arange(count) * rows // count
    units = [np.add.reduceat(one.of_rows[order], starts, axis=0) for one in sums]
    drawn: tuple[list[Floats], list[Floats]] = ([], [])
    for counts in _counts(len(starts), rng):
        for one, unit, values in zip(sums, units, drawn, strict=True):
            values.append(one.metric(counts @ unit))
    return np.concatenate(drawn[0]), np.concatenate(drawn[1])


def _drawn_auc(challenger: Predictions, champion: Predictions, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The area under the ROC curve of both models in each resample; of many rows a random part is drawn from."""
    chosen = rng.permutation(len(challenger.actual))[:_MOST_UNITS]
    drawn: tuple[list[Floats], list[Floats]] = ([], [])
    for counts in _counts(len(chosen), rng):
        for one, values in zip((challenger, champion), drawn, strict=True):
            values.append(_weighted_auc(one.actual[chosen] == 1, one.predicted[chosen, 1], counts))
    return np.concatenate(drawn[0]), np.concatenate(drawn[1])


def _counts(units: int, rng: np.random.Generator) -> list[Floats]:
    """How often each unit is drawn, in resamples of `units` each; shape (resamples, units), some at once."""
    share = np.full(units, 1 / units)
    return [
        rng.multinomial(units, share, size=_RESAMPLES_AT_ONCE).astype(np.float64)
        for _ in range(_RESAMPLES // _RESAMPLES_AT_ONCE)
    ]


def _weighted_auc(positive: NDArray[np.bool_], score: Floats, counts: Floats) -> Floats:
    """Probability that a positive row has the higher score, ties counting half; one for each row of counts."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    positives = np.add.reduceat(np.where(positive[order], counts[:, order], 0.0), starts, axis=1)
    negatives = np.add.reduceat(np.where(positive[order], 0.0, counts[:, order]), starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1)))


def _sums(metric: str, found: Predictions, quantile: float | None) -> _Sums:
    actual, predicted = found.actual, found.predicted
    if predicted.ndim == 1:
        return _regression_sums(metric, actual, predicted, quantile)
    positions = actual.astype(np.int64)
    ones = np.ones(len(actual))
    if metric == "log_loss":
        chosen = np.take_along_axis(predicted, positions[:, None], axis=1)[:, 0]
        loss = -np.log(np.clip(chosen, np.finfo(np.float64).eps, 1.0))
        return _Sums(np.stack([loss, ones], axis=1), lambda sums: sums[:, 0] / sums[:, 1])
    answers = predicted.argmax(axis=1)
    if metric == "accuracy":
        return _Sums(np.stack([answers == positions, ones], axis=1), lambda sums: sums[:, 0] / sums[:, 1])
    classes = predicted.shape[1]
    hits = np.eye(classes)[positions] * (answers == positions)[:, None]
    return _Sums(np.hstack([hits, np.eye(classes)[positions], np.eye(classes)[answers]]), _macro_f1)


def _regression_sums(metric: str, actual: Floats, predicted: Floats, quantile: float | None) -> _Sums:
    ones, error = np.ones(len(actual)), predicted - actual
    if metric == "pinball":
        assert quantile is not None  # the recipe refuses one without the other
        loss = np.maximum((1 - quantile) * error, -quantile * error)
        return _Sums(np.stack([loss, ones], axis=1), lambda sums: sums[:, 0] / sums[:, 1])
    if metric == "mae":
        return _Sums(np.stack([np.abs(error), ones], axis=1), lambda sums: sums[:, 0] / sums[:, 1])
    if metric == "rmse":
        return _Sums(np.stack([error**2, ones], axis=1), lambda sums: np.sqrt(sums[:, 0] / sums[:, 1]))
    centred = actual - actual.mean()
    return _Sums(np.stack([error**2, centred, centred**2, ones], axis=1), _r2)


def _r2(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - sums[:, 0] / (sums[:, 2] - sums[:, 1] ** 2 / sums[:, 3]))


def _macro_f1(sums: Floats) -> Floats:
    hits, of_class, answered = np.split(sums, 3, axis=1)
    total = of_class + answered
    of_each = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    return np.asarray(of_each.sum(axis=1) / (total > 0).sum(axis=1))
