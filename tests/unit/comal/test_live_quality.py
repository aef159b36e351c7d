import math
from typing import Any

import numpy as np
import pytest

from comal.live_metric import Outcomes, metric_value
from comal.live_quality import interval, quality_score
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER, METRICS_OF
from tests.unit.comal.registry_samples import make_recipe

CASES = [(task, metric) for task, metrics in METRICS_OF.items() for metric in metrics]


def population(task: str, rows: int, seed: int) -> Outcomes:
    """Rows of a model that is right about as often as models are."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        predicted = rng.normal(10, 3, rows)
        return Outcomes(predicted + rng.normal(0, 1.5, rows), predicted)
    classes = 2 if task == "binary" else 3
    predicted = rng.dirichlet(np.ones(classes), rows)
    actual = (predicted.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return Outcomes(actual.astype(float), predicted)


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_the_interval_holds_the_true_metric_about_as_often_as_it_says(task: str, metric: str) -> None:
    """Of 100 samples of 200 rows each; 19 in 20 is said, and a percentile interval of skewed errors is a bit narrow."""
    truth = metric_value(metric, population(task, 200_000, 0))
    held = 0
    for seed in range(1, 101):
        low, high = interval(metric, population(task, 200, seed), seed=7)
        held += low <= truth <= high
    assert 87 <= held <= 100


@pytest.mark.parametrize(("task", "metric"), CASES)
def test_the_interval_is_a_brute_force_bootstraps(task: str, metric: str) -> None:
    found = population(task, 300, 1)
    rng = np.random.default_rng(0)
    drawn = [metric_value(metric, found.take(rng.integers(0, 300, 300))) for _ in range(3000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    ours = interval(metric, found, seed=3)
    assert ours == pytest.approx((low, high), abs=0.25 * (high - low))


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_of_many_rows_a_part_is_resampled_and_the_width_is_that_of_all(metric: str) -> None:
    many = population("regression", 40_000, 1)
    low, high = interval(metric, many, seed=7)
    assert low < metric_value(metric, many) < high
    few = interval(metric, population("regression", 10_000, 2), seed=7)
    assert (high - low) / (few[1] - few[0]) == pytest.approx(0.5, rel=0.2)


def test_the_same_rows_give_the_same_interval() -> None:
    found = population("binary", 100, 1)
    assert interval("auc", found, seed=7) == interval("auc", found, seed=7)


def answers(error: float, rows: int = 400) -> tuple[list[dict[str, Any]], list[float]]:
    rng = np.random.default_rng(1)
    labels = rng.normal(10, 3, rows)
    return [{"prediction": float(label + error * rng.normal())} for label in labels], labels.tolist()


def recipe_of(metric: str, **sections: Any) -> Recipe:
    gate = {"metric": metric, **sections.pop("gate", {})}
    return make_recipe(gate=gate, **sections)


@pytest.mark.parametrize("metric", METRICS_OF["regression"])
@pytest.mark.parametrize("error", [0.0, 0.5, 1.0, 1.1, 1.2, 1.5, 3.0, 30.0])
def test_the_score_is_at_least_one_exactly_where_the_better_end_is_beyond_the_threshold(metric, error) -> None:
    baseline = {"rmse": 1.0, "mae": 0.8, "r2": 0.89}[metric]
    scored = quality_score(recipe_of(metric), *answers(error), baseline)
    assert scored is not None
    assert scored.low <= scored.value <= scored.high
    if metric in HIGHER_IS_BETTER:
        assert scored.threshold == pytest.approx(0.9 * baseline)
        assert (scored.score >= 1) == (scored.high <= scored.threshold)
    else:
        assert scored.threshold == pytest.approx(1.1 * baseline)
        assert (scored.score >= 1) == (scored.low >= scored.threshold)
    assert math.isfinite(scored.score)
    assert scored.score >= 0


@pytest.mark.parametrize("metric", METRICS_OF["regression"])
def test_a_worse_model_scores_higher(metric: str) -> None:
    scores = [quality_score(recipe_of(metric), *answers(error), 0.9) for error in (0.2, 1.0, 2.0, 5.0)]
    values = [one.score for one in scores if one is not None]
    assert values == sorted(values)
    assert len(set(values)) == 4


def test_the_gates_bound_is_the_threshold_where_there_is_one() -> None:
    scored = quality_score(recipe_of("rmse", gate={"at_most": 3.0}), *answers(2.0), 1.0)
    assert scored is not None
    assert (scored.threshold, scored.score < 1) == (3.0, True)
    higher = quality_score(recipe_of("r2", gate={"at_least": 0.5}), *answers(1.0), 0.99)
    assert higher is not None
    assert (higher.threshold, higher.score < 1) == (0.5, True)


def test_the_interval_of_few_rows_is_wide_and_raises_no_alarm() -> None:
    few, many = (quality_score(recipe_of("rmse"), *answers(1.25, rows), 1.0) for rows in (10, 4000))
    assert few is not None
    assert many is not None
    assert few.score < 1 < many.score


def test_a_perfect_baseline_gives_a_finite_score() -> None:
    wrong, right = (quality_score(recipe_of("rmse"), *answers(error), 0.0) for error in (1.0, 0.0))
    assert wrong is not None
    assert right is not None
    assert (wrong.score, right.score) == (1000.0, 0.0)


def test_a_metric_that_the_rows_do_not_define_gives_no_score() -> None:
    recipe = make_recipe(task="binary", gate={"metric": "auc"})
    rows = [{"prediction": "a", "probability": 0.2}, {"prediction": "b", "probability": 0.7}]
    assert quality_score(recipe, rows, ["b", "b"], 0.8) is None
