"""UpdateEndpointWeightsAndCapacities over HTTP.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.conftest import Setup, refusal, start_toy_cloud, wait_for
from tests.contract.sagemaker.toy_endpoints import (
    await_endpoint,
    delete_endpoint,
    invoke,
    make_config,
    make_endpoint,
)
from tests.running_cloud import stop_cloud

USUAL = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def resize(setup: Setup, name: str, count: int, variant: str = "AllTraffic") -> None:
    wish = {"VariantName": variant, "DesiredInstanceCount": count}
    setup.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[wish])


def counts(endpoint: dict[str, Any]) -> tuple[int, int]:
    variant = endpoint["ProductionVariants"][0]
    return variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


def serving_pids(setup: Setup, name: str) -> set[int]:
    """Processes that answer when many ask at once."""
    pids: list[int] = []
    callers = [threading.Thread(target=lambda: pids.append(invoke(setup, name, b"sleep 0.1")["pid"])) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(pids) == len(callers)
    return set(pids)


@contextmanager
def callers(setup: Setup, name: str) -> Iterator[list[ClientError]]:
    """Three that call without a pause; what fails is in the list."""
    failures: list[ClientError] = []
    ended = threading.Event()

    def call() -> None:
        while not ended.is_set():
            try:
                invoke(setup, name, b"sleep 0.005")
            except ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    yield failures
    ended.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def endpoint(setup: Setup) -> Iterator[str]:
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": USUAL}))
    await_endpoint(setup, name)
    yield name
    await_endpoint(setup, name)
    delete_endpoint(setup, name)


def test_processes_start_and_stop_and_no_call_fails(setup: Setup, endpoint: str) -> None:
    with callers(setup, endpoint) as failures:
        for count in (3, 1, 2):
            resize(setup, endpoint, count)
            described = await_endpoint(setup, endpoint)
            assert counts(described) == (count, count)
            assert "FailureReason" not in described
            assert len(serving_pids(setup, endpoint)) == count
    assert failures == []


def test_the_endpoint_is_updating_meanwhile_and_says_so_in_events(setup: Setup, endpoint: str) -> None:
    before = serving_pids(setup, endpoint)
    resize(setup, endpoint, 2)
    described = setup.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "Updating"
    assert counts(described) == (1, 2)
    code, message = refusal(resize, setup=setup, name=endpoint, count=3)
    assert (code, message.partition(' "')[0]) == ("ValidationException", "Cannot update in-progress endpoint")
    await_endpoint(setup, endpoint)
    assert before < serving_pids(setup, endpoint), "the first process serves on"

    def states(heard: list[dict[str, Any]]) -> list[str]:
        return [event["detail"]["EndpointStatus"] for event in heard if event["detail"].get("EndpointName") == endpoint]

    heard = setup.events(lambda events: len(states(events)) >= 4)
    assert states(heard) == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]


def test_weights_share_the_traffic_anew(setup: Setup) -> None:
    variants = {"A": {**USUAL, "InitialVariantWeight": 1.0}, "B": {**USUAL, "InitialVariantWeight": 0.0}}
    name = make_endpoint(setup, make_config(setup, variants))
    await_endpoint(setup, name)
    wishes = [{"VariantName": "A", "DesiredWeight": 0.0}, {"VariantName": "B", "DesiredWeight": 2.0}]
    setup.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wishes)
    described = await_endpoint(setup, name)
    weights = {one["VariantName"]: one["CurrentWeight"] for one in described["ProductionVariants"]}
    assert weights == {"A": 0.0, "B": 2.0}
    for _ in range(5):
        answer = setup.runtime.invoke_endpoint(EndpointName=name, Body=b"x")
        assert answer["InvokedProductionVariant"] == "B"
    delete_endpoint(setup, name)


@pytest.mark.parametrize(
    ("variant", "count", "told"),
    [
        ("Nobody", 2, "Variant(s) Nobody not found; the endpoint has AllTraffic."),
        ("AllTraffic", 0, "cannot have 0 instances"),
    ],
)
def test_what_cannot_be_is_refused(setup: Setup, endpoint: str, variant: str, count: int, told: str) -> None:
    code, message = refusal(resize, setup=setup, name=endpoint, count=count, variant=variant)
    assert code == "ValidationException"
    assert told in message


def test_instances_of_a_serverless_variant_cannot_be_counted(setup: Setup) -> None:
    serverless = {"AllTraffic": {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 2}}}
    name = make_endpoint(setup, make_config(setup, serverless))
    await_endpoint(setup, name)
    assert "serverless" in refusal(resize, setup=setup, name=name, count=2)[1]
    delete_endpoint(setup, name)


def test_an_update_sets_the_count_back_unless_it_is_told_to_keep_it(setup: Setup, endpoint: str) -> None:
    resize(setup, endpoint, 2)
    await_endpoint(setup, endpoint)
    kept = make_config(setup, {"AllTraffic": USUAL}, TOY_VERSION="2")
    setup.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=kept, RetainAllVariantProperties=True)
    assert counts(await_endpoint(setup, endpoint)) == (2, 2)
    assert len(serving_pids(setup, endpoint)) == 2
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    setup.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=kept,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=excluded,
    )
    assert counts(await_endpoint(setup, endpoint)) == (1, 1)
    resize(setup, endpoint, 2)
    await_endpoint(setup, endpoint)
    setup.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=kept)
    assert counts(await_endpoint(setup, endpoint)) == (1, 1)


def test_a_new_process_that_does_not_start_leaves_the_others_serving(setup: Setup) -> None:
    flag = setup.cloud.state_dir / "toy-may-start"
    flag.touch()
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": USUAL}, TOY_NEEDS=str(flag)))
    await_endpoint(setup, name)
    flag.unlink()
    with callers(setup, name) as failures:
        resize(setup, name, 2)
        described = await_endpoint(setup, name)
    assert failures == []
    assert counts(described) == (1, 1)
    assert "did not pass the ping health check" in described["FailureReason"]
    flag.touch()
    resize(setup, name, 2)
    described = await_endpoint(setup, name)
    assert counts(described) == (2, 2)
    assert "FailureReason" not in described
    delete_endpoint(setup, name)


def test_a_change_that_a_killed_cloud_had_begun_is_finished_by_the_next(tmp_path: Path) -> None:
    cloud = start_toy_cloud(tmp_path)
    setup = Setup(cloud)
    setup.create()
    flag = tmp_path / "toy-may-start"
    flag.touch()
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": USUAL}, TOY_NEEDS=str(flag), TOY_WAITS="1"))
    await_endpoint(setup, name)
    (before,) = serving_pids(setup, name)
    flag.unlink()
    resize(setup, name, 3)
    directory = tmp_path / f"sagemaker/endpoints/000000000000-us-east-1-{name}"
    wait_for(lambda: list(directory.glob("*/AllTraffic-1/process.json")), "the second process")
    os.kill(cloud.process.pid, signal.SIGKILL)
    cloud.process.wait()
    flag.touch()

    cloud = start_toy_cloud(tmp_path, cloud.port)
    try:
        setup = Setup(cloud)
        assert counts(await_endpoint(setup, name)) == (3, 3)
        pids = serving_pids(setup, name)
        assert len(pids) == 3
        assert before in pids
    finally:
        stop_cloud(cloud)
