"""kill -9 of the emulator, and its orderly end, with jobs and endpoints running."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud import cloud as local_cloud
from tests.contract.sagemaker.conftest import TOY_IMAGE, WARM_IMAGE, Setup, start_toy_cloud, wait_for
from tests.contract.sagemaker.test_endpoints import await_endpoint, invoke, make_config
from tests.contract.sagemaker.test_training_failures import is_alive
from tests.running_cloud import RunningCloud, stop_cloud

# What an emulator saves within 2 s.
SAVED_S = 2.5


@pytest.fixture
def survivor(tmp_path: Path) -> Iterator[Setup]:
    prepared = Setup(start_toy_cloud(tmp_path))
    prepared.create()
    yield prepared
    stop_cloud(prepared.cloud)


def kill(cloud: RunningCloud) -> None:
    cloud.process.kill()
    cloud.process.wait()


def restart(setup: Setup) -> None:
    setup.cloud.process = start_toy_cloud(setup.cloud.state_dir, setup.cloud.port).process


def await_saved(setup: Setup) -> None:
    """Until MiniStack, which saves within 2 s, has written the roles and buckets that must outlive the kill."""
    directory = setup.cloud.state_dir / "ministack"
    wait_for(lambda: any(b"role/toy" in path.read_bytes() for path in directory.rglob("*iam*")), "saved roles")
    wait_for(lambda: any(b"toys" in path.read_bytes() for path in directory.rglob("*s3*")), "saved buckets")


def serving_pids(setup: Setup) -> list[int]:
    records = (setup.cloud.state_dir / "sagemaker/endpoints").glob("*/*/*/process.json")
    return [json.loads(record.read_text())["child"] for record in records]


def test_a_job_outlives_kill_9_of_the_emulator(survivor: Setup) -> None:
    await_saved(survivor)
    name = survivor.train("sleep")
    wait_for(lambda: survivor.job(name)["SecondaryStatus"] == "Training", "training")
    ids = survivor.process_ids(name)
    kill(survivor.cloud)
    assert is_alive(ids["child"])
    restart(survivor)
    assert survivor.job(name)["TrainingJobStatus"] == "InProgress"
    os.kill(ids["child"], signal.SIGKILL)
    assert "signal 9" in survivor.await_job(name)["FailureReason"]


def test_every_host_of_a_job_is_found_again(survivor: Setup) -> None:
    await_saved(survivor)
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    name = survivor.train("sleep", ResourceConfig=resources)
    directory = survivor.cloud.state_dir / "sagemaker/training-jobs" / f"000000000000-us-east-1-{name}"
    records = [directory / "process.json", directory / "algo-2/process.json"]
    wait_for(lambda: all(record.exists() for record in records), "both processes")
    children = [json.loads(record.read_text())["child"] for record in records]
    kill(survivor.cloud)
    restart(survivor)
    assert all(is_alive(child) for child in children)
    survivor.sagemaker.stop_training_job(TrainingJobName=name)
    assert survivor.await_job(name)["SecondaryStatus"] == "Stopped"
    assert not any(is_alive(child) for child in children)


def test_a_job_that_ended_meanwhile_is_taken_up_at_its_exit_record(survivor: Setup) -> None:
    await_saved(survivor)
    algorithm = {
        "TrainingImage": TOY_IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["sh", "-c", "until [ -e /opt/ml/model/go ]; do sleep 0.05; done"],
    }
    name = survivor.train(AlgorithmSpecification=algorithm)
    directory = survivor.cloud.state_dir / f"sagemaker/training-jobs/000000000000-us-east-1-{name}"
    wait_for((directory / "process.json").exists, "the process")
    kill(survivor.cloud)
    (directory / "ml/model/go").write_text("now")
    wait_for((directory / "exit.json").exists, "the exit record")
    restart(survivor)
    job = survivor.await_job(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_an_endpoint_outlives_kill_9_and_a_killed_process_is_replaced(survivor: Setup) -> None:
    put_model(survivor)
    await_saved(survivor)
    config = make_config(survivor, TOY_VERSION="1")
    survivor.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName=config)
    await_endpoint(survivor, "e")
    before = invoke(survivor, "e")["pid"]
    kill(survivor.cloud)
    restart(survivor)
    assert await_endpoint(survivor, "e")["EndpointStatus"] == "InService"
    assert invoke(survivor, "e")["pid"] == before
    kill(survivor.cloud)
    os.kill(before, signal.SIGKILL)
    restart(survivor)
    assert invoke(survivor, "e")["pid"] != before


def test_an_update_interrupted_by_kill_9_is_carried_out(survivor: Setup) -> None:
    put_model(survivor)
    await_saved(survivor)
    first, second = make_config(survivor, TOY_VERSION="1"), make_config(survivor, TOY_VERSION="2")
    survivor.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName=first)
    await_endpoint(survivor, "e")
    survivor.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName=second)
    kill(survivor.cloud)
    restart(survivor)
    endpoint = await_endpoint(survivor, "e")
    assert endpoint["EndpointConfigName"] == second, endpoint.get("FailureReason")
    wait_for(lambda: invoke(survivor, "e")["version"] == "2", "the second version")
    wait_for(lambda: len(serving_pids(survivor)) == 1, "the end of the first")


def test_an_orderly_end_leaves_no_process_and_a_start_brings_endpoints_back(survivor: Setup) -> None:
    put_model(survivor)
    config = make_config(survivor, TOY_VERSION="1")
    survivor.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName=config)
    await_endpoint(survivor, "e")
    name = survivor.train("sleep")
    wait_for(lambda: survivor.job(name)["SecondaryStatus"] == "Training", "training")
    pids = [*serving_pids(survivor), survivor.process_ids(name)["child"]]
    stop_cloud(survivor.cloud)
    assert [pid for pid in pids if is_alive(pid)] == []
    restart(survivor)
    job: dict[str, Any] = survivor.job(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "The local cloud was stopped" in job["FailureReason"]
    done = survivor.sagemaker.list_training_jobs(StatusEquals="Completed")["TrainingJobSummaries"]
    assert len(done) == 1, "the job that made the model had ended before"
    assert invoke(survivor, "e")["version"] == "1"


@pytest.mark.parametrize("image", [TOY_IMAGE, WARM_IMAGE])
def test_after_kill_9_a_stop_ends_what_the_emulator_left(survivor: Setup, image: str) -> None:
    survivor.sagemaker.create_model(ModelName="m", ExecutionRoleArn=survivor.role, PrimaryContainer={"Image": image})
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    survivor.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    survivor.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    await_endpoint(survivor, "e")
    name = survivor.train("sleep", AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"})
    serving = [json.loads(path.read_text()) for path in survivor.cloud.state_dir.glob("**/endpoints/**/process.json")]
    every = [ids[which] for ids in (*serving, survivor.process_ids(name)) for which in ("supervisor", "child")]
    kill(survivor.cloud)
    assert [is_alive(pid) for pid in every] == [True] * 4
    assert local_cloud.stop(survivor.cloud.state_dir) >= 2
    assert [is_alive(pid) for pid in every] == [False] * 4
    assert local_cloud.stop(survivor.cloud.state_dir) == 0
    restart(survivor)
    assert survivor.await_job(name)["TrainingJobStatus"] in {"Stopped", "Failed"}


def test_an_event_is_not_lost_in_the_second_before_it_is_on_disk(survivor: Setup) -> None:
    await_saved(survivor)
    time.sleep(SAVED_S)  # the rule and its queue
    for _ in range(3):
        name = survivor.train()
        survivor.await_job(name, "Completed")
        kill(survivor.cloud)
        restart(survivor)
        told = ("SageMaker Training Job State Change", name, "Completed")
        survivor.events(lambda heard, told=told: told in [ends(event) for event in heard])  # type: ignore[misc]


def ends(event: dict[str, Any]) -> tuple[str, str, str]:
    detail = event["detail"]
    return event["detail-type"], detail["TrainingJobName"], detail["TrainingJobStatus"]


def put_model(setup: Setup) -> None:
    algorithm = {
        "TrainingImage": TOY_IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["sh", "-c", "echo {} > /opt/ml/model/weights.json"],
    }
    name = setup.train(AlgorithmSpecification=algorithm)
    source = setup.await_job(name)["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{setup.bucket}/")
    setup.s3.copy_object(
        Bucket=setup.bucket, Key="models/model.tar.gz", CopySource={"Bucket": setup.bucket, "Key": source}
    )
