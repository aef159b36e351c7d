"""A local cloud with a toy endpoint whose variant can be scaled."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.conftest import Setup, start_toy_cloud, wait_for
from tests.contract.sagemaker.toy_endpoints import await_endpoint, invoke, make_config, make_endpoint
from tests.running_cloud import stop_cloud

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
USUAL = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@dataclass
class ScaledEndpoint:
    """An endpoint with a variant `AllTraffic`, and Application Auto Scaling's client."""

    setup: Setup
    name: str
    scaling: Any = field(init=False)

    def __post_init__(self) -> None:
        self.scaling = self.setup.cloud.client("application-autoscaling")

    @property
    def target(self) -> dict[str, str]:
        """What names the variant in a request."""
        resource_id = f"endpoint/{self.name}/variant/AllTraffic"
        return {"ServiceNamespace": "sagemaker", "ResourceId": resource_id, "ScalableDimension": DIMENSION}

    def register(self, smallest: int, largest: int, **more: Any) -> str:
        answer = self.scaling.register_scalable_target(**self.target, MinCapacity=smallest, MaxCapacity=largest, **more)
        arn: str = answer["ScalableTargetARN"]
        return arn

    def track(self, target_value: float, name: str = "invocations", **more: Any) -> dict[str, Any]:
        config = {
            "TargetValue": target_value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        }
        return self.put_policy(name, config | more)

    def put_policy(self, name: str, config: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.scaling.put_scaling_policy(
            **self.target,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=config,
        )
        return answer

    def capacity(self) -> int:
        """Instances of the endpoint at rest."""
        variant = await_endpoint(self.setup, self.name)["ProductionVariants"][0]
        assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"]
        count: int = variant["CurrentInstanceCount"]
        return count

    def await_capacity(self, count: int) -> None:
        wait_for(lambda: self.capacity() == count, f"{count} instances")

    def activities(self) -> list[dict[str, Any]]:
        """The newest first."""
        answer = self.scaling.describe_scaling_activities(
            ServiceNamespace="sagemaker", ResourceId=self.target["ResourceId"]
        )
        found: list[dict[str, Any]] = answer["ScalingActivities"]
        return found

    def invoke(self, count: int) -> None:
        for _ in range(count):
            invoke(self.setup, self.name)


@contextmanager
def failures_of_callers(setup: Setup, name: str, pause_s: float = 0.02) -> Iterator[list[Exception]]:
    """Two that call all the time; what fails is in the list."""
    failures: list[Exception] = []
    ended = threading.Event()

    def call() -> None:
        while not ended.wait(pause_s):
            try:
                invoke(setup, name, b"sleep 0.01")
            except ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    cloud = start_toy_cloud(tmp_path_factory.mktemp("autoscaling"))
    prepared = Setup(cloud)
    prepared.create()
    yield prepared
    stop_cloud(cloud)


@pytest.fixture
def endpoint(setup: Setup) -> Iterator[ScaledEndpoint]:
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": USUAL}))
    await_endpoint(setup, name)
    yield ScaledEndpoint(setup, name)
    await_endpoint(setup, name)
    setup.sagemaker.delete_endpoint(EndpointName=name)
