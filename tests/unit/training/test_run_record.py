"""The record of a run and its page, for every task and algorithm."""

from datetime import datetime

import numpy as np
import pytest

from comal.run_plots import plots_of
from comal.run_record import RunRecord
from tests.unit.training.job_folder import JobFolder, NewJob, Sample
from training.model import load_model

TREES = {"learning_curve"}
CLASSES = {"roc", "precision_recall", "calibration"}
NUMBERS = {"predicted_and_actual", "residuals"}
ALWAYS = {"importance", "contributions"}
# One plot of contributions for each of three classes.
THREE = {"importance", "contributions_1", "contributions_2", "contributions_3"}


def run(new_job: NewJob, sample: Sample, **training) -> tuple[JobFolder, RunRecord]:
    job = new_job(sample.with_training(**training), sample.batches)
    job.run()
    return job, RunRecord.model_validate(job.document("run.json"))


@pytest.mark.parametrize(
    ("name", "algorithm", "plots"),
    [
        ("diabetes", "xgboost", TREES | NUMBERS | ALWAYS),
        ("diabetes", "linear", NUMBERS | ALWAYS),
        ("cancer", "lightgbm", TREES | CLASSES | ALWAYS),
        ("wine", "xgboost", TREES | CLASSES | THREE),
    ],
)
def test_every_task_has_its_plots_on_a_page_that_loads_nothing(request, new_job, name, algorithm, plots):
    sample = request.getfixturevalue(name)
    params = {} if algorithm == "linear" else {"num_boost_round": 12}
    job, record = run(new_job, sample, algorithm=algorithm, params=params)
    assert {plot.name for plot in plots_of(record)} == plots
    page = (job.paths.output / "report.html").read_text()
    assert page.count("<svg") == len(plots)
    assert "://" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("preprocessing", [{}, {"target": "log"}])
def test_the_curve_ends_where_the_model_is_and_its_trees_are_counted(new_job, diabetes, algorithm, preprocessing):
    params = {"num_boost_round": 40, "max_depth": 3}
    _job, record = run(new_job, diabetes, algorithm=algorithm, params=params, preprocessing=preprocessing)
    assert record.curve is not None
    assert (record.curve.rounds[0], record.curve.rounds[-1]) == (1, 40)
    assert record.curve.held_out[-1] == pytest.approx(record.metrics["rmse"])
    assert record.curve.training[-1] < record.curve.training[0]
    structure = record.structure
    assert (structure.trees, structure.depth) == (40, 3)
    assert structure.leaves is not None
    assert 40 < structure.leaves <= 40 * 8


def test_the_record_says_what_the_run_was_given_and_when(new_job, diabetes):
    _job, record = run(new_job, diabetes, params={"max_depth": 2})
    assert record.parameters == {"max_depth": 2, "eta": 0.1, "num_boost_round": 200, "seed": 7}
    assert (record.data.batches, record.data.trained_rows + record.data.held_out_rows) == (3, 442)
    assert set(record.seconds) == {"read", "fit", "evaluate"}
    assert datetime.fromisoformat(record.started) <= datetime.fromisoformat(record.ended)
    assert record.warnings == []


def test_the_same_data_has_the_same_fingerprint_and_other_data_another(new_job, diabetes):
    first, second = (run(new_job, diabetes, params={"num_boost_round": count})[1] for count in (2, 3))
    assert first.data == second.data
    job = new_job(diabetes.recipe, {"batch0": diabetes.table.slice(1)})
    job.run()
    assert job.document("run.json")["data"]["sha256"] != first.data.sha256


def test_nothing_of_the_record_is_in_the_artifacts_digest(new_job, diabetes):
    digests = {run(new_job, diabetes, params={"num_boost_round": 3})[1].artifact_sha256 for _ in range(2)}
    assert len(digests) == 1


def test_contributions_are_those_of_the_model(new_job, diabetes):
    job, record = run(new_job, diabetes, algorithm="linear")
    trained = load_model(job.paths.model)
    swarm = record.plots.swarms[0]
    assert len(swarm.contributions) == len(swarm.ranks) == record.data.held_out_rows
    names = [feature.name for feature in trained.schema.features]
    assert {one.feature for one in record.plots.swarms} == set(names)
    means = [np.abs(one.contributions).mean() for one in record.plots.swarms]
    assert means == sorted(means, reverse=True)


def test_a_team_s_own_model_has_a_record_without_trees(new_job, diabetes):
    own = (
        "import xgboost\n\n\ndef fit(table, params):\n"
        "    rows = xgboost.DMatrix(table.matrix, table.target, enable_categorical=True)\n"
        "    return xgboost.train({'max_depth': 2}, rows, 3)\n"
    )
    job = new_job(diabetes.with_training(fit="my_models/x.py:fit"), diabetes.batches, own_fit=own)
    job.run()
    record = RunRecord.model_validate(job.document("run.json"))
    assert (record.algorithm, record.structure.trees, record.curve) == ("my_models/x.py:fit", None, None)
    assert record.plots.predicted


def test_names_of_features_are_never_markup(new_job, diabetes):
    evil = "<b>&age"
    features = {evil if name == "age" else name: value for name, value in diabetes.recipe["features"].items()}
    recipe = {**diabetes.recipe, "features": features, "training": {"params": {"num_boost_round": 3}}}
    table = diabetes.table.rename_columns([evil if name == "age" else name for name in diabetes.table.column_names])
    job = new_job(recipe, {"one": table})
    job.run()
    page = (job.paths.output / "report.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;age" in page
