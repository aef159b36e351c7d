"""The requests that let a fleet grow and shrink with its traffic: a scalable target and its target tracking policy.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
"""

from typing import Any

from comal.names import Names
from comal.recipe import Recipe
from comal.serving_config import VARIANT

POLICY = "requests-per-instance"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_SECONDS_PER_MINUTE = 60


def scales(recipe: Recipe) -> bool:
    """Whether the recipe leaves the number of instances to the traffic."""
    return not recipe.serving.is_serverless and recipe.serving.max_instances > recipe.serving.min


def target_id(names: Names, model: str) -> dict[str, str]:
    """What names a model's scalable target in every request."""
    resource_id = f"endpoint/{names.of_model(model)}/variant/{VARIANT}"
    return {"ServiceNamespace": "sagemaker", "ResourceId": resource_id, "ScalableDimension": _DIMENSION}


def tracking(recipe: Recipe) -> dict[str, Any]:
    """TargetTrackingScalingPolicyConfiguration: so many requests a minute for each instance.

    Cooldowns are AWS's own, 300 s each way.
    """
    return {
        "TargetValue": float(recipe.serving.target_rps * _SECONDS_PER_MINUTE),
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }


def policy_request(names: Names, recipe: Recipe) -> dict[str, Any]:
    """PutScalingPolicy request."""
    return {
        **target_id(names, recipe.model),
        "PolicyName": POLICY,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking(recipe),
    }
