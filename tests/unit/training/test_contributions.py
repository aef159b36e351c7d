"""Contributions and base add up to what the model answers, for every algorithm, task and preparation."""

from typing import Any

import numpy as np
import pytest

from tests.unit.training.job_folder import NewJob, Sample
from training.explain import LOG1P, LOG_ODDS, MARGINS, PREDICTION, Explained, sum_of
from training.model import TrainedModel, load_model

ALGORITHMS = ["xgboost", "lightgbm", "linear"]
ROUNDS = {"xgboost": {"num_boost_round": 20}, "lightgbm": {"num_boost_round": 20}, "linear": {}}


def trained(new_job: NewJob, sample: Sample, **training: Any) -> TrainedModel:
    job = new_job(sample.with_training(**training), sample.batches)
    job.run()
    return load_model(job.paths.model)


def rows_of(model: TrainedModel, rows: int = 50) -> np.ndarray:
    rng = np.random.default_rng(1)
    columns = [
        rng.integers(0, len(feature.values), rows) if feature.values else rng.normal(0, 1, rows)
        for feature in model.schema.features
    ]
    matrix = np.column_stack(columns).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    return matrix


def totals(model: TrainedModel, matrix: np.ndarray) -> np.ndarray:
    assert isinstance(model.model, Explained)
    found = model.model.contributions(matrix)
    assert found.shape[::2] == (len(matrix), len(model.schema.features) + 1)
    return found.sum(axis=2)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_they_add_up_to_a_number(new_job: NewJob, diabetes: Sample, algorithm: str):
    model = trained(new_job, diabetes, algorithm=algorithm, params=ROUNDS[algorithm])
    matrix = rows_of(model)
    assert sum_of(model.schema) == PREDICTION
    assert totals(model, matrix)[:, 0] == pytest.approx(model.model.predict(matrix), rel=1e-4, abs=1e-3)


def test_those_of_a_random_forest_add_up_to_the_mean_of_its_trees(new_job: NewJob, diabetes: Sample):
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "num_boost_round": 20}
    model = trained(new_job, diabetes, algorithm="lightgbm", params=forest)
    matrix = rows_of(model)
    assert totals(model, matrix)[:, 0] == pytest.approx(model.model.predict(matrix), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_they_add_up_to_the_log_odds_of_the_second_class(new_job: NewJob, cancer: Sample, algorithm: str):
    model = trained(new_job, cancer, algorithm=algorithm, params=ROUNDS[algorithm])
    matrix = rows_of(model)
    assert sum_of(model.schema) == LOG_ODDS
    probability = 1 / (1 + np.exp(-totals(model, matrix)[:, 0]))
    assert probability == pytest.approx(model.model.predict(matrix)[:, 1], abs=1e-4)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_they_add_up_to_the_margin_of_each_class(new_job: NewJob, wine: Sample, algorithm: str):
    model = trained(new_job, wine, algorithm=algorithm, params=ROUNDS[algorithm])
    matrix = rows_of(model)
    assert sum_of(model.schema) == MARGINS
    powers = np.exp(totals(model, matrix))
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(model.model.predict(matrix), abs=1e-4)


def test_prepared_columns_add_up_to_their_features_and_a_log_target_to_its_log(new_job: NewJob, diabetes: Sample):
    preprocessing = {"numbers": "ranks", "categories": "one_hot", "missing": "flag", "target": "log"}
    model = trained(new_job, diabetes, preprocessing=preprocessing, params=ROUNDS["xgboost"])
    matrix = rows_of(model)
    assert sum_of(model.schema) == LOG1P
    assert np.expm1(totals(model, matrix)[:, 0]) == pytest.approx(model.model.predict(matrix), rel=1e-3)
