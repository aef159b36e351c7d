"""deploy_model keeps the scalable target: against the local cloud, whose fleets really grow."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from comal.recipe import Recipe
from comal.scaling_config import POLICY, target_id
from infra.policies import scaling_rights
from infra.policies.statements import allow, document
from lambdas.deploy_model.handler import handle
from lambdas.deploy_model.scaling import Scaling
from tests.unit.comal.registry_samples import make_recipe
from tests.unit.lambdas.lambda_stack import NOW, Context, LambdaStack, sqs_event, wait_for


def recipe(smallest: int = 1, largest: int = 3, **changes: Any) -> Recipe:
    serving = {"mode": "realtime", "instance": "ml.c6i.large", "min": smallest, "max": largest}
    return make_recipe(serving=serving | changes)


@pytest.fixture
def stack(lambda_stack: LambdaStack) -> Iterator[LambdaStack]:
    lambda_stack.deploy(recipe())
    lambda_stack.add_version()
    yield lambda_stack
    at_rest(lambda_stack)
    lambda_stack.sagemaker.delete_endpoint(EndpointName=endpoint_name(lambda_stack))


def endpoint_name(stack: LambdaStack) -> str:
    return stack.names.of_model(stack.model)


def at_rest(stack: LambdaStack) -> dict[str, Any]:
    def rests() -> dict[str, Any] | None:
        found: dict[str, Any] = stack.sagemaker.describe_endpoint(EndpointName=endpoint_name(stack))
        return found if found["EndpointStatus"] == "InService" else None

    found: dict[str, Any] = wait_for(rests, "the endpoint at rest")
    return found


def instances(stack: LambdaStack) -> int:
    count: int = at_rest(stack)["ProductionVariants"][0]["CurrentInstanceCount"]
    return count


def resize(stack: LambdaStack, count: int) -> None:
    wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
    stack.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint_name(stack), DesiredWeightsAndCapacities=[wish]
    )


def reconcile(stack: LambdaStack) -> None:
    """Both events of a change, as often as it takes."""
    for status in ("Approved", "IN_SERVICE", "IN_SERVICE"):
        if status == "Approved":
            kind = "SageMaker Model Package State Change"
            detail = {"ModelPackageGroupName": endpoint_name(stack), "ModelApprovalStatus": status}
        else:
            kind = "SageMaker Endpoint State Change"
            detail = {"EndpointName": endpoint_name(stack), "EndpointStatus": status}
        handled = handle(sqs_event({"detail-type": kind, "time": NOW, "detail": detail}), Context())
        assert handled["batchItemFailures"] == []
        at_rest(stack)


def target(stack: LambdaStack) -> dict[str, Any] | None:
    scaling = stack.cloud.client("application-autoscaling")
    resource_id = target_id(stack.names, stack.model)["ResourceId"]
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource_id])
    return found["ScalableTargets"][0] if found["ScalableTargets"] else None


def policies(stack: LambdaStack) -> list[dict[str, Any]]:
    scaling = stack.cloud.client("application-autoscaling")
    found: list[dict[str, Any]] = scaling.describe_scaling_policies(**target_id(stack.names, stack.model))[
        "ScalingPolicies"
    ]
    return found


def test_a_fleet_with_room_is_scaled_once_it_serves(stack: LambdaStack) -> None:
    reconcile(stack)
    registered = target(stack)
    assert registered is not None
    assert (registered["MinCapacity"], registered["MaxCapacity"]) == (1, 3)
    (policy,) = policies(stack)
    assert policy["PolicyName"] == POLICY
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 50 * 60
    reconcile(stack)
    assert target(stack) == registered, "registered once"
    assert policies(stack) == [policy]


def test_an_update_keeps_the_scaled_count(stack: LambdaStack) -> None:
    reconcile(stack)
    resize(stack, 2)
    assert instances(stack) == 2
    stack.add_version()
    reconcile(stack)
    assert at_rest(stack)["EndpointConfigName"].startswith(f"{endpoint_name(stack)}-v2-")
    assert instances(stack) == 2


def test_the_rights_that_the_stack_grants_are_enough_for_it_and_for_its_end(stack: LambdaStack) -> None:
    reconcile(stack)
    root = stack.cloud.client("application-autoscaling")
    root.deregister_scalable_target(**target_id(stack.names, stack.model))
    rights = scaling_rights.for_deploying(stack.names, [stack.recipe])
    describing = allow(["sagemaker:DescribeEndpoint"], [stack.names.arn("sagemaker", "endpoint/*")])
    Scaling(client_with(stack, "deployer", [*rights, describing]), stack.names, stack.recipe).settle(1)
    assert target(stack) is not None
    assert len(policies(stack)) == 1
    cleaner = client_with(stack, "cleaner", scaling_rights.for_cleaning(stack.names))
    Scaling(cleaner, stack.names, stack.recipe).release()
    assert target(stack) is None


def client_with(stack: LambdaStack, name: str, statements: list[dict[str, Any]]) -> Any:
    """A client of a user who may do just that."""
    iam = stack.cloud.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=json.dumps(document(*statements)))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return stack.cloud.client("application-autoscaling", key["AccessKeyId"], key["SecretAccessKey"])


def test_scaling_announces_no_deployment(stack: LambdaStack) -> None:
    reconcile(stack)
    resize(stack, 2)
    reconcile(stack)
    heard = stack.events(lambda heard: len(heard) >= 1)
    assert [event["detail-type"] for event in heard] == ["ModelDeployed"]


def test_another_range_and_another_target_take_effect(stack: LambdaStack) -> None:
    reconcile(stack)
    stack.deploy(recipe(smallest=2, largest=4, target_rps=10))
    reconcile(stack)
    registered = target(stack)
    assert registered is not None
    assert (registered["MinCapacity"], registered["MaxCapacity"]) == (2, 4)
    assert policies(stack)[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 600
    wait_for(lambda: instances(stack) == 2, "the new smallest fleet")


def test_a_fleet_that_shall_not_scale_any_more_has_its_one_size_and_no_target(stack: LambdaStack) -> None:
    reconcile(stack)
    resize(stack, 3)
    assert instances(stack) == 3
    stack.deploy(recipe(largest=1))
    reconcile(stack)
    wait_for(lambda: instances(stack) == 1, "one instance")
    reconcile(stack)
    assert target(stack) is None


def test_another_instance_type_is_no_obstacle(stack: LambdaStack) -> None:
    reconcile(stack)
    resize(stack, 2)
    assert instances(stack) == 2
    stack.deploy(recipe(instance="ml.c6i.xlarge"))
    reconcile(stack)
    config = stack.sagemaker.describe_endpoint_config(EndpointConfigName=at_rest(stack)["EndpointConfigName"])
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.c6i.xlarge"
    assert instances(stack) == 2
    assert target(stack) is not None
    assert len(policies(stack)) == 1
