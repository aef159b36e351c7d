"""The recipe is left for what is better than it, not for what was luckier."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.search import bundled
from comal.leaderboard import Choice, Leaderboard, Trial
from comal.recipe import Recipe
from comal.recipe_training import Search, Training
from tests.unit.training.job_folder import NewJob, Sample
from training.schema import schema_of
from training.search.budget import Budget
from training.search.choice import Finalist, compare, repeats_for
from training.search.folds import make_folds
from training.search.validation import SearchedRows, with_training
from training.stop import StopRequest

RECIPE = Recipe.model_validate({**bundled("diabetes").recipe, "training": {"algorithm": "linear"}})


@pytest.fixture(name="rows", scope="module")
def rows_fixture() -> SearchedRows:
    table = bundled("diabetes").table
    matrix = np.column_stack([table.column(name).to_numpy() for name in RECIPE.features]).astype(np.float32)
    target = table.column("target").to_numpy().astype(np.float64)
    return SearchedRows(matrix, target, schema_of(RECIPE, []), make_folds(target, 7, two_classes=False))


def test_small_tables_are_cut_anew_and_large_ones_are_not():
    assert [repeats_for(rows) for rows in (100, 1_000, 1_500, 5_000, 5_001)] == [5, 5, 3, 1, 0]


@pytest.mark.parametrize(
    ("losses", "is_better"), [((0.90, 0.95, 0.85), True), ((0.60, 1.05, 1.05), False), ((1.0, 1.0, 1.0), False)]
)
def test_only_a_gain_above_its_error_counts(rows: SearchedRows, losses: tuple[float, ...], is_better: bool):
    target = np.resize(rows.target, 20_000)
    many = replace(rows, target=target, folds=make_folds(target, 7, two_classes=False))
    own, other = Finalist(0, RECIPE, (1.0, 1.0, 1.0)), Finalist(4, RECIPE, losses)
    kept, found = compare(own, [other], many, Budget(Search(), StopRequest()))
    gains = 1 - np.array(losses)
    assert (kept.number, kept.gain, kept.error, found.number, found.repeats) == (0, 0, 0, 4, 0)
    # Of three folds one is scored for two that are fitted.
    assert (found.gain, found.error) == pytest.approx((gains.mean(), gains.std(ddof=1) * np.sqrt(1 / 3 + 1 / 2)))
    assert found.is_better is is_better


def test_finalists_are_scored_on_other_folds_than_those_that_ranked_them(rows: SearchedRows):
    weak = with_training(RECIPE, Training(algorithm="linear", params={"alpha": 1e4}))
    own, lucky = Finalist(0, RECIPE, [9.0] * 10), Finalist(2, weak, [1.0] * 10)
    kept, found = compare(own, [lucky], rows, Budget(Search(), StopRequest()))
    assert (kept.repeats, found.repeats) == (5, 5)
    assert found.loss > kept.loss > 40
    assert not found.is_better


def test_without_time_the_folds_that_there_are_decide(rows: SearchedRows):
    finalists = [Finalist(0, RECIPE, [9.0] * 10), Finalist(2, RECIPE, [1.0] * 10), Finalist(3, RECIPE, [0.5] * 10)]
    compared = compare(finalists[0], finalists[1:], rows, Budget(Search(minutes=1e-6), StopRequest()))
    assert [(one.number, one.loss, one.repeats) for one in compared] == [(0, 9.0, 0), (3, 0.5, 0), (2, 1.0, 0)]


def test_time_is_held_back_for_the_choice_where_it_suffices_for_one():
    budget = Budget(Search(minutes=1), StopRequest())
    budget.hold_back(1.0, at_least_s=61)
    assert budget.exhausted is None
    budget.hold_back(1.0, at_least_s=60)
    assert budget.exhausted == "minutes"
    budget.hold_back(0)
    assert budget.exhausted is None


def test_where_there_is_nothing_to_learn_the_recipe_is_kept(new_job: NewJob, diabetes: Sample):
    noise = pa.array(np.random.default_rng(5).normal(100, 30, diabetes.table.num_rows))
    table = diabetes.table.set_column(diabetes.table.schema.get_field_index("target"), "target", noise)
    training = {"algorithm": "linear", "params": {"alpha": 1e4}, "search": {"trials": 8, "minutes": 5}}
    job = new_job(diabetes.with_training(**training), {"noise": table})
    job.run()
    board = Leaderboard.model_validate(job.document("run.json")["search"])
    assert board.choice is not None
    assert (board.choice.trial, board.winner) == (0, board.own)
    assert board.choice.compared
    assert board.choice.gain <= board.choice.error
    assert job.document("recipe.json")["training"]["params"] == {"alpha": 1e4}
    assert "The recipe is kept as it is" in (job.paths.model / "report.html").read_text()


def test_a_leaderboard_says_what_was_decided_and_why():
    trials = [
        Trial(
            rank=2 - number,
            number=number,
            algorithm="linear",
            params={},
            preprocessing={},
            score=1.0,
            seconds=1,
            state="complete",
        )
        for number in (1, 0)
    ]
    board = Leaderboard(metric="rmse", folds=10, rows=100, ended_by="trials", seconds=1, trials=trials)
    assert board.decision == "No trial was complete, so the recipe is trained as it is."
    choice = Choice(trial=1, compared=1, gain=0.25, error=0.125, repeats=5, score=1.5)
    left = board.model_copy(update={"choice": choice}).decision
    assert left.startswith("The recipe is left for trial 1 (linear) with rmse 1.5, which gains 0.25 ± 0.12 over it on")
    assert left.endswith("on folds cut anew 5 times.")
    kept = choice.model_copy(update={"trial": 0, "gain": 0.1, "repeats": 0})
    assert board.model_copy(update={"choice": kept}).decision == (
        "The recipe is kept as it is: trial 1 (linear) gains 0.1 ± 0.12 over it on the folds of all trials, no more "
        "than luck might."
    )
    alone = choice.model_copy(update={"trial": 0, "compared": None})
    assert board.model_copy(update={"choice": alone}).decision.startswith("No other trial was complete")
