"""Predictions of a quantile: how many rows stay below them, what they are judged by, and what cannot predict one."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from comal.live_quality import quality_score
from comal.recipe import Recipe
from comal.recipe_training import Training
from tests.unit.training.job_folder import NewJob, Sample

_ROWS = 4000


@pytest.fixture
def spread() -> Sample:
    """Waits whose spread grows with the distance, so that a quantile is no mean with something added."""
    rng = np.random.default_rng(11)
    distance = rng.uniform(0, 1, _ROWS)
    table = pa.table({"distance": distance, "minutes": 10 * distance * rng.exponential(1, _ROWS)})
    features = {"distance": {"type": "number"}}
    return Sample({"model": "waits", "task": "regression", "target": "minutes", "features": features}, table)


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_as_many_rows_stay_below_as_the_recipe_says(
    new_job: NewJob, spread: Sample, algorithm: str, quantile: float
) -> None:
    training = {"algorithm": algorithm, "params": {"num_boost_round": 60, "max_depth": 3}, "quantile": quantile}
    found = new_job(spread.with_training(**training), spread.batches).run()
    assert found["metric"] == "pinball"
    assert found["challenger"]["metrics"]["coverage"] == pytest.approx(quantile, abs=0.05)
    assert found["baseline"]["metrics"]["coverage"] == pytest.approx(quantile, abs=0.05)
    assert found["challenger"]["metrics"]["pinball"] < found["baseline"]["metrics"]["pinball"]


def test_a_mean_is_worse_at_it_than_the_quantile(new_job: NewJob, spread: Sample, tmp_path: Path) -> None:
    params = {"num_boost_round": 60, "max_depth": 3}
    mean = new_job(spread.with_training(params=params), spread.batches)
    mean.run()
    champion = mean.archive(tmp_path / "mean.tar.gz")
    found = new_job(spread.with_training(params=params, quantile=0.9), spread.batches, champion).run()
    assert found["gain"]["low"] > 0
    assert found["champion"]["metrics"]["pinball"] > found["challenger"]["metrics"]["pinball"]


def test_labels_that_come_late_are_judged_by_the_quantile(diabetes: Sample) -> None:
    recipe = Recipe.model_validate(diabetes.with_training(quantile=0.9))
    answers = [{"prediction": 10.0}] * 100
    below = quality_score(recipe, answers, [8.0] * 100, baseline=0.2)
    above = quality_score(recipe, answers, [12.0] * 100, baseline=0.2)
    assert below is not None
    assert above is not None
    assert (below.metric, below.value, above.value) == ("pinball", pytest.approx(0.2), pytest.approx(1.8))
    assert below.score < 1 < above.score


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        ({"algorithm": "linear"}, "`linear` fits means only; choose algorithm: xgboost or lightgbm"),
        ({"search": {}}, "write algorithms: \\[xgboost, lightgbm\\]"),
        ({"instances": 2}, "exact on one instance, and only near on 2"),
        ({"quantile": 1}, "less than 1"),
    ],
)
def test_a_recipe_says_what_predicts_no_quantile(training: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Training.model_validate({"quantile": 0.9, **training})


def test_a_class_has_no_quantile(wine: Sample) -> None:
    with pytest.raises(ValueError, match="a quantile needs task: regression, not multiclass"):
        Recipe.model_validate(wine.with_training(quantile=0.5))


def test_the_loss_of_a_quantile_needs_one(diabetes: Sample) -> None:
    with pytest.raises(ValueError, match=r"it needs training\.quantile"):
        Recipe.model_validate({**diabetes.recipe, "gate": {"metric": "pinball"}})
