"""Scalable targets, policies and scheduled actions over HTTP.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.autoscaling.conftest import USUAL, ScaledEndpoint
from tests.contract.sagemaker.conftest import Setup, refusal, wait_for
from tests.contract.sagemaker.toy_endpoints import await_endpoint, make_config, make_endpoint


def now(setup: Setup) -> datetime:
    return datetime.fromtimestamp(setup.cloud.advance(0)["now"], UTC)


def test_a_target_is_registered_changed_and_deregistered(endpoint: ScaledEndpoint) -> None:
    arn = endpoint.register(1, 3)
    assert arn.startswith("arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/")
    endpoint.scaling.register_scalable_target(**endpoint.target, MaxCapacity=4)
    ids = {"ServiceNamespace": "sagemaker", "ResourceIds": [endpoint.target["ResourceId"]]}
    (target,) = endpoint.scaling.describe_scalable_targets(**ids)["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"], target["ScalableTargetARN"]) == (1, 4, arn)
    assert target["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    assert target["SuspendedState"]["DynamicScalingInSuspended"] is False
    endpoint.track(10)
    endpoint.scaling.deregister_scalable_target(**endpoint.target)
    assert endpoint.scaling.describe_scalable_targets(**ids)["ScalableTargets"] == []
    assert endpoint.scaling.describe_scaling_policies(**endpoint.target)["ScalingPolicies"] == []
    code, message = refusal(endpoint.scaling.deregister_scalable_target, **endpoint.target)
    assert code == "ObjectNotFoundException"
    assert message.startswith("No scalable target registered for service namespace: sagemaker, resource ID: endpoint/")


def test_registering_brings_the_fleet_inside_the_range_and_says_so(endpoint: ScaledEndpoint) -> None:
    endpoint.register(2, 4)
    endpoint.await_capacity(2)
    done = wait_for(lambda: [one for one in endpoint.activities() if one["StatusCode"] == "Successful"], "its record")
    (activity,) = done
    assert activity["Description"] == "Setting desired instance count to 2."
    assert activity["Cause"] == "minimum capacity was set to 2 and maximum capacity was set to 4"
    assert activity["StatusMessage"].startswith("Successfully set desired instance count to 2.")
    assert activity["EndTime"] >= activity["StartTime"]
    endpoint.register(1, 1)
    endpoint.await_capacity(1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"MinCapacity": 3, "MaxCapacity": 2}, "Maximum capacity (2) cannot be less than minimum capacity (3)."),
        ({"MinCapacity": 0}, "Minimum capacity must be 1 or more"),
        ({"ResourceId": "endpoint/nobody/variant/AllTraffic"}, "SageMaker endpoint variant doesn't exist"),
        ({"ResourceId": "table/t"}, "expected endpoint/<endpoint>/variant/<variant>"),
        ({"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}, "Service namespace ecs"),
        ({"ServiceNamespace": "moon"}, "Member must satisfy enum value set"),
        ({"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}, "does not scale on this machine"),
    ],
)
def test_what_cannot_be_registered_is_refused(endpoint: ScaledEndpoint, changes: dict[str, Any], told: str) -> None:
    request = {**endpoint.target, "MinCapacity": 1, "MaxCapacity": 2, **changes}
    code, message = refusal(endpoint.scaling.register_scalable_target, **request)
    assert code == "ValidationException"
    assert told in message


def test_a_new_target_needs_both_ends_of_its_range(endpoint: ScaledEndpoint) -> None:
    code, message = refusal(endpoint.scaling.register_scalable_target, **endpoint.target, MinCapacity=1)
    assert (code, message) == ("ValidationException", "A new scalable target needs MaxCapacity.")


def test_a_policy_is_put_described_and_deleted(endpoint: ScaledEndpoint) -> None:
    assert refusal(endpoint.track, target_value=10)[0] == "ObjectNotFoundException"
    endpoint.register(1, 3)
    arn = endpoint.track(10, ScaleInCooldown=60)["PolicyARN"]
    assert arn.endswith(f":resource/sagemaker/{endpoint.target['ResourceId']}:policyName/invocations")
    assert endpoint.track(20)["PolicyARN"] == arn
    (policy,) = endpoint.scaling.describe_scaling_policies(**endpoint.target)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 20
    code, message = refusal(endpoint.track, target_value=10, name="again")
    assert (code, message[:39]) == ("ValidationException", "Only one TargetTrackingScaling policy f")
    endpoint.scaling.delete_scaling_policy(**endpoint.target, PolicyName="invocations")
    code, _ = refusal(endpoint.scaling.delete_scaling_policy, **endpoint.target, PolicyName="invocations")
    assert code == "ObjectNotFoundException"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"TargetValue": 10}, "Exactly one of PredefinedMetricSpecification and"),
        ({"TargetValue": 10, "CustomizedMetricSpecification": {"MetricName": "m"}}, "lacks Namespace, Statistic"),
        (
            {
                "TargetValue": 10,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            },
            "SageMakerVariantInvocationsPerInstance is",
        ),
    ],
)
def test_a_policy_without_a_metric_is_refused(endpoint: ScaledEndpoint, config: dict[str, Any], told: str) -> None:
    endpoint.register(1, 3)
    code, message = refusal(endpoint.put_policy, name="wrong", config=config)
    assert code == "ValidationException"
    assert told in message


def test_a_target_value_of_zero_and_step_scaling_are_refused(endpoint: ScaledEndpoint) -> None:
    endpoint.register(1, 3)
    assert "expected a number above 0" in refusal(endpoint.track, target_value=0)[1]
    code, message = refusal(
        endpoint.scaling.put_scaling_policy,
        **endpoint.target,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity"},
    )
    assert (code, "use TargetTrackingScaling" in message) == ("ValidationException", True)


def test_lists_come_in_pages(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.register(1, 3)
    for number in range(3):
        endpoint.scaling.put_scheduled_action(
            **endpoint.target,
            ScheduledActionName=f"action-{number}",
            Schedule="rate(1 day)",
            ScalableTargetAction={"MinCapacity": 1},
        )
    pages = endpoint.scaling.get_paginator("describe_scheduled_actions").paginate(
        **endpoint.target, PaginationConfig={"PageSize": 2}
    )
    sizes = [[action["ScheduledActionName"] for action in page["ScheduledActions"]] for page in pages]
    assert sizes == [["action-0", "action-1"], ["action-2"]]
    request = {**endpoint.target, "NextToken": "wrong"}
    assert refusal(endpoint.scaling.describe_scheduled_actions, **request)[0] == "InvalidNextTokenException"


def test_scheduled_actions_change_the_range_when_their_time_comes(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.register(1, 5)
    morning = now(setup) + timedelta(hours=2)
    evening = now(setup) + timedelta(hours=5)
    for name, moment, smallest, largest in (("morning", morning, 3, 5), ("evening", evening, 1, 2)):
        endpoint.scaling.put_scheduled_action(
            **endpoint.target,
            ScheduledActionName=name,
            Schedule=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            ScalableTargetAction={"MinCapacity": smallest, "MaxCapacity": largest},
        )
    setup.cloud.advance(3600)
    assert endpoint.capacity() == 1
    setup.cloud.advance(2 * 3600)
    assert endpoint.capacity() == 3
    assert endpoint.activities()[0]["Cause"] == "scheduled action morning was triggered"
    setup.cloud.advance(3 * 3600)
    assert endpoint.capacity() == 2


def test_a_recurring_action_fires_again_and_a_suspended_one_does_not(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.register(1, 5)
    endpoint.scaling.put_scheduled_action(
        **endpoint.target,
        ScheduledActionName="hourly",
        Schedule="rate(1 hour)",
        ScalableTargetAction={"MinCapacity": 2},
    )
    setup.cloud.advance(3700)
    assert endpoint.capacity() == 2
    endpoint.scaling.register_scalable_target(**endpoint.target, MinCapacity=1, MaxCapacity=1)
    endpoint.await_capacity(1)
    endpoint.scaling.register_scalable_target(
        **endpoint.target, MaxCapacity=5, SuspendedState={"ScheduledScalingSuspended": True}
    )
    setup.cloud.advance(3700)
    assert endpoint.capacity() == 1
    endpoint.scaling.register_scalable_target(**endpoint.target, SuspendedState={"ScheduledScalingSuspended": False})
    setup.cloud.advance(3700)
    assert endpoint.capacity() == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Schedule": "whenever"}, "Schedule 'whenever' is none"),
        ({"Timezone": "Europe/Vienna"}, "expected UTC"),
        ({"ScalableTargetAction": {"MinCapacity": 9}}, "cannot be less than minimum capacity (9)"),
    ],
)
def test_an_action_that_cannot_be_done_is_refused(endpoint: ScaledEndpoint, changes: dict[str, Any], told: str) -> None:
    endpoint.register(1, 3)
    request = {
        **endpoint.target,
        "ScheduledActionName": "wrong",
        "Schedule": "cron(0 6 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 2},
    }
    code, message = refusal(endpoint.scaling.put_scheduled_action, **request | changes)
    assert code == "ValidationException"
    assert told in message


def test_the_instance_type_of_a_scalable_target_does_not_change(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.register(1, 3)
    other = make_config(setup, {"AllTraffic": {**USUAL, "InstanceType": "ml.m5.xlarge"}})
    update = {"EndpointName": endpoint.name, "EndpointConfigName": other}
    code, message = refusal(setup.sagemaker.update_endpoint, **update)
    assert code == "ValidationException"
    assert "is a scalable target; deregister it before its instance type changes" in message
    endpoint.scaling.deregister_scalable_target(**endpoint.target)
    setup.sagemaker.update_endpoint(**update)
    assert await_endpoint(setup, endpoint.name)["EndpointConfigName"] == other


def test_an_endpoint_that_is_deleted_is_no_target_any_more(setup: Setup) -> None:
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": USUAL}))
    await_endpoint(setup, name)
    scaled = ScaledEndpoint(setup, name)
    scaled.register(1, 2)
    setup.sagemaker.delete_endpoint(EndpointName=name)
    ids = {"ServiceNamespace": "sagemaker", "ResourceIds": [scaled.target["ResourceId"]]}
    assert scaled.scaling.describe_scalable_targets(**ids)["ScalableTargets"] == []
