"""Whatever a recipe asks of its features and target, training and serving prepare them alike."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comal.errors import AlgorithmError
from comal.recipe import Recipe
from comal.recipe_training import Preprocessing
from tests.unit.training.job_folder import NewJob, Sample
from training.model import load_model
from training.preparation import Preparation
from training.prepared_model import PreparedModel
from training.preprocessing import learn
from training.schema import ModelSchema, feature_columns

FEATURES = {
    "store": {"type": "category", "values": ["norte", "sur"]},
    "age": {"type": "number"},
    "open": {"type": "boolean"},
}
ROWS = np.array([[0, 1, 1], [1, np.nan, 0], [np.nan, 3, 1], [1, 8, np.nan]], dtype=np.float32)


def recipe(**preprocessing: str) -> Recipe:
    sections = {"model": "mm", "task": "regression", "target": "y", "features": FEATURES}
    return Recipe.model_validate({**sections, "training": {"preprocessing": preprocessing}})


def columns(**preprocessing: str) -> dict[str, list[float]]:
    asked = recipe(**preprocessing)
    preparation = learn(asked, feature_columns(asked), ROWS, np.ones(4))
    assert preparation is not None
    matrix = preparation.matrix(ROWS)
    return {column.name: matrix[:, place].tolist() for place, column in enumerate(preparation.columns)}


def test_the_default_leaves_the_matrix_to_the_algorithm():
    asked = recipe()
    assert learn(asked, feature_columns(asked), ROWS, np.ones(4)) is None


def test_one_hot_makes_a_column_of_each_value_and_none_of_a_missing_one():
    assert columns(categories="one_hot") == {
        "store is norte": [1, 0, 0, 0],
        "store is sur": [0, 1, 0, 1],
        "age": pytest.approx([1, np.nan, 3, 8], nan_ok=True),
        "open": pytest.approx([1, 0, 1, np.nan], nan_ok=True),
    }


def test_a_missing_number_becomes_the_training_rows_median():
    found = columns(missing="median")
    assert found["age"] == [1, 3, 3, 8]
    assert found["open"] == [1, 0, 1, 1]
    assert np.isnan(found["store"][2])


def test_a_flag_says_what_is_missing_of_features_that_miss_something():
    found = columns(missing="flag")
    assert found["age is missing"] == [0, 1, 0, 0]
    assert list(found) == ["store", "store is missing", "age", "age is missing", "open", "open is missing"]


def test_ranks_are_places_among_the_training_rows_and_hold_beyond_them():
    asked = recipe(numbers="ranks")
    preparation = learn(asked, feature_columns(asked), ROWS, np.ones(4))
    assert preparation is not None
    outside = np.array([[0, -5, 1], [0, 1000, 1], [0, np.nan, 1]], dtype=np.float32)
    assert preparation.matrix(outside)[:, 1].tolist() == pytest.approx([0, 1, np.nan], nan_ok=True)


@pytest.mark.parametrize("preprocessing", [{"missing": "median"}, {"numbers": "ranks"}])
def test_a_feature_that_these_rows_all_miss_stays_missing(preprocessing: dict[str, str]):
    asked = recipe(**preprocessing)
    rows = np.where(np.arange(3) == 1, np.float32(np.nan), ROWS)
    preparation = learn(asked, feature_columns(asked), rows, np.ones(4))
    assert preparation is not None
    assert np.isnan(preparation.matrix(rows)[:, 1]).all()


def test_the_log_of_a_number_keeps_its_sign():
    asked = recipe(numbers="log")
    preparation = learn(asked, feature_columns(asked), ROWS, np.ones(4))
    assert preparation is not None
    values = preparation.matrix(np.array([[0, -7, 1], [0, 7, 1]], dtype=np.float32))[:, 1]
    assert values.tolist() == pytest.approx([-np.log(8), np.log(8)])


def test_a_target_below_0_has_no_logarithm():
    asked = recipe(target="log")
    with pytest.raises(AlgorithmError, match=r"Target 'y' holds -2; .* log needs 0 and more"):
        learn(asked, feature_columns(asked), ROWS, np.array([1.0, -2, 3, 4]))


def test_a_log_target_is_refused_for_classes():
    with pytest.raises(ValueError, match="log needs task: regression, not binary"):
        Recipe.model_validate({**recipe(target="log").model_dump(), "task": "binary"})


def test_an_answer_too_large_for_a_number_is_the_largest_there_is():
    asked = recipe(target="log")
    preparation = learn(asked, feature_columns(asked), ROWS, np.ones(4))
    assert preparation is not None
    assert np.isfinite(preparation.prediction(np.array([1e6], dtype=np.float32))).all()


CHOICES = [
    dict(zip(("categories", "missing", "numbers", "target"), values, strict=True))
    for values in itertools.product(("ordinal", "one_hot"), ("median", "flag"), ("log", "ranks"), ("as_is", "log"))
]


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm", "linear"])
def test_every_choice_is_learnt_saved_and_served_alike(new_job: NewJob, diabetes: Sample, algorithm: str):
    """Trained, saved, loaded: the metrics are those of the predictions that the loaded model makes."""
    for preprocessing in CHOICES:
        params = {} if algorithm == "linear" else {"num_boost_round": 30}
        asked = diabetes.with_training(algorithm=algorithm, params=params, preprocessing=preprocessing)
        job = new_job(asked, diabetes.batches)
        evaluation = job.run()
        assert evaluation["challenger"]["metrics"]["rmse"] < 0.9 * evaluation["baseline"]["metrics"]["rmse"]
        trained = load_model(job.paths.model)
        assert isinstance(trained.model, PreparedModel)
        assert trained.schema.preparation is not None
        assert len(trained.schema.features) == len(diabetes.recipe["features"])
        assert trained.schema == ModelSchema.load(job.paths.model)


@given(
    values=st.lists(
        st.tuples(
            st.sampled_from([0.0, 1.0, np.nan]),
            st.one_of(st.floats(width=32, allow_infinity=False), st.just(np.nan)),
            st.sampled_from([0.0, 1.0, np.nan]),
        ),
        min_size=1,
        max_size=30,
    ),
    preprocessing=st.sampled_from(CHOICES),
)
@example(values=[(0.0, 3e38, 0.0), (0.0, 3.2e38, 0.0)], preprocessing={"missing": "median", "numbers": "ranks"})
def test_a_row_alone_is_prepared_from_the_saved_schema_as_it_was_among_all_rows(values, preprocessing):
    asked = recipe(**preprocessing)
    rows = np.array(values, dtype=np.float32)
    learnt = learn(asked, feature_columns(asked), rows, np.ones(len(rows)))
    assert learnt is not None
    together = learnt.matrix(rows)
    served = Preparation.model_validate_json(learnt.model_dump_json())
    alone = np.concatenate([served.matrix(rows[[position]]) for position in range(len(rows))])
    np.testing.assert_array_equal(together, alone)
    assert not np.isinf(together).any()


def test_a_prepared_champion_scores_what_it_scored(new_job: NewJob, diabetes: Sample, tmp_path: Path):
    prepared = diabetes.with_training(
        algorithm="linear", preprocessing={"categories": "one_hot", "missing": "flag", "target": "log"}
    )
    first = new_job(prepared, diabetes.batches)
    before = first.run()
    second = new_job(diabetes.recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz"))
    assert second.run()["champion"]["metrics"] == before["challenger"]["metrics"]


def test_every_choice_of_a_recipe_is_tested_here():
    tested = {name: {choice[name] for choice in CHOICES} for name in CHOICES[0]}
    for name, field in Preprocessing.model_fields.items():
        assert tested[name] | {field.default} == set(field.annotation.__args__)
