"""What a killed cloud had registered and begun is there, and finished, after the next start."""

import os
import signal
from pathlib import Path

from tests.contract.autoscaling.conftest import USUAL, ScaledEndpoint
from tests.contract.sagemaker.conftest import Setup, start_toy_cloud, wait_for
from tests.contract.sagemaker.toy_endpoints import await_endpoint, make_config, make_endpoint
from tests.running_cloud import stop_cloud


def test_a_scaling_that_a_killed_cloud_had_begun_is_finished_by_the_next(tmp_path: Path) -> None:
    cloud = start_toy_cloud(tmp_path)
    setup = Setup(cloud)
    setup.create()
    flag = tmp_path / "toy-may-start"
    flag.touch()
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": USUAL}, TOY_NEEDS=str(flag), TOY_WAITS="1"))
    await_endpoint(setup, name)
    flag.unlink()
    endpoint = ScaledEndpoint(setup, name)
    endpoint.register(2, 3)
    endpoint.track(100)
    wait_for(endpoint.activities, "the beginning of the scaling")
    assert endpoint.activities()[0]["StatusCode"] == "InProgress"
    os.kill(cloud.process.pid, signal.SIGKILL)
    cloud.process.wait()
    flag.touch()

    cloud = start_toy_cloud(tmp_path, cloud.port)
    try:
        endpoint = ScaledEndpoint(Setup(cloud), name)
        endpoint.await_capacity(2)
        wait_for(lambda: endpoint.activities()[0]["StatusCode"] == "Successful", "the end of the scaling")
        assert len(endpoint.activities()) == 1
        assert len(endpoint.scaling.describe_scaling_policies(**endpoint.target)["ScalingPolicies"]) == 1
    finally:
        stop_cloud(cloud)
