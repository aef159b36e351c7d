"""What a role needs to have a fleet scaled: Application Auto Scaling, and what AWS asks of its caller besides.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
"""

from collections.abc import Sequence

from comal.names import Names
from comal.recipe import Recipe
from comal.scaling_config import scales
from infra.policies import arns
from infra.policies.statements import Statement, allow

_LINKED_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_LINKED_ROLE = f"role/aws-service-role/{_LINKED_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def for_deploying(names: Names, recipes: Sequence[Recipe]) -> list[Statement]:
    """deploy_model: nothing while all is serverless; it may end what scales, and begin it where that is wanted."""
    statements: list[Statement] = []
    if any(not recipe.serving.is_serverless for recipe in recipes):
        statements += for_cleaning(names)
    if any(scales(recipe) for recipe in recipes):
        statements += [
            allow(["application-autoscaling:DescribeScalingPolicies"], ["*"]),
            _on_targets(names, ["RegisterScalableTarget", "PutScalingPolicy"]),
            allow(["sagemaker:UpdateEndpointWeightsAndCapacities"], [arns.sagemaker(names, "endpoint/")]),
            allow(["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"], [_alarms(names)]),
            # Made once for an account, by the first target; AWS scales with it.
            allow(
                ["iam:CreateServiceLinkedRole"],
                [f"arn:aws:iam::{names.account}:{_LINKED_ROLE}"],
                {"StringEquals": {"iam:AWSServiceName": _LINKED_SERVICE}},
            ),
        ]
    return statements


def for_cleaning(names: Names) -> list[Statement]:
    """Finds and deregisters scalable targets; AWS deletes their alarms as the caller."""
    return [
        # Describe operations know no resources.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
        allow(["application-autoscaling:DescribeScalableTargets"], ["*"]),
        _on_targets(names, ["DeregisterScalableTarget"]),
        allow(["cloudwatch:DeleteAlarms"], [_alarms(names)]),
    ]


def _on_targets(names: Names, operations: list[str]) -> Statement:
    """A target's ARN holds an id that AWS draws, so the namespace narrows it."""
    return allow(
        [f"application-autoscaling:{operation}" for operation in operations],
        [names.arn("application-autoscaling", "scalable-target/*")],
        {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
    )


def _alarms(names: Names) -> str:
    return names.arn("cloudwatch", f"alarm:TargetTracking-endpoint/{names.of_model('*')}")
