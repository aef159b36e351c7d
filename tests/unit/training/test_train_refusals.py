import re
from typing import Any

import pyarrow as pa
import pytest

from comal.errors import AlgorithmError, DataError, PlatformError, RecipeError
from tests.unit.training.job_folder import NewJob, Sample
from training.stop import StopRequest
from training.train import train

ROWS = 60


def recipe(task: str = "regression", **more: Any) -> dict[str, Any]:
    features = {"x": {"type": "number"}, "z": {"type": "number"}}
    return {"model": "mm", "task": task, "target": "y", "features": features, **more}


def rows(**columns: Any) -> dict[str, pa.Table]:
    base: dict[str, Any] = {"x": range(ROWS), "z": [v % 7 for v in range(ROWS)], "y": [v % 3 for v in range(ROWS)]}
    return {"b1": pa.table({**base, **columns})}


def test_a_constant_target_is_refused(new_job: NewJob):
    with pytest.raises(AlgorithmError, match="Target 'y' is 5 in every training row"):
        new_job(recipe(), rows(y=[5.0] * ROWS)).run()


def test_one_class_is_refused(new_job: NewJob):
    with pytest.raises(AlgorithmError, match=r"Target 'y' holds one class only in the training rows \('yes'\)"):
        new_job(recipe("binary"), rows(y=["yes"] * ROWS)).run()


def test_three_classes_are_refused_for_a_binary_task(new_job: NewJob):
    with pytest.raises(AlgorithmError, match=r"holds 3 classes \(0, 1, 2\); task binary has two"):
        new_job(recipe("binary"), rows()).run()


def test_a_target_without_values_is_refused(new_job: NewJob):
    with pytest.raises(AlgorithmError, match="Target 'y' has no value in all 60 rows"):
        new_job(recipe(), rows(y=pa.nulls(ROWS, pa.float64()))).run()


def test_an_infinite_target_is_refused(new_job: NewJob):
    with pytest.raises(AlgorithmError, match="Target 'y' holds an infinite value"):
        new_job(recipe(), rows(y=[float("inf"), *range(ROWS - 1)])).run()


def test_a_feature_without_values_is_refused(new_job: NewJob):
    with pytest.raises(AlgorithmError, match="Feature 'z' has no value in all 44 training rows"):
        new_job(recipe(), rows(z=pa.nulls(ROWS, pa.float64()))).run()


@pytest.mark.parametrize(
    ("delay", "why"),
    [
        ({}, r"without feature_groups\.pace\.delay a row is known only from when its file came in.* such as 1h"),
        ({"delay": "2h"}, r"anything known before it, with feature_groups\.pace\.delay 2h.* of feature_groups\.pace"),
    ],
)
def test_a_window_without_values_names_the_delay_of_its_group(new_job: NewJob, delay: dict[str, str], why: str):
    pace = {"entity": "x", "windows": {"w": {"function": "count", "over": "1h"}}, **delay}
    features = {"x": {"type": "integer"}, "z": {"type": "number"}}
    grouped = {**recipe(), "features": features, "entity": "id", "event_time": {"column": "at"}}
    orders = {"id": [f"order {number}" for number in range(ROWS)], "at": pa.array(range(ROWS), pa.timestamp("us"))}
    with pytest.raises(AlgorithmError) as refused:
        new_job({**grouped, "feature_groups": {"pace": pace}}, rows(w=pa.nulls(ROWS, pa.float64()), **orders)).run()
    assert re.search(rf"Window 'w' has no value in all \d+ training rows: .*{why}", str(refused.value), re.DOTALL)


def test_too_few_rows_to_hold_any_out_are_refused(new_job: NewJob):
    table = pa.table({"x": [1.0], "z": [1.0], "y": [1.0]})
    with pytest.raises(AlgorithmError, match=r"1 rows split into 1 to train on and 0 held out \(.*0.2") as found:
        new_job(recipe(), {"b1": table}).run()
    assert "Push more rows that differ in feature or target" in str(found.value)


def test_rows_of_one_entity_cannot_be_split(new_job: NewJob):
    asked = recipe(entity="shop")
    with pytest.raises(AlgorithmError, match=r"60 rows split into .* Push more rows that differ in 'shop'"):
        new_job(asked, rows(shop=["norte"] * ROWS)).run()


