import numpy as np
import pytest

from comal.recipe_metrics import METRICS_OF
from training.metrics import metrics


def test_regression_metrics_are_those_of_the_recipe():
    found = metrics("regression", np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    assert tuple(found) == METRICS_OF["regression"]
    assert found == pytest.approx({"rmse": (4 / 3) ** 0.5, "mae": 2 / 3, "r2": -1.0})


def test_a_constant_target_has_no_r2():
    assert set(metrics("regression", np.array([2.0, 2.0]), np.array([1.0, 2.0]))) == {"rmse", "mae"}


def test_binary_metrics_are_those_of_the_recipe():
    found = metrics("binary", np.array([0.0, 1.0, 1.0]), np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4]]))
    assert tuple(found) == METRICS_OF["binary"]
    assert found["auc"] == 1.0
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.6, 0.4]).mean())
    assert found["f1"] == pytest.approx(2 / 3)


def test_one_metric_alone_is_the_same_as_among_all():
    actual, predicted = np.array([0.0, 1.0, 1.0]), np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4]])
    every = metrics("binary", actual, predicted)
    for name in METRICS_OF["binary"]:
        assert metrics("binary", actual, predicted, [name]) == {name: every[name]}


def test_one_class_has_no_auc():
    assert "auc" not in metrics("binary", np.array([1.0, 1.0]), np.array([[0.2, 0.8], [0.1, 0.9]]))


def test_multiclass_metrics_are_those_of_the_recipe():
    found = metrics("multiclass", np.array([0.0, 2.0]), np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    assert tuple(found) == METRICS_OF["multiclass"]
    assert found["accuracy"] == 1.0
