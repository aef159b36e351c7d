"""What a caller of Application Auto Scaling must be allowed, as SageMaker's page lists it.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
"""

import json
from typing import Any

import pytest

from tests.contract.autoscaling.conftest import ScaledEndpoint
from tests.contract.sagemaker.conftest import Setup, refusal

SCALING = "application-autoscaling"
LINKED = "sagemaker.application-autoscaling.amazonaws.com"
NEEDED: dict[str, dict[str, Any]] = {
    "register": {
        "Action": [f"{SCALING}:RegisterScalableTarget", f"{SCALING}:PutScalingPolicy"],
        "Resource": f"arn:aws:{SCALING}:us-east-1:000000000000:scalable-target/*",
        "Condition": {"StringEquals": {f"{SCALING}:service-namespace": "sagemaker"}},
    },
    "endpoint": {
        "Action": ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
        "Resource": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/*",
    },
    "alarms": {
        "Action": ["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"],
        "Resource": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:TargetTracking-endpoint/*",
    },
    "role": {
        "Action": "iam:CreateServiceLinkedRole",
        "Resource": f"arn:aws:iam::000000000000:role/aws-service-role/{LINKED}/*",
        "Condition": {"StringEquals": {"iam:AWSServiceName": LINKED}},
    },
}


def caller(setup: Setup, name: str, statements: list[dict[str, Any]]) -> Any:
    """A client that may do what the statements say."""
    iam = setup.cloud.client("iam")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
    iam.put_user_policy(UserName=name, PolicyName="scaling", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return setup.cloud.client(SCALING, key["AccessKeyId"], key["SecretAccessKey"])


def test_the_rights_that_the_page_lists_are_enough(setup: Setup, endpoint: ScaledEndpoint) -> None:
    endpoint.scaling = caller(setup, "scaler", list(NEEDED.values()))
    endpoint.register(1, 2)
    endpoint.track(10)


@pytest.mark.parametrize("missing", ["register", "endpoint", "alarms"])
def test_none_of_them_can_be_missing(setup: Setup, endpoint: ScaledEndpoint, missing: str) -> None:
    statements = [statement for name, statement in NEEDED.items() if name != missing]
    endpoint.scaling = caller(setup, f"scaler-without-{missing}", statements)

    def scale() -> None:
        endpoint.register(1, 2)
        endpoint.track(10)

    code, _ = refusal(scale)
    assert code == "AccessDeniedException"


def test_the_first_target_of_an_account_makes_the_role_that_scales_it(setup: Setup, endpoint: ScaledEndpoint) -> None:
    root = setup.cloud.client(SCALING)
    for target in root.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
        root.deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=target["ResourceId"],
            ScalableDimension=target["ScalableDimension"],
        )
    endpoint.scaling = caller(setup, "scaler-without-role", [NEEDED["register"], NEEDED["endpoint"]])
    code, message = refusal(endpoint.register, smallest=1, largest=2)
    assert code == "AccessDeniedException"
    assert "iam:CreateServiceLinkedRole" in message


def test_another_namespace_is_not_allowed_by_a_condition_on_this_one(setup: Setup, endpoint: ScaledEndpoint) -> None:
    scaling = caller(setup, "scaler-of-sagemaker", [NEEDED["register"]])
    request = {**endpoint.target, "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    code, _ = refusal(scaling.register_scalable_target, **request, MinCapacity=1, MaxCapacity=2)
    assert code == "AccessDeniedException"