def test_held_out_rows_of_one_class_cannot_be_judged_by_auc(new_job: NewJob):
    table = rows(y=["yes"] * (ROWS - 5) + ["no"] * 5)
    with pytest.raises(AlgorithmError, match="held-out rows do not define auc"):
        new_job(recipe("binary", gate={"metric": "auc"}, training={"holdout": 0.02}), table).run()


@pytest.mark.parametrize(("algorithm", "first"), [("xgboost", "alpha"), ("lightgbm", "bagging"), ("linear", "alpha")])
def test_an_unknown_parameter_is_refused_with_the_known_ones(new_job: NewJob, algorithm: str, first: str):
    asked = recipe(training={"algorithm": algorithm, "params": {"max_dept": 3}})
    message = rf"training.params.max_dept is no parameter of {algorithm}; it knows {first}"
    with pytest.raises(RecipeError, match=message):
        new_job(asked, rows()).run()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"num_boost_round": 0}, "num_boost_round is 0; expected a whole number above 0"),
        ({"num_boost_round": True}, "num_boost_round is True; expected a whole number"),
        ({"eta": "fast"}, r"XGBoost refused \(training.params: eta 'fast'\): "),
        ({"max_bin": 1}, "max_bin 1"),
        ({"grow_policy": "sideways"}, "grow_policy 'sideways'.*valid values are"),
    ],
)
def test_a_parameter_that_xgboost_cannot_use_is_refused(new_job: NewJob, params: dict[str, Any], message: str):
    with pytest.raises((AlgorithmError, RecipeError), match=message) as raised:
        new_job(recipe(training={"params": params}), rows()).run()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"num_boost_round": 0}, "num_boost_round is 0; expected a whole number above 0"),
        ({"learning_rate": -1}, r"LightGBM refused \(training.params: learning_rate -1\): "),
        ({"num_leaves": "many"}, "num_leaves 'many'"),
    ],
)
def test_a_parameter_that_lightgbm_cannot_use_is_refused(new_job: NewJob, params: dict[str, Any], message: str):
    with pytest.raises((AlgorithmError, RecipeError), match=message) as raised:
        new_job(recipe(training={"algorithm": "lightgbm", "params": params}), rows()).run()
    assert "\n" not in str(raised.value)


def test_a_parameter_that_the_linear_model_cannot_use_is_refused(new_job: NewJob):
    asked = recipe(training={"algorithm": "linear", "params": {"alpha": -1}})
    with pytest.raises(RecipeError, match="alpha is -1; expected a number above 0"):
        new_job(asked, rows()).run()


def test_a_linear_fit_that_does_not_converge_says_so(new_job: NewJob, wine: Sample, capsys: pytest.CaptureFixture[str]):
    new_job(wine.with_training(algorithm="linear", params={"max_iter": 1}), wine.batches).run()
    assert "did not converge in 1 iterations" in capsys.readouterr().out


def test_a_recipe_of_another_model_is_refused(new_job: NewJob):
    job = new_job(recipe(), rows())
    (job.paths.config / "hyperparameters.json").write_text('{"model": "other", "run_id": "1"}')
    with pytest.raises(RecipeError, match="The recipe describes model 'mm', but the job trains 'other'"):
        job.run()


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "does not exist"), ("{", "is not JSON"), ("{}", "does not fit: model: Field required")],
)
def test_hyperparameters_out_of_contract_are_refused(new_job: NewJob, text: str | None, message: str):
    job = new_job(recipe(), rows())
    path = job.paths.config / "hyperparameters.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(PlatformError, match=message):
        job.run()


def test_a_recipe_that_this_image_does_not_know_is_refused(new_job: NewJob):
    with pytest.raises(RecipeError, match=r"recipe.json does not fit this image: traning: Extra inputs"):
        new_job({**recipe(), "traning": {}}, rows()).run()


def test_a_batch_of_an_older_recipe_is_refused(new_job: NewJob):
    with pytest.raises(DataError, match="Batch b1 has no column 'z'"):
        new_job(recipe(), {"b1": rows()["b1"].drop_columns(["z"])}).run()


def test_a_job_stopped_before_its_fit_gives_up(new_job: NewJob):
    job = new_job(recipe(), rows())
    stop = StopRequest()
    stop.ask()
    with pytest.raises(PlatformError, match="stopped before a model was fitted"):
        train(job.paths, stop)
    assert not job.paths.model.exists()
