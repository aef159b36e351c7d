"""Calibrated probabilities: what they are learnt from, what they are worth, and what stays as it was."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.recipe import Recipe
from comal.recipe_training import Training
from tests.unit.training.job_folder import NewJob, Sample, in_batches
from tests.unit.training.test_contributions import ROUNDS, rows_of, totals, trained
from training.calibrated_model import CalibratedModel
from training.calibration import Calibration, learn_calibration


def test_a_model_that_is_too_sure_is_made_less_so() -> None:
    rng = np.random.default_rng(3)
    odds = rng.normal(0, 2, 20_000)
    actual = (rng.random(20_000) < 1 / (1 + np.exp(-odds))).astype(float)
    learnt = learn_calibration((3 * odds + 1)[:, None], actual)
    assert learnt.slope == pytest.approx(1 / 3, rel=0.05)
    assert learnt.shifts == pytest.approx((0, -1 / 3), abs=0.05)


@given(
    slope=st.floats(0.05, 20),
    shifts=st.lists(st.floats(-5, 5), min_size=3, max_size=4),
    scale=st.sampled_from([1, 50, 1e4]),
    seed=st.integers(0, 1000),
)
def test_probabilities_stay_probabilities(slope: float, shifts: list[float], scale: float, seed: int) -> None:
    found = np.random.default_rng(seed).normal(0, scale, (20, len(shifts)))
    moved = Calibration(slope=slope, shifts=tuple(shifts)).probabilities(found)
    assert np.isfinite(moved).all()
    assert (moved >= 0).all()
    assert moved.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_classes_that_are_never_confused_leave_a_finite_slope() -> None:
    actual = np.arange(100) % 2.0
    learnt = learn_calibration(np.where(actual == 1, 16.0, -16.0)[:, None], actual)
    assert 1 <= learnt.slope < 10


def test_without_evidence_nothing_moves() -> None:
    learnt = learn_calibration(np.zeros((3, 3)), np.array([0.0, 1.0, 2.0]))
    assert (learnt.slope, learnt.shifts) == (pytest.approx(1), pytest.approx((0, 0, 0)))


@pytest.mark.parametrize("algorithm", ["xgboost", pytest.param("lightgbm", marks=pytest.mark.slow)])
def test_trees_that_learnt_noise_by_heart_lose_less_on_new_rows(
    new_job: NewJob, cancer: Sample, algorithm: str
) -> None:
    flipped = np.random.default_rng(5).random(cancer.table.num_rows) < 0.2
    labels = np.array(cancer.table.column("target").to_pylist())
    other = np.where(labels == "benign", "malignant", "benign")
    position = cancer.table.schema.get_field_index("target")
    table = cancer.table.set_column(position, "target", pa.array(np.where(flipped, other, labels).tolist()))
    found = {}
    for calibration in ("none", "sigmoid"):
        training = {"algorithm": algorithm, "params": {"num_boost_round": 100}, "calibration": calibration}
        found[calibration] = new_job(cancer.with_training(**training), in_batches(table)).run()["challenger"]["metrics"]
    assert found["sigmoid"]["log_loss"] < 0.95 * found["none"]["log_loss"]
    assert found["sigmoid"]["auc"] == pytest.approx(found["none"]["auc"], abs=1e-6), "order is order"


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm", "linear"])
def test_contributions_add_up_to_calibrated_log_odds(new_job: NewJob, cancer: Sample, algorithm: str) -> None:
    model = trained(new_job, cancer, algorithm=algorithm, params=ROUNDS[algorithm], calibration="sigmoid")
    matrix = rows_of(model)
    assert isinstance(model.model, CalibratedModel)
    probability = 1 / (1 + np.exp(-np.clip(totals(model, matrix)[:, 0], -50, 50)))
    assert probability == pytest.approx(model.model.predict(matrix)[:, 1], abs=1e-3)


SURE = {
    "xgboost": {"num_boost_round": 300, "eta": 1.0, "lambda": 0.0},
    "lightgbm": {"num_boost_round": 300, "learning_rate": 1.0, "min_data_in_leaf": 2},
}


@pytest.mark.parametrize("algorithm", SURE)
@pytest.mark.parametrize("sample", ["cancer", "wine"])
def test_contributions_add_up_also_where_a_model_is_surer_than_a_float_can_say(
    new_job: NewJob, sample: str, algorithm: str, request: pytest.FixtureRequest
) -> None:
    rows = request.getfixturevalue(sample)
    model = trained(new_job, rows, algorithm=algorithm, params=SURE[algorithm], calibration="sigmoid")
    matrix = rows_of(model, 500)
    margins = totals(model, matrix)
    margins = np.pad(margins, ((0, 0), (1, 0))) if margins.shape[1] == 1 else margins
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(model.model.predict(matrix), abs=1e-3)


def test_contributions_add_up_to_the_calibrated_margins_of_prepared_columns(new_job: NewJob, wine: Sample) -> None:
    model = trained(new_job, wine, params=ROUNDS["xgboost"], calibration="sigmoid", preprocessing={"numbers": "ranks"})
    matrix = rows_of(model)
    powers = np.exp(totals(model, matrix))
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(model.model.predict(matrix), abs=1e-3)


def test_a_run_with_calibration_leaves_its_whole_record(new_job: NewJob, wine: Sample) -> None:
    job = new_job(wine.with_training(params=ROUNDS["xgboost"], calibration="sigmoid"), wine.batches)
    metrics = job.run()["challenger"]["metrics"]
    record = job.document("run.json")
    assert record["curve"]["held_out"][-1] == pytest.approx(metrics["log_loss"], rel=1e-6)
    assert record["structure"]["trees"] == 3 * ROUNDS["xgboost"]["num_boost_round"]
    assert job.document("schema.json")["calibration"]["shifts"][0] == 0


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        ({"fit": "models/a.py:fit"}, "the team's own `fit` calibrates"),
        ({"instances": 2}, "several fits, each on one instance, not on 2"),
    ],
)
def test_a_recipe_says_what_cannot_be_calibrated(training: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Training.model_validate({"calibration": "sigmoid", **training})


def test_a_number_is_no_probability(diabetes: Sample) -> None:
    with pytest.raises(ValueError, match="regression has no probabilities to calibrate"):
        Recipe.model_validate(diabetes.with_training(calibration="sigmoid"))
