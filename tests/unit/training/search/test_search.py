"""A search ends in time, never looks at held-out rows, and leaves the recipe for what is better only."""

import json
import re
import signal
import time
from typing import Any

import pytest

from comal.errors import AlgorithmError, RecipeError
from comal.leaderboard import Leaderboard
from comal.run_plots import plots_of
from comal.run_record import RunRecord
from tests.unit.training.job_folder import JobFolder, NewJob, Sample
from tests.unit.training.test_train_process import start
from training.model import load_model
from training.stop import StopRequest

QUICK = {"num_boost_round": 20}


def board_of(job: JobFolder) -> Leaderboard:
    return Leaderboard.model_validate(job.document("run.json")["search"])


def timeless(board: Leaderboard) -> dict[str, Any]:
    """The board without what the clock says."""
    trials = [trial.model_copy(update={"seconds": 0}) for trial in board.trials]
    return board.model_copy(update={"seconds": 0, "trials": trials}).model_dump()


def searching(sample: Sample, params: dict[str, Any] = QUICK, **search: Any) -> dict[str, Any]:
    return sample.with_training(params=params, search={"minutes": 5, **search})


@pytest.mark.parametrize(
    "name", ["diabetes", *(pytest.param(name, marks=pytest.mark.slow) for name in ("cancer", "wine"))]
)
def test_the_winner_is_trained_and_every_trial_is_kept(name: str, new_job: NewJob, request: pytest.FixtureRequest):
    sample: Sample = request.getfixturevalue(name)
    job = new_job(searching(sample, trials=3, algorithms=["linear", "lightgbm"]), sample.batches)
    evaluation = job.run()
    board = board_of(job)
    assert (len(board.trials), board.ended_by, board.rows) == (3, "trials", evaluation["trained_rows"])
    assert {trial.algorithm for trial in board.trials} == {"linear", "lightgbm", "xgboost"}
    assert {trial.number for trial in board.trials} == {0, 1, 2}
    assert (board.own.algorithm, board.own.params) == ("xgboost", QUICK)
    winner = board.winner
    assert winner is not None
    assert board.choice is not None
    assert winner.number == (board.choice.compared if board.choice.gain > board.choice.error else 0)
    recipe = job.document("recipe.json")["training"]
    assert (recipe["algorithm"], recipe["params"], recipe["search"]) == (winner.algorithm, winner.params, None)
    assert load_model(job.paths.model).schema.algorithm == winner.algorithm
    assert all(len(trial.rounds) == len(trial.scores) for trial in board.trials)
    assert (board.own.rounds[-1], board.own.scores[-1]) == (QUICK["num_boost_round"], board.own.score)
    assert "What the search tried" in (job.paths.model / "report.html").read_text()
    assert next(plot.name for plot in plots_of(RunRecord.model_validate(job.document("run.json")))) == "search"
    ranked = [trial for trial in board.trials if trial.rank]
    assert [trial.score for trial in ranked] == sorted(trial.score for trial in ranked)


def test_training_by_the_winners_recipe_gives_the_same_model_without_a_search(new_job: NewJob, diabetes: Sample):
    searched = new_job(searching(diabetes, trials=4, algorithms=["lightgbm"]), diabetes.batches)
    searched.run()
    again = new_job(searched.document("recipe.json"), diabetes.batches)
    again.run()
    assert again.document("run.json")["search"] is None
    for name in ("model.txt", "schema.json"):
        assert (again.paths.model / name).read_text() == (searched.paths.model / name).read_text()


def test_the_same_seed_makes_the_same_trials(new_job: NewJob, diabetes: Sample):
    boards = []
    for seed in (3, 3, 4):
        recipe = searching(diabetes, trials=6)
        recipe["training"]["seed"] = seed
        job = new_job(recipe, diabetes.batches)
        job.run()
        boards.append(timeless(board_of(job)))
    assert boards[0] == boards[1]
    assert boards[0] != boards[2]


def test_one_search_of_several_has_a_seed_of_its_own_and_says_its_score(
    new_job: NewJob, diabetes: Sample, capsys: pytest.CaptureFixture[str]
):
    boards = []
    for seed in ("5", "6"):
        job = new_job(searching(diabetes, trials=6, algorithms=["linear"]), diabetes.batches)
        path = job.paths.config / "hyperparameters.json"
        told = {"search_seed": seed, "_tuning_objective_metric": "search:score"}
        path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
        job.run()
        boards.append(board_of(job))
        assert f"metric search:score={boards[-1].choice.score!r}\n" in capsys.readouterr().out
    assert boards[0].own.score == boards[1].own.score  # the folds are the same
    assert timeless(boards[0]) != timeless(boards[1])


