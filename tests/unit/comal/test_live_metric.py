from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comal.errors import DataError
from comal.live_metric import Outcomes, metric_value, outcomes_of
from comal.recipe_metrics import METRICS_OF
from training.metrics import metrics


def outcomes(task: str, rows: int, seed: int) -> Outcomes:
    """Coarse probabilities, so that some are equal and some are 0."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        return Outcomes(rng.normal(5, 2, rows), rng.normal(5, 2, rows))
    classes = 2 if task == "binary" else 4
    predicted = np.round(rng.dirichlet(np.ones(classes), rows), 1) + 1e-9
    return Outcomes(rng.integers(0, classes, rows).astype(float), predicted / predicted.sum(axis=1, keepdims=True))


@settings(max_examples=40, deadline=None)
@given(task=st.sampled_from(sorted(METRICS_OF)), rows=st.integers(2, 60), seed=st.integers(0, 10_000))
def test_every_metric_is_the_one_that_training_reports(task: str, rows: int, seed: int) -> None:
    found = outcomes(task, rows, seed)
    expected = metrics(task, found.actual, found.predicted)  # type: ignore[arg-type]
    for name in METRICS_OF[task]:
        if name in expected:
            assert metric_value(name, found) == pytest.approx(expected[name], rel=1e-9, abs=1e-12)
        else:
            assert not np.isfinite(metric_value(name, found))


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_loss_of_a_quantile_is_the_one_that_training_reports(quantile: float) -> None:
    found = replace(outcomes("regression", 60, seed=4), quantile=quantile)
    expected = metrics("regression", found.actual, found.predicted, quantile=quantile)["pinball"]
    assert metric_value("pinball", found) == pytest.approx(expected, rel=1e-9)
    assert metric_value("pinball", found.take(np.arange(60))) == pytest.approx(expected, rel=1e-9)


def test_numbers_are_read_from_answers() -> None:
    found = outcomes_of("regression", [{"prediction": 1.5}, {"prediction": 2}], ["1", 4.0])
    assert found.actual.tolist() == [1.0, 4.0]
    assert found.predicted.tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    "labels", [["late", "on time", "late", "on time"], ["late"] * 4], ids=["both classes", "one class"]
)
def test_two_classes_are_told_apart_by_the_answers(labels: list[str]) -> None:
    answers = [
        {"prediction": "on time", "probability": 0.9},
        {"prediction": "on time", "probability": 0.6},
        {"prediction": "late", "probability": 0.5},
        {"prediction": "late", "probability": 0.1},
    ]
    found = outcomes_of("binary", answers, labels)
    assert found.predicted[:, 1].tolist() == [0.9, 0.6, 0.5, 0.1]
    assert found.actual.tolist() == [float(label == "on time") for label in labels]


@pytest.mark.parametrize(("answered", "labels", "actual"), [
    (True, ["true", "false"], [1.0, 0.0]),
    (1, ["1", 0.0], [1.0, 0.0]),
    (1, [1, 1], [1.0, 1.0]),
])  # fmt: skip
def test_a_class_that_no_answer_names_is_found_among_the_labels(answered, labels, actual) -> None:
    answers = [{"prediction": answered, "probability": 0.8}, {"prediction": answered, "probability": 0.7}]
    found = outcomes_of("binary", answers, labels)
    assert found.actual.tolist() == actual
    assert found.predicted[:, 1].tolist() == [0.8, 0.7]


def test_a_label_that_the_model_does_not_know_has_no_probability() -> None:
    answers = [{"prediction": "a", "probabilities": {"a": 0.7, "b": 0.3}}] * 2
    found = outcomes_of("multiclass", answers, ["a", "z"])
    assert found.actual.tolist() == [0.0, 2.0]
    assert found.predicted.tolist() == [[0.7, 0.3, 0.0]] * 2
    assert metric_value("accuracy", found) == 0.5


@pytest.mark.parametrize("labels", [[], [1.0, 2.0]])
def test_labels_that_do_not_fit_are_refused(labels: list[float]) -> None:
    with pytest.raises(DataError, match="do not fit"):
        outcomes_of("regression", [{"prediction": 1.0}][: len(labels)], labels)
