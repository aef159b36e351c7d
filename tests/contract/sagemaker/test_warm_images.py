"""Images with modules to preload: forked from a warm interpreter, and otherwise as any other."""

import os
import signal
from typing import Any

import pytest

from tests.contract.sagemaker.conftest import UNLOADABLE_IMAGE, WARM_IMAGE, Setup, wait_for
from tests.contract.sagemaker.test_endpoints import await_endpoint, delete_endpoint, invoke
from tests.contract.sagemaker.test_training_jobs import read_report


def image(uri: str) -> dict[str, Any]:
    return {"TrainingImage": uri, "TrainingInputMode": "File"}


def test_a_warm_job_finds_its_imports_done_and_all_else_as_in_a_cold_one(setup: Setup) -> None:
    job = setup.await_job(setup.train(AlgorithmSpecification=image(WARM_IMAGE), Environment={"MINE": "yes"}))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    report = read_report(setup, job)
    assert report["warm"]
    assert report["arguments"] == ["train"]
    assert report["inputs"] == {"train/a.csv": "1,2", "train/deep/b.csv": "3,4"}
    assert report["environment"]["MINE"] == "yes"
    assert report["environment"]["TRAINING_JOB_NAME"] == job["TrainingJobName"]


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("fail", "AlgorithmError: the column minutes has no number, exit code: 1"),
        ("crash", "AlgorithmError: RuntimeError: unplanned, exit code: 1"),
    ],
)
def test_a_warm_job_fails_as_a_cold_one(setup: Setup, deed: str, reason: str) -> None:
    job = setup.await_job(setup.train(deed, AlgorithmSpecification=image(WARM_IMAGE)))
    assert job["FailureReason"] == reason


def test_a_warm_job_is_stopped_and_killed_as_a_cold_one(setup: Setup) -> None:
    names = [setup.train("sleep", AlgorithmSpecification=image(WARM_IMAGE)) for _ in range(2)]
    for name in names:
        setup.process_ids(name)
        wait_for(lambda name=name: setup.job(name)["SecondaryStatus"] == "Training", "training")
    setup.sagemaker.stop_training_job(TrainingJobName=names[0])
    os.kill(setup.process_ids(names[1])["child"], signal.SIGKILL)
    assert setup.await_job(names[0])["TrainingJobStatus"] == "Stopped"
    assert "signal 9" in setup.await_job(names[1])["FailureReason"]


def test_an_image_that_cannot_preload_runs_cold(setup: Setup) -> None:
    job = setup.await_job(setup.train(AlgorithmSpecification=image(UNLOADABLE_IMAGE)))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert not read_report(setup, job)["warm"]


def test_an_endpoint_serves_from_a_warm_interpreter(setup: Setup) -> None:
    setup.sagemaker.create_model(ModelName="warm", ExecutionRoleArn=setup.role, PrimaryContainer={"Image": WARM_IMAGE})
    variant = {"VariantName": "AllTraffic", "ModelName": "warm", "InstanceType": "ml.m5.large"}
    setup.sagemaker.create_endpoint_config(
        EndpointConfigName="warm", ProductionVariants=[{**variant, "InitialInstanceCount": 2}]
    )
    setup.sagemaker.create_endpoint(EndpointName="warm", EndpointConfigName="warm")
    await_endpoint(setup, "warm")
    assert invoke(setup, "warm")["warm"]
    delete_endpoint(setup, "warm")