def test_held_out_rows_are_not_looked_at(new_job: NewJob, diabetes: Sample):
    patients = diabetes.of_patients()
    boards = []
    for batches in (patients.batches, patients.wrecked()):
        job = new_job(searching(patients, trials=3), batches)
        job.run()
        boards.append(timeless(board_of(job)))
    assert boards[0] == boards[1]


def test_a_metric_of_which_more_is_better_ranks_the_other_way_round(new_job: NewJob, cancer: Sample):
    recipe = {**searching(cancer, trials=3), "gate": {"metric": "auc"}}
    job = new_job(recipe, cancer.batches)
    job.run()
    ranked = [trial for trial in board_of(job).trials if trial.rank]
    assert [trial.score for trial in ranked] == sorted((trial.score for trial in ranked), reverse=True)
    assert ranked[0].score > 0.95


def test_hopeless_trials_are_given_up(new_job: NewJob, diabetes: Sample):
    job = new_job(searching(diabetes, trials=40, algorithms=["linear"]), diabetes.batches)
    job.run()
    pruned = [trial for trial in board_of(job).trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.score is None and trial.rank is None for trial in pruned)


def test_minutes_are_kept_to_within_seconds(new_job: NewJob, cancer: Sample):
    job = new_job(searching(cancer, params={}, trials=1000, minutes=0.05), cancer.batches)
    began = time.monotonic()
    job.run()
    took = time.monotonic() - began
    board = board_of(job)
    assert board.ended_by == "minutes"
    assert 2 <= board.seconds < 5
    assert took < 15


def test_without_time_for_one_trial_the_recipe_is_trained_as_it_is(
    new_job: NewJob, diabetes: Sample, capsys: pytest.CaptureFixture[str]
):
    job = new_job(searching(diabetes, minutes=0.0001), diabetes.batches)
    job.run()
    board = board_of(job)
    assert (board.winner, board.choice) == (None, None)
    assert [(trial.state, trial.score) for trial in board.trials] == [("stopped", None)]
    assert job.document("recipe.json")["training"]["params"] == QUICK
    told = capsys.readouterr().out
    assert "the recipe is trained as it is" in told
    assert "metric search:score=1e+30\n" in told, "a tuning job wants a number of every job"


def test_sigterm_ends_the_search_and_the_best_so_far_is_fitted(new_job: NewJob, diabetes: Sample):
    job = new_job(searching(diabetes, trials=1000), diabetes.batches)
    process = start(job)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Trial 3"):
            break
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    board = board_of(job)
    assert board.ended_by == "stop"
    assert 4 <= len(board.trials) < 1000
    assert board.winner is not None
    assert "keeping the model of" not in output  # the fit after the search was not cut short
    assert job.document("evaluation.json")["challenger"]["metrics"]["rmse"] > 0


def test_a_stop_that_was_granted_time_comes_later():
    stop = StopRequest()
    stop.ask()
    stop.grant(0.2)
    assert not stop.asked
    time.sleep(0.25)
    assert stop.asked


def test_the_log_says_of_each_trial_what_became_of_it(
    new_job: NewJob, diabetes: Sample, capsys: pytest.CaptureFixture[str]
):
    new_job(searching(diabetes, trials=3), diabetes.batches).run()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Trial")]
    assert len(lines) == 3
    for number, line in enumerate(lines):
        assert re.fullmatch(rf"Trial {number} of 3, \w+: .* in [\d.]+ s; best [\d.]+ \(trial \d\)\.", line)


def test_a_recipe_that_cannot_be_trained_is_refused_as_without_a_search(new_job: NewJob, diabetes: Sample):
    with pytest.raises(RecipeError, match="max_dept is no parameter of xgboost"):
        new_job(searching(diabetes, params={"max_dept": 3}), diabetes.batches).run()


def test_a_trial_that_fails_is_kept_with_its_reason_and_others_go_on(
    new_job: NewJob, diabetes: Sample, monkeypatch: pytest.MonkeyPatch
):
    from training.algorithms import linear

    def refuse(*arguments: Any) -> None:
        raise AlgorithmError("singular")

    monkeypatch.setattr(linear, "fit_linear", refuse)
    job = new_job(searching(diabetes, trials=3, algorithms=["linear", "xgboost"]), diabetes.batches)
    job.run()
    failed = next(trial for trial in board_of(job).trials if trial.algorithm == "linear")
    assert (failed.state, failed.reason, failed.score) == ("failed", "singular", None)
    assert board_of(job).winner is not None


def test_too_few_rows_to_cross_validate_are_refused(new_job: NewJob, diabetes: Sample):
    with pytest.raises(AlgorithmError, match=r"Cross-validation takes 20 training rows, and there are \d+"):
        new_job(searching(diabetes), {"few": diabetes.table.slice(0, 15)}).run()
