"""Who may have a fleet scaled: only where one is wanted."""

from typing import Any

import pytest

from infra.policies import scaling_rights
from tests.unit.comal.registry_samples import make_names, make_recipe


def actions(serving: dict[str, Any]) -> set[str]:
    statements = scaling_rights.for_deploying(make_names(), [make_recipe(serving=serving)])
    return {action for statement in statements for action in statement["Action"]}


ENDS = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DeregisterScalableTarget",
    "cloudwatch:DeleteAlarms",
}


@pytest.mark.parametrize(
    ("serving", "wanted"), [({}, set()), ({"mode": "serverless", "max": 4}, set()), ({"mode": "realtime"}, ENDS)]
)
def test_a_fleet_that_does_not_scale_needs_no_right_to_begin(serving: dict[str, Any], wanted: set[str]) -> None:
    assert actions(serving) == wanted


def test_a_fleet_that_scales_needs_what_awss_page_lists() -> None:
    assert actions({"mode": "realtime", "max": 4}) == ENDS | {
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
        "iam:CreateServiceLinkedRole",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
    }


def test_the_service_linked_role_is_made_for_sagemaker_only() -> None:
    statements = scaling_rights.for_deploying(make_names(), [make_recipe(serving={"mode": "realtime", "max": 4})])
    (role,) = [one for one in statements if one["Action"] == ["iam:CreateServiceLinkedRole"]]
    service = "sagemaker.application-autoscaling.amazonaws.com"
    assert role["Condition"] == {"StringEquals": {"iam:AWSServiceName": service}}
    assert role["Resource"][0].endswith(f"/{service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
