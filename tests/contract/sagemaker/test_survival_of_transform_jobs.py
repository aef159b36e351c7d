"""kill -9 of container, supervisor and emulator at random points of a transform job: every row once, in order.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html: predictions are listed "in the same order as the
corresponding records". API_TransformOutput: "Batch transform doesn't upload partially processed objects".
"""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sagemaker.conftest import Setup, start_toy_cloud, wait_for
from tests.contract.sagemaker.test_survival_of_sagemaker import await_saved, kill, restart
from tests.contract.sagemaker.test_training_failures import is_alive
from tests.contract.sagemaker.toy_transforms import ToyTransforms
from tests.running_cloud import stop_cloud

FILES = {f"file{number}": [b"%d-%d" % (number, row) for row in range(40)] for number in range(4)}
LONGEST_JOB_S = 0.6
# What an emulator saves within 2 s: the inputs have to be there after it was killed.
SAVED_S = 2.5


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyTransforms]:
    setup = Setup(start_toy_cloud(tmp_path_factory.mktemp("transform")))
    setup.create()
    toys = ToyTransforms(setup)
    toys.put(**{name: b"\n".join(rows) for name, rows in FILES.items()})
    await_saved(setup)
    time.sleep(SAVED_S)
    yield toys
    stop_cloud(setup.cloud)


def start(toys: ToyTransforms) -> str:
    """A job of two instances with two requests each, long enough to be hit."""
    return toys.start(instances=2, MaxConcurrentTransforms=2, BatchStrategy="SingleRecord", env={"TOY_LINE_S": "0.01"})


def processes(toys: ToyTransforms, whom: str) -> list[int]:
    """Of whatever transform job runs; none may be there yet, or any more."""
    folder = toys.setup.cloud.state_dir / "sagemaker/transform-jobs"
    found = []
    for record in folder.glob("*/fleet/*/process.json"):
        with contextlib.suppress(FileNotFoundError):
            found.append(int(json.loads(record.read_text())[whom]))
    return found


def kill_process(toys: ToyTransforms, whom: str) -> None:
    for pid in processes(toys, whom)[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def whole(toys: ToyTransforms) -> set[str]:
    """The files that have an output; each is checked to hold every row once, in order."""
    found = toys.outputs()
    for key, body in found.items():
        assert body.splitlines() == [b"p" + row for row in FILES[Path(key).name.removesuffix(".csv.out")]], key
    return set(found)


EVERYTHING = {f"{name}.csv.out" for name in FILES}


def clear(toys: ToyTransforms) -> None:
    for key in toys.outputs():
        toys.setup.s3.delete_object(Bucket=toys.setup.bucket, Key=f"{toys.target}/{key}")


@pytest.mark.parametrize("seed", range(3))
def test_killed_containers_are_asked_again_when_they_are_back(survivor: ToyTransforms, seed: int) -> None:
    chance = random.Random(seed)
    clear(survivor)
    name = start(survivor)
    for _ in range(2):
        time.sleep(chance.uniform(0.05, LONGEST_JOB_S))
        kill_process(survivor, "child")
    while survivor.ended(name)["TransformJobStatus"] != "Completed":
        # One that was killed before it was ever ready: nothing but whole files is stored, and the next job has all.
        whole(survivor)
        name = start(survivor)
    assert whole(survivor) == EVERYTHING


@pytest.mark.parametrize("seed", range(3))
def test_killed_supervisors_leave_whole_files_or_none(survivor: ToyTransforms, seed: int) -> None:
    clear(survivor)
    name = start(survivor)
    time.sleep(random.Random(seed).uniform(0.05, LONGEST_JOB_S))
    kill_process(survivor, "supervisor")
    while survivor.ended(name)["TransformJobStatus"] != "Completed":
        whole(survivor)
        name = start(survivor)
    assert whole(survivor) == EVERYTHING


@pytest.mark.parametrize("seed", range(2))
def test_an_emulator_that_is_killed_again_and_again_ends_the_job_it_began(survivor: ToyTransforms, seed: int) -> None:
    chance = random.Random(seed)
    clear(survivor)
    time.sleep(SAVED_S)
    name = start(survivor)
    kills, left = 0, list[int]()
    while kills < 3:
        time.sleep(chance.uniform(0.0, LONGEST_JOB_S))
        if survivor.job(name)["TransformJobStatus"] != "InProgress":
            break
        left += processes(survivor, "child")
        kill(survivor.setup.cloud)
        kills += 1
        restart(survivor.setup)
        assert survivor.job(name)["TransformJobStatus"] in ("InProgress", "Completed")
    assert kills, "the first kill comes while it runs"
    job = survivor.ended(name)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert whole(survivor) == EVERYTHING
    assert [pid for pid in left if is_alive(pid)] == [], "containers that a killed emulator left are ended"


def test_nothing_runs_and_nothing_lies_about_when_all_is_done(survivor: ToyTransforms) -> None:
    folder = survivor.setup.cloud.state_dir / "sagemaker/transform-jobs"
    wait_for(lambda: not list(folder.glob("*")), "an empty directory")
