"""Whether a model has become worse than it was allowed to, by labels that come late and are never many."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comal.live_metric import Outcomes, metric_value, outcomes_of
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER

CONFIDENCE = 0.95
_RESAMPLES = 500
# More rows than these are drawn from, so that the cost is bounded; about 0.5 s.
_MAX_ROWS = 10_000
# CloudWatch and JSON know no infinity; a threshold of 0 (a perfect baseline) would give one.
_HIGHEST_SCORE = 1000.0


@dataclass(frozen=True)
class QualityScore:
    """The live metric, and how it stands to its threshold.

    Attributes:
        metric: The one that the gate judges by.
        value: Of the labelled rows.
        low: Lower end of its 95 % interval.
        high: Upper end.
        baseline: Of the held-out rows, when the version was trained.
        threshold: The recipe's gate.at_most or at_least, else the baseline made worse by min_effect × |baseline|.
        score: 1.0 where the interval's better end lies at the threshold; higher is worse.
    """

    metric: str
    value: float
    low: float
    high: float
    baseline: float
    threshold: float
    score: float


def quality_score(
    recipe: Recipe, predictions: Sequence[Mapping[str, Any]], labels: Sequence[Any], baseline: float
) -> QualityScore | None:
    """Score the rows whose labels have come.

    Args:
        recipe: Gives the task, the quantile, the metric, the gate, min_effect and the seed.
        predictions: As the endpoint answered (live_metric.outcomes_of).
        labels: One for each prediction.
        baseline: The version's own metric on its held-out rows (evaluation.json).

    Returns:
        None where the rows do not define the metric: auc of one class, r2 of equal numbers.

    Raises:
        DataError: There are no rows, or not as many labels as predictions.
    """
    outcomes = outcomes_of(recipe.task, predictions, labels, recipe.training.quantile)
    value = metric_value(recipe.metric, outcomes)
    if not math.isfinite(value):
        return None
    low, high = interval(recipe.metric, outcomes, recipe.training.seed)
    threshold = _threshold(recipe, baseline)
    # What is better when higher is 1 at best, so what is missing to 1 is an error like the others.
    best_end, allowed = (1 - high, 1 - threshold) if recipe.metric in HIGHER_IS_BETTER else (low, threshold)
    return QualityScore(recipe.metric, value, low, high, baseline, threshold, _ratio(best_end, allowed))


def interval(metric: str, outcomes: Outcomes, seed: int) -> tuple[float, float]:
    """The 95 % bootstrap percentile interval of a metric (https://doi.org/10.1214/aos/1176344552).

    Of more than 10,000 rows 10,000 are resampled, and the width is scaled to all of them, by √(10,000 / rows): the
    m out of n bootstrap (Bickel, Götze and van Zwet, Statistica Sinica 7, 1997).
    """
    rng = np.random.default_rng(seed)
    value = metric_value(metric, outcomes)
    rows = min(len(outcomes), _MAX_ROWS)
    sample = outcomes if rows == len(outcomes) else outcomes.take(rng.choice(len(outcomes), rows, replace=False))
    center = metric_value(metric, sample)
    drawn = [metric_value(metric, sample.take(rng.integers(0, rows, rows))) for _ in range(_RESAMPLES)]
    known = [one for one in drawn if math.isfinite(one)]
    if not known or not math.isfinite(center):
        return value, value
    ends = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    low, high = value + (ends - center) * math.sqrt(rows / len(outcomes))
    return float(low), float(high)


def _threshold(recipe: Recipe, baseline: float) -> float:
    worse = recipe.monitoring.min_effect * abs(baseline)
    if recipe.metric in HIGHER_IS_BETTER:
        return baseline - worse if recipe.gate.at_least is None else recipe.gate.at_least
    return baseline + worse if recipe.gate.at_most is None else recipe.gate.at_most


def _ratio(error: float, allowed: float) -> float:
    """How many times the allowed error there is, between 0 (no error) and _HIGHEST_SCORE."""
    if error <= 0:
        return 0.0
    return error / allowed if error < allowed * _HIGHEST_SCORE else _HIGHEST_SCORE
