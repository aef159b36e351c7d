"""One way to train, scored as the model that the fit would make of it."""

import numpy as np
import pytest
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
    assert loss == pytest.approx(np.mean([log_loss(target[fold.scored], calibrated[fold.scored]) for fold in folds]))
    assert loss < np.mean([log_loss(target[fold.scored], found[fold.scored]) for fold in folds])
