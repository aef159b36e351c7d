"""The metrics of endpoints in CloudWatch, over HTTP.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.sagemaker.conftest import Setup, refusal, wait_for
from tests.contract.sagemaker.toy_endpoints import (
    await_endpoint,
    delete_endpoint,
    invoke,
    make_config,
    make_endpoint,
)

INVOCATIONS, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"


@pytest.fixture(scope="module")
def endpoint(setup: Setup) -> Iterator[str]:
    two = {"AllTraffic": {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}}
    name = make_endpoint(setup, make_config(setup, two))
    await_endpoint(setup, name)
    for _ in range(4):
        invoke(setup, name, b"sleep 0.05")
    refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=b"bad")
    refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=b"broken")
    refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=b"die")
    yield name
    delete_endpoint(setup, name)


def statistics(setup: Setup, namespace: str, metric: str, endpoint: str) -> dict[str, Any]:
    """Sum, maximum, count and unit of the last hour, put together from its minutes."""
    now = datetime.fromtimestamp(setup.cloud.advance(0)["now"], UTC)
    answer = setup.cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum", "Maximum", "SampleCount"],
    )
    points: list[dict[str, Any]] = answer["Datapoints"]
    return {
        "Sum": sum(point["Sum"] for point in points),
        "SampleCount": sum(point["SampleCount"] for point in points),
        "Maximum": max((point["Maximum"] for point in points), default=None),
        "Unit": {point["Unit"] for point in points},
    }


def await_calls(setup: Setup, endpoint: str, count: int) -> None:
    wait_for(lambda: statistics(setup, INVOCATIONS, "Invocations", endpoint)["Sum"] == count, f"{count} counted calls")


def test_calls_and_their_errors_are_counted(setup: Setup, endpoint: str) -> None:
    await_calls(setup, endpoint, 7)
    counted = {
        name: statistics(setup, INVOCATIONS, name, endpoint)
        for name in ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationsPerInstance")
    }
    assert counted["Invocation4XXErrors"]["Sum"] == 1
    assert counted["Invocation4XXErrors"]["SampleCount"] == 7, "a zero for every other call"
    assert counted["Invocation5XXErrors"]["Sum"] == 2, "an error of the container, and one that it did not survive"
    assert counted["InvocationsPerInstance"]["Sum"] == 3.5


def test_latencies_are_microseconds(setup: Setup, endpoint: str) -> None:
    await_calls(setup, endpoint, 7)
    model = statistics(setup, INVOCATIONS, "ModelLatency", endpoint)
    assert model["Unit"] == {"Microseconds"}
    assert 50_000 <= model["Maximum"] < 5_000_000
    overhead = statistics(setup, INVOCATIONS, "OverheadLatency", endpoint)
    assert overhead["SampleCount"] == 7
    assert 0 <= overhead["Maximum"] < 1_000_000


def test_processes_are_measured(setup: Setup, endpoint: str) -> None:
    memory = wait_for(
        lambda: (
            found if (found := statistics(setup, INSTANCES, "MemoryUtilization", endpoint))["SampleCount"] else None
        ),
        "the first sample",
    )
    assert memory["Unit"] == {"Percent"}
    assert 0.01 < memory["Maximum"] < 5
    wait_for(lambda: statistics(setup, INSTANCES, "CPUUtilization", endpoint)["SampleCount"], "the second sample")
    assert statistics(setup, INSTANCES, "GPUUtilization", endpoint)["SampleCount"] == 0
