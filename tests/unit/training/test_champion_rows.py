"""A champion is scored on rows that it was not trained on, also where its recipe split them otherwise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comal.recipe import Recipe
from tests.unit.training.job_folder import NewJob, Sample
from training.holdout import held_out_rows


def mask(sample: Sample, recipe: dict[str, Any]) -> np.ndarray:
    return held_out_rows(sample.table, Recipe.model_validate(recipe))


def fewer_features(sample: Sample) -> dict[str, Any]:
    name, *_ = sample.recipe["features"]
    return {
        **sample.recipe,
        "features": {key: value for key, value in sample.recipe["features"].items() if key != name},
    }


def larger_share(sample: Sample) -> dict[str, Any]:
    return sample.with_training(holdout=0.4)


@pytest.mark.parametrize("changed", [fewer_features, larger_share])
def test_rows_that_the_champion_was_trained_on_are_left_out(
    new_job: NewJob, diabetes: Sample, tmp_path: Path, changed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = new_job(diabetes.recipe, diabetes.batches)
    first.run()
    recipe = changed(diabetes)
    alone = new_job(recipe, diabetes.batches).run()
    evaluation = new_job(recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz")).run()
    held_out = mask(diabetes, recipe)
    both = held_out & mask(diabetes, diabetes.recipe)
    assert 0 < both.sum() < held_out.sum()
    assert evaluation["held_out_rows"] == both.sum()
    assert alone["held_out_rows"] == held_out.sum()
    assert evaluation["trained_rows"] == alone["trained_rows"], "what is trained on does not depend on the champion"
    assert f"{held_out.sum() - both.sum()} held-out rows are left out: champion 3" in capsys.readouterr().out


def test_by_the_same_recipe_no_row_is_left_out(new_job: NewJob, diabetes: Sample, tmp_path: Path) -> None:
    first = new_job(diabetes.recipe, diabetes.batches)
    first.run()
    evaluation = new_job(diabetes.recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz")).run()
    assert evaluation["held_out_rows"] == mask(diabetes, diabetes.recipe).sum()
