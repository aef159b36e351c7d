"""The interval of a gain: it holds what is true as often as it says, and what it adds up is the metric itself."""

from typing import Any

import numpy as np
import pytest

from comal.recipe import Recipe
from training.evaluate import HeldOut, Predictions
from training.gain import _sums, _weighted_auc, gain_of, slices_of
from training.metrics import metrics
from training.schema import FeatureColumn, ModelSchema
from training.target import Target


def recipe(task: str = "regression", metric: str = "rmse", **gate: Any) -> Recipe:
    features = {"store": {"type": "category", "values": ["centro", "norte", "sur"]}}
    return Recipe.model_validate(
        {"model": "tacos", "task": task, "target": "y", "features": features, "gate": {"metric": metric, **gate}}
    )


def noisy(actual: np.ndarray, sd: float, seed: int) -> Predictions:
    return Predictions(actual, actual + np.random.default_rng(seed).normal(0, sd, len(actual)))


def classified(rows: int, classes: int, seed: int) -> Predictions:
    rng = np.random.default_rng(seed)
    scores = rng.random((rows, classes))
    return Predictions(rng.integers(0, classes, rows).astype(float), scores / scores.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "pinball"])
def test_sums_over_rows_give_the_metric_of_numbers(metric):
    found = noisy(np.random.default_rng(1).normal(5, 2, 300), 1.0, 2)
    sums = _sums(metric, found, 0.9)
    assert sums.metric(sums.of_rows.sum(axis=0)[None])[0] == pytest.approx(
        metrics("regression", found.actual, found.predicted, quantile=0.9)[metric]
    )


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1"])
def test_sums_over_rows_give_the_metric_of_classes(metric, classes):
    found = classified(300, classes, 3)
    sums = _sums(metric, found, None)
    task = "binary" if classes == 2 else "multiclass"
    assert sums.metric(sums.of_rows.sum(axis=0)[None])[0] == pytest.approx(
        metrics(task, found.actual, found.predicted)[metric]
    )


def test_the_weighted_auc_is_the_auc_of_the_rows_as_often_as_they_are_drawn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(4)
    positive, score = rng.random(200) < 0.4, rng.integers(0, 20, 200) / 20  # with ties
    counts = rng.integers(0, 4, (3, 200)).astype(float)
    expected = [roc_auc_score(positive, score, sample_weight=row) for row in counts]
    assert _weighted_auc(positive, score, counts) == pytest.approx(expected)


@pytest.mark.slow
def test_the_interval_holds_the_true_gain_as_often_as_it_says():
    """Errors of standard deviation 1.0 and 1.2: the true gain is 0.2."""
    held = 0
    for seed in range(200):
        actual = np.zeros(400)
        gain = gain_of(noisy(actual, 1.0, 2 * seed), noisy(actual, 1.2, 2 * seed + 1), recipe(confidence=0.9))
        assert gain is not None
        held += gain.low <= 0.2 <= gain.high
    # 200 trials at 0.9: from 168 to 191 with a probability of 99 %.
    assert 168 <= held <= 191


def test_many_rows_are_drawn_in_blocks_with_the_same_interval():
    actual = np.zeros(60_000)
    gain = gain_of(noisy(actual, 1.0, 1), noisy(actual, 1.2, 2), recipe())
    assert gain is not None
    assert gain.low < gain.value < gain.high
    # The standard error of an rmse of n normal errors is sd / sqrt(2 n).
    expected = 2 * 1.96 * np.sqrt((1.0**2 + 1.2**2) / (2 * 60_000))
    assert gain.high - gain.low == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("metric", ["auc", "accuracy"])
def test_a_gain_is_positive_where_more_is_better_and_the_same_for_the_same_seed(metric):
    better = Predictions(np.array([0.0, 1.0] * 100), np.tile([[0.9, 0.1], [0.2, 0.8]], (100, 1)))
    worse = Predictions(better.actual, classified(200, 2, 5).predicted)
    gain = gain_of(better, worse, recipe("binary", metric))
    assert gain is not None
    assert gain.low > 0
    assert gain == gain_of(better, worse, recipe("binary", metric))


def test_the_same_predictions_gain_nothing():
    found = noisy(np.arange(50.0), 1.0, 1)
    gain = gain_of(found, found, recipe())
    assert gain is not None
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_slices_are_scored_value_by_value_and_small_ones_left_out():
    codes = np.repeat([0.0, 1.0, 2.0], [40, 40, 5]).astype(np.float32)[:, None]
    actual = np.zeros(85)
    schema = ModelSchema(
        model="tacos",
        task="regression",
        target="y",
        algorithm="linear",
        features=(FeatureColumn(name="store", type="category", values=("centro", "norte", "sur")),),
    )
    held_out = HeldOut([], np.ones(85, bool), schema, codes, Target(values=actual))
    challenger = Predictions(actual, np.where(codes[:, 0] == 1, 2.0, 1.0))
    champion = Predictions(actual, np.ones(85))
    found = slices_of(challenger, champion, held_out, recipe(slices={"store": 0.1}))
    assert [(one.value, one.rows, one.challenger, one.champion) for one in found] == [
        ("centro", 40, 1.0, 1.0),
        ("norte", 40, 2.0, 1.0),
    ]
