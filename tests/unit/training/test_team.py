"""Several hosts that fit one model: real processes that find the first of them by its name."""

import json
import re
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comal.recipe_training import Training
from tests.unit.training import test_train_process
from tests.unit.training.job_folder import JobFolder, NewJob, Sample
from training.hosts import Hosts
from training.model import load_model
from training.team import LostHostError, team_of

# The first by the alphabet, and the one whose name must be found.
FIRST = "localhost"
NAMES = (FIRST, "other", "third")
PARAMS = {"num_boost_round": 60, "max_depth": 4}
# Longer than a test waits: these fits are broken off or stopped.
ENDLESS = {"num_boost_round": 5_000, "max_depth": 2}


def jobs_of(new_job: NewJob, sample: Sample, recipe: dict[str, Any], hosts: int) -> list[JobFolder]:
    """The same job once for each host."""
    made = []
    for name in NAMES[:hosts]:
        job = new_job(recipe, sample.batches)
        document = {"current_host": name, "hosts": list(NAMES[:hosts]), "current_instance_type": "ml.m5.large"}
        (job.paths.config / "resourceconfig.json").write_text(json.dumps(document))
        made.append(job)
    return made


def start(job: JobFolder) -> subprocess.Popen[str]:
    """One host of the job that lies beside its other hosts' folders."""
    return test_train_process.start(job, TRAINING_JOB_NAME=str(job.paths.base.parent))


def read_until(process: subprocess.Popen[str], beginning: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return
    raise AssertionError(f"the process never said {beginning!r}")


def ended(*processes: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """Exit code and output of each, within a minute."""
    told = [process.communicate(timeout=60) for process in processes]
    return [(process.returncode, output + errors) for process, (output, errors) in zip(processes, told, strict=True)]


@pytest.mark.parametrize(("name", "hosts"), [("diabetes", 2), ("wine", 3)])
def test_hosts_fit_the_model_that_one_would(
    new_job: NewJob, request: pytest.FixtureRequest, name: str, hosts: int
) -> None:
    sample: Sample = request.getfixturevalue(name)
    recipe = sample.with_training(params=PARAMS, instances=hosts)
    alone = new_job(sample.with_training(params=PARAMS), sample.batches)
    expected = alone.run()
    jobs = jobs_of(new_job, sample, recipe, hosts)
    for code, told in ended(*(start(job) for job in jobs)):
        assert code == 0, told
    found = jobs[0].document("evaluation.json")
    assert found["trained_rows"] == expected["trained_rows"]
    assert found["held_out_rows"] == expected["held_out_rows"]
    for metric, value in expected["challenger"]["metrics"].items():
        assert found["challenger"]["metrics"][metric] == pytest.approx(value, rel=1e-3, abs=1e-3)
    # Bins of all rows: the trees are those of one host, too.
    np.testing.assert_allclose(predictions(alone.paths.model), predictions(jobs[0].paths.model), rtol=1e-3)
    for job in jobs[1:]:
        assert not list(job.paths.model.glob("*")), "only the first saves"


def predictions(model: Path) -> np.ndarray[Any, Any]:
    trained = load_model(model)
    rows = np.random.default_rng(0).normal(scale=0.05, size=(200, len(trained.schema.features))).astype(np.float32)
    for position, feature in enumerate(trained.schema.features):
        if feature.type == "category":
            rows[:, position] = rows[:, position] > 0
    return np.asarray(trained.model.predict(rows))


def test_a_host_that_dies_fails_the_job_by_its_name(new_job: NewJob, diabetes: Sample) -> None:
    recipe = diabetes.with_training(params=ENDLESS, instances=3)
    jobs = jobs_of(new_job, diabetes, recipe, 3)
    first, other, third = (start(job) for job in jobs)
    read_until(other, "Round")
    other.kill()
    for code, told in ended(first, third):
        assert code == 1, told
    assert (
        jobs[0]
        .paths.failure.read_text()
        .startswith(
            "Platform error: Host other ended during the fit without a word: it was killed, or its instance failed."
        )
    )
    assert "Look at the log of localhost, which names it." in jobs[2].paths.failure.read_text()
    ended(other)


def test_a_host_that_cannot_begin_fails_the_job_with_its_reason(new_job: NewJob, diabetes: Sample) -> None:
    jobs = jobs_of(new_job, diabetes, diabetes.with_training(params=ENDLESS, instances=2), 2)
    batch = next(jobs[1].paths.channel("train").rglob("*.parquet"))
    batch.write_bytes(b"no Parquet")
    for code, told in ended(*(start(job) for job in jobs)):
        assert code == 1, told
    assert jobs[0].paths.failure.read_text().startswith("Platform error: Host other ended before the fit: User error: ")


@pytest.mark.slow
def test_the_end_of_the_first_host_is_the_end_of_all(new_job: NewJob, diabetes: Sample) -> None:
    jobs = jobs_of(new_job, diabetes, diabetes.with_training(params=ENDLESS, instances=2), 2)
    first, other = (start(job) for job in jobs)
    read_until(other, "Round")
    first.kill()
    ((code, told),) = ended(other)
    assert code == 1, told
    assert jobs[1].paths.failure.read_text().startswith("Platform error: Another host ended during the fit")
    ended(first)


@pytest.mark.slow
def test_hosts_that_are_asked_to_stop_agree_on_the_round(new_job: NewJob, diabetes: Sample) -> None:
    """SageMaker asks all of them, and none at the same moment."""
    jobs = jobs_of(new_job, diabetes, diabetes.with_training(params=ENDLESS, instances=2), 2)
    processes = [start(job) for job in jobs]
    read_until(processes[0], "Round")
    processes[1].send_signal(signal.SIGTERM)
    told = ended(*processes)
    assert [code for code, _ in told] == [0, 0], told
    kept = [re.findall(r"keeping the model of (\d+) rounds", text) for _, text in told]
    assert kept[0] == kept[1] != []
    assert jobs[0].document("evaluation.json")["trained_rows"] > 0


def test_a_host_that_never_comes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.team.JOIN_S", 0.05)
    with (
        team_of(Hosts((FIRST, "other"), FIRST, uuid.uuid4().hex)) as team,
        pytest.raises(LostHostError, match="other did not come within 0 s of the start of localhost"),
    ):
        team.meet(lambda address: address)


def test_strangers_are_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.team.JOIN_S", 0.2)
    job = uuid.uuid4().hex
    with (
        team_of(Hosts((FIRST, "other"), FIRST, job)) as team,
        team_of(Hosts((FIRST, "stranger"), "stranger", job)) as stranger,
    ):
        with pytest.raises(LostHostError, match="other did not come"):
            team.meet(lambda address: address)
        with pytest.raises(LostHostError, match="Host localhost ended before the fit"):
            stranger.meet(lambda address: address)


def test_a_job_without_a_resource_configuration_runs_alone(tmp_path: Path) -> None:
    hosts = Hosts.read(tmp_path / "resourceconfig.json")
    assert (hosts.names, hosts.rank) == (("algo-1",), 0)
    assert team_of(hosts).is_first


@pytest.mark.parametrize(
    ("training", "found"),
    [
        ({"algorithm": "lightgbm"}, "`lightgbm`"),
        ({"search": {"trials": 2}}, "a search"),
        ({"fit": "models/a.py:fit"}, "a `fit` of the team's own"),
    ],
)
def test_a_recipe_says_what_cannot_be_fitted_together(training: dict[str, Any], found: str) -> None:
    with pytest.raises(ValueError, match=f"2 instances fit together with `xgboost` only, and here is {found}"):
        Training.model_validate({"instances": 2, **training})
