"""A fleet follows its load, on the stepped clock: real calls, real processes, minutes that pass in no time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.autoscaling.conftest import ScaledEndpoint, failures_of_callers
from tests.contract.sagemaker.conftest import Setup

TARGET_PER_MINUTE = 200
CALLS_PER_MINUTE = 500
QUICK = {"ScaleOutCooldown": 60, "ScaleInCooldown": 60}


def pass_minutes(endpoint: ScaledEndpoint, minutes: int, calls_per_minute: int) -> list[int]:
    """So many calls in each minute of the cloud's clock; the size of the fleet after each."""
    sizes = []
    for _ in range(minutes):
        endpoint.invoke(calls_per_minute)
        endpoint.setup.cloud.advance(60)
        sizes.append(endpoint.capacity())
    return sizes


def test_a_load_ramp_grows_and_shrinks_the_fleet_and_no_call_fails(setup: Setup, endpoint: ScaledEndpoint) -> None:
    """3 of 3 minutes above the target scale out at once, 15 of 15 below nine tenths of it scale in again."""
    endpoint.register(1, 4)
    endpoint.track(TARGET_PER_MINUTE, **QUICK)
    with failures_of_callers(setup, endpoint.name) as failures:
        began = setup.cloud.now()
        two = pass_minutes(endpoint, 2, calls_per_minute=CALLS_PER_MINUTE)
        # The clock is stepped on, but does not stand still: on a machine with other work the calls take minutes, too.
        assert two[-1] == 1 or setup.cloud.now() - began > 150, "two minutes are not enough"
        up = pass_minutes(endpoint, 3, calls_per_minute=CALLS_PER_MINUTE)
        assert max(up) in (3, 4), "500 calls a minute, and those of the others, need three times 200"
        down = pass_minutes(endpoint, 18, calls_per_minute=3)
    assert failures == []
    assert down[-1] == 1
    assert max(down[:10]) > 1, "it does not shrink before fifteen quiet minutes"
    done = [one for one in endpoint.activities() if one["StatusCode"] == "Successful"]
    assert len(done) >= 2
    assert all("triggered policy invocations" in one["Cause"] for one in done)
    assert all(one["StatusCode"] == "Successful" for one in endpoint.activities())


def test_a_fleet_without_any_traffic_shrinks_to_its_smallest(setup: Setup, endpoint: ScaledEndpoint) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-edit.html ("Scale-in")."""
    endpoint.register(3, 4)
    endpoint.await_capacity(3)
    endpoint.scaling.register_scalable_target(**endpoint.target, MinCapacity=1)
    endpoint.track(TARGET_PER_MINUTE, **QUICK)
    setup.cloud.advance(14 * 60)
    assert endpoint.capacity() == 3, "fifteen minutes it takes"
    setup.cloud.advance(5 * 60)
    assert endpoint.capacity() == 1


def test_a_fleet_whose_own_metric_has_no_values_stays_as_it_is(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.register(2, 4)
    endpoint.await_capacity(2)
    endpoint.scaling.register_scalable_target(**endpoint.target, MinCapacity=1)
    metric = {"MetricName": "queued", "Namespace": "nobody", "Statistic": "Average"}
    endpoint.put_policy("queue", {"TargetValue": 10, "CustomizedMetricSpecification": metric, **QUICK})
    setup.cloud.advance(1800)
    assert endpoint.capacity() == 2


def test_a_smallest_fleet_without_traffic_costs_a_stepped_day_no_stops(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.register(1, 4)
    endpoint.track(TARGET_PER_MINUTE)
    setup.cloud.advance(3600)
    assert setup.cloud.advance(24 * 3600)["stops"] < 30


def test_a_fleet_follows_a_metric_of_ones_own(setup: Setup, endpoint: ScaledEndpoint) -> None:
    cloudwatch = setup.cloud.client("cloudwatch")
    dimensions = [{"Name": "shop", "Value": endpoint.name}]
    endpoint.register(1, 5)
    metric = {"MetricName": "queued", "Namespace": "shop", "Dimensions": dimensions, "Statistic": "Average"}
    endpoint.put_policy("queue", {"TargetValue": 10, "CustomizedMetricSpecification": metric, **QUICK})
    now = datetime.fromtimestamp(setup.cloud.advance(0)["now"], UTC)
    data: list[dict[str, Any]] = [
        {"MetricName": "queued", "Dimensions": dimensions, "Timestamp": now - timedelta(minutes=age), "Value": 35}
        for age in range(4)
    ]
    cloudwatch.put_metric_data(Namespace="shop", MetricData=data)
    setup.cloud.advance(60)
    assert endpoint.capacity() == 4


@pytest.mark.parametrize("suspended", ["DynamicScalingOutSuspended"])
def test_a_suspended_fleet_is_left_alone(setup: Setup, endpoint: ScaledEndpoint, suspended: str) -> None:
    endpoint.register(1, 4, SuspendedState={suspended: True})
    endpoint.track(TARGET_PER_MINUTE, **QUICK)
    assert pass_minutes(endpoint, 4, calls_per_minute=220) == [1, 1, 1, 1]
