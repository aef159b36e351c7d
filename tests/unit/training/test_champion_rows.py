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


def without_a_feature(recipe: dict[str, Any]) -> dict[str, Any]:
    _, *others = recipe["features"].items()
    return {**recipe, "features": dict(others)}


def changed(sample: Sample, before: float, after: float, *, features: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    recipes = sample.with_training(holdout=before), sample.with_training(holdout=after)
    return (recipes[0], without_a_feature(recipes[1])) if features else recipes


@pytest.mark.parametrize(("before", "after", "features"), [(0.5, 0.5, True), (0.2, 0.4, False)])
def test_rows_that_the_champion_was_trained_on_are_left_out(
    new_job: NewJob,
    diabetes: Sample,
    tmp_path: Path,
    before: float,
    after: float,
    features: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe, other = changed(diabetes, before, after, features=features)
    first = new_job(recipe, diabetes.batches)
    first.run()
    alone = new_job(other, diabetes.batches).run()
    evaluation = new_job(other, diabetes.batches, first.archive(tmp_path / "champion.tar.gz")).run()
    held_out = mask(diabetes, other)
    both = held_out & mask(diabetes, recipe)
    assert 0 < both.sum() < held_out.sum()
    assert evaluation["held_out_rows"] == both.sum()
    assert alone["held_out_rows"] == held_out.sum()
    assert evaluation["trained_rows"] == alone["trained_rows"], "what is trained on does not depend on the champion"
    told = capsys.readouterr().out
    assert f"on {held_out.sum() - both.sum()} of {held_out.sum()} held-out rows" in told
    assert "which are left out" in told


def test_where_too_few_would_be_left_all_are_used_and_it_is_said(
    new_job: NewJob, diabetes: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, other = changed(diabetes, 0.2, 0.2, features=True)
    first = new_job(recipe, diabetes.batches)
    first.run()
    evaluation = new_job(other, diabetes.batches, first.archive(tmp_path / "champion.tar.gz")).run()
    assert evaluation["held_out_rows"] == mask(diabetes, other).sum()
    assert "the others are too few to compare by, and it looks better than it is" in capsys.readouterr().out


def test_a_class_that_would_be_left_out_keeps_all_rows(new_job: NewJob, cancer: Sample, tmp_path: Path) -> None:
    recipe, other = changed(cancer, 0.5, 0.5, features=True)
    first = new_job(recipe, cancer.batches)
    first.run()
    both = mask(cancer, recipe) & mask(cancer, other)
    # Of the rows that both hold out only one class is left; the other classes' rows are trained on by one of them.
    labels = np.array(cancer.table.column("target").to_pylist())
    kept = cancer.table.filter(~both | (labels == "benign"))
    few = Sample(cancer.recipe, kept)
    evaluation = new_job(other, few.batches, first.archive(tmp_path / "champion.tar.gz")).run()
    assert evaluation["held_out_rows"] == mask(few, other).sum()


def test_a_batch_without_the_champions_entity_was_not_trained_on_by_it(
    new_job: NewJob, diabetes: Sample, tmp_path: Path
) -> None:
    known = diabetes.of_patients()
    by_entity = known.with_training(holdout=0.5)
    first = new_job(by_entity, known.batches)
    first.run()
    (name, table), *others = known.batches.items()
    batches = {name: table.drop_columns(["patient"]), **dict(others)}
    recipe = diabetes.with_training(holdout=0.5)
    evaluation = new_job(recipe, batches, first.archive(tmp_path / "champion.tar.gz")).run()
    held_out = {key: mask(Sample(recipe, one), recipe) for key, one in batches.items()}
    by_patient = {key: mask(Sample(known.recipe, one), by_entity) for key, one in others}
    expected = held_out[name].sum() + sum((held_out[key] & by_patient[key]).sum() for key, _ in others)
    assert evaluation["held_out_rows"] == expected < sum(one.sum() for one in held_out.values())


def test_by_the_same_recipe_no_row_is_left_out(new_job: NewJob, diabetes: Sample, tmp_path: Path) -> None:
    first = new_job(diabetes.recipe, diabetes.batches)
    first.run()
    evaluation = new_job(diabetes.recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz")).run()
    assert evaluation["held_out_rows"] == mask(diabetes, diabetes.recipe).sum()
