"""A fit that is killed goes on where it was, and ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from comal.recipe import Recipe
from tests.running_cloud import REPOSITORY
from tests.unit.training.job_folder import JobFolder, NewJob, Sample
from training.checkpoint import FILE_NAME, Checkpoint

PARAMS = {"num_boost_round": 4000, "max_depth": 4, "eta": 0.02}
DRAWS = {**PARAMS, "subsample": 0.7, "colsample_bytree": 0.8}
KILLS = 2


def train_until(job: JobFolder, ends: Callable[[subprocess.Popen[str]], None]) -> tuple[int, str]:
    """The training process of the container; its exit code and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "train"],
        cwd=REPOSITORY,
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(job.paths.base), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ends(process)
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def digest_of(job: JobFolder) -> str:
    return str(job.document("lineage.json")["artifact_sha256"])


def kill_and_go_on(job: JobFolder, kills: int) -> str:
    """Kills the process a random moment after each new checkpoint; what the one that ended printed."""
    random_s = random.Random(11)
    checkpoint = job.paths.checkpoints / FILE_NAME

    def kill(process: subprocess.Popen[str]) -> None:
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before):
            time.sleep(0.01)
        time.sleep(random_s.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)

    codes = [train_until(job, kill)[0] for _ in range(kills)]
    assert codes == [-signal.SIGKILL] * kills
    code, said = train_until(job, lambda process: None)
    assert code == 0, said
    return said


def test_killed_again_and_again_it_ends_with_the_same_model(new_job: NewJob, diabetes: Sample):
    recipe = diabetes.with_training(params=PARAMS)
    whole, killed = new_job(recipe, diabetes.batches), new_job(recipe, diabetes.batches)
    whole.run()
    assert "Going on after round" in kill_and_go_on(killed, KILLS)
    assert digest_of(killed) == digest_of(whole)
    assert killed.document("evaluation.json")["challenger"] == whole.document("evaluation.json")["challenger"]


@pytest.mark.slow
def test_a_fit_that_draws_at_random_goes_on_with_other_draws_and_is_as_good(new_job: NewJob, diabetes: Sample):
    recipe = diabetes.with_training(params=DRAWS)
    whole, killed = new_job(recipe, diabetes.batches), new_job(recipe, diabetes.batches)
    whole.run()
    assert "Going on after round" in kill_and_go_on(killed, 1)
    rmse = [job.document("evaluation.json")["challenger"]["metrics"]["rmse"] for job in (killed, whole)]
    assert rmse[0] == pytest.approx(rmse[1], rel=0.05)


RECIPE = Recipe.model_validate(
    {"model": "mole", "task": "regression", "target": "y", "features": {"x": {"type": "number"}}}
)
MATRIX = np.arange(6, dtype=np.float32).reshape(-1, 1)


def checkpoint_in(folder: Path, target: float = 1.0, seed: int = 7) -> Checkpoint:
    recipe = RECIPE.model_copy(update={"training": RECIPE.training.model_copy(update={"seed": seed})})
    return Checkpoint(folder, recipe, MATRIX, np.full(6, target))


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint of 40 rounds."""
    monkeypatch.setattr("training.checkpoint._SHORTEST_S", 0.0)
    checkpoint_in(tmp_path).save_if_due(40, lambda: b"trees\nof wood")
    return tmp_path


def test_it_is_found_as_it_was_left(saved: Path):
    assert checkpoint_in(saved).load() == (40, b"trees\nof wood")
    assert [path.name for path in saved.iterdir()] == [FILE_NAME]


def test_without_one_the_fit_begins(tmp_path: Path):
    assert checkpoint_in(tmp_path / "nothing").load() is None


@pytest.mark.parametrize("other", [{"target": 2.0}, {"seed": 8}])
def test_one_of_another_recipe_or_of_other_rows_is_not_taken_up(saved: Path, other, capsys):
    assert checkpoint_in(saved, **other).load() is None
    assert "it is of another recipe or other rows" in capsys.readouterr().out


@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_a_damaged_one_is_named_and_not_taken_up(saved: Path, keep: int, capsys):
    path = saved / FILE_NAME
    path.write_bytes(path.read_bytes()[:keep])
    assert checkpoint_in(saved).load() is None
    assert f"The checkpoint {path} is not taken up: it is damaged." in capsys.readouterr().out


@pytest.mark.parametrize("header", ["[]", '"x"', "{}", json.dumps({"rounds": "x", "identity": "", "sha256": ""})])
def test_a_checkpoint_of_something_else_is_damaged(saved: Path, header: str):
    (saved / FILE_NAME).write_bytes(header.encode() + b"\ntrees")
    assert checkpoint_in(saved).load() is None


def test_saving_takes_a_fiftieth_of_the_time_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):

    now = [0.0]
    monkeypatch.setattr("training.checkpoint.time.monotonic", lambda: now[0])

    checkpoint = checkpoint_in(tmp_path)
    saves = []

    def model() -> bytes:
        saves.append(now[0])
        now[0] += 2.0
        return b"trees"

    while now[0] < 1000:
        now[0] += 1
        checkpoint.save_if_due(1, model)
    assert 8 <= len(saves) <= 10
