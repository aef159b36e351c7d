"""One way to train, scored as the model that the fit would make of it."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from benchmarks.search import bundled
from comal.recipe import Recipe
from comal.recipe_training import Search
from training.calibration import learn_calibration
from training.fit import fit_matrix
from training.model import Margined
from training.schema import schema_of
from training.search.budget import Budget
from training.search.folds import make_folds
from training.search.validation import CrossValidation, SearchedRows
from training.stop import StopRequest

PARAMS = {"linear": {"alpha": 0.01}, "xgboost": {"num_boost_round": 120}}


@pytest.mark.parametrize("algorithm", PARAMS)
def test_a_recipe_that_calibrates_is_scored_by_its_calibrated_probabilities(algorithm: str) -> None:
    bench = bundled("cancer")
    training = {"algorithm": algorithm, "params": PARAMS[algorithm], "calibration": "sigmoid"}
    recipe = Recipe.model_validate({**bench.recipe, "training": training})
    matrix = np.column_stack([bench.table.column(name).to_numpy() for name in recipe.features]).astype(np.float32)
    target = bench.table.column("target").to_numpy().astype(np.float64)
    schema, folds = schema_of(recipe, ["0", "1"]), make_folds(target, 7, two_classes=True)

    budget = Budget(Search(), StopRequest())
    validation = CrossValidation(
        SearchedRows(matrix, target, schema, folds), recipe, budget, lambda *_: False, own=True
    )
    loss = validation.run().loss

    found, margins = np.empty((len(target), 2)), np.empty((len(target), 1))
    for fold in folds:
        fitted, _ = fit_matrix(matrix[fold.fitted], target[fold.fitted], schema, recipe, StopRequest())
        assert isinstance(fitted.model, Margined)
        found[fold.scored] = fitted.model.predict(matrix[fold.scored])
        margins[fold.scored] = fitted.model.margins(matrix[fold.scored])
    found /= found.sum(axis=1, keepdims=True)
    calibrated = learn_calibration(margins, target).probabilities(margins).astype(np.float64)
    calibrated /= calibrated.sum(axis=1, keepdims=True)
    expected = np.mean([_loss(target[fold.scored], calibrated[fold.scored], len(target)) for fold in folds])
    # The calibration is least log loss, learnt in another order of rows: its digits after the third are its own.
    assert loss == pytest.approx(expected, rel=2e-3)
    assert loss < np.mean([_loss(target[fold.scored], found[fold.scored], len(target)) for fold in folds])


def test_to_be_sure_of_every_row_is_not_the_best() -> None:
    bench = bundled("wine")
    names = list(bench.recipe["features"])
    matrix = np.column_stack([bench.table.column(name).to_numpy() for name in names]).astype(np.float32)
    target = bench.table.column("target").to_numpy().astype(np.float64)
    folds = make_folds(target, 7, two_classes=False)

    def validated(algorithm: str, params: dict[str, float]) -> tuple[float, float]:
        """The loss that a search goes by, and the log loss."""
        recipe = Recipe.model_validate({**bench.recipe, "training": {"algorithm": algorithm, "params": params}})
        rows = SearchedRows(matrix, target, schema_of(recipe, ["0", "1", "2"]), folds)
        budget = Budget(Search(), StopRequest())
        loss = CrossValidation(rows, recipe, budget, lambda *_: False, own=True).run().loss
        plain, expected = [], []
        for fold in folds:
            fitted, _ = fit_matrix(matrix[fold.fitted], target[fold.fitted], rows.schema, recipe, StopRequest())
            found = np.asarray(fitted.model.predict(matrix[fold.scored]), dtype=np.float64)
            found /= found.sum(axis=1, keepdims=True)
            plain.append(log_loss(target[fold.scored], found, labels=[0, 1, 2]))
            expected.append(_loss(target[fold.scored], found, len(target)))
        assert loss == pytest.approx(np.mean(expected))
        return loss, float(np.mean(plain))

    cautious, sure = validated("linear", {"alpha": 0.5}), validated("linear", {"alpha": 0.01})
    assert sure[1] < cautious[1]
    assert sure[0] > cautious[0]


def _loss(actual: NDArray[np.float64], found: NDArray[np.float64], rows: int) -> float:
    """Log loss of rows of which each is with a chance of one in all and two more of any other class than it is."""
    surprise = 1 / (rows + 2)
    losses = []
    least = np.finfo(np.float64).eps  # as scikit-learn has it
    for own, probabilities in zip(actual.astype(int), np.clip(found, least, 1), strict=True):
        others = [-math.log(each) for number, each in enumerate(probabilities) if number != own]
        losses.append((1 - surprise) * -math.log(probabilities[own]) + surprise * sum(others) / len(others))
    return float(np.mean(losses))
