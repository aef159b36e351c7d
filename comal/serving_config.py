"""The requests that put a model version behind an endpoint: Model, EndpointConfig and Endpoint.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deployment.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-create.html
"""

import hashlib
import json
import re
from typing import Any

from comal import s3_layout
from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion

# Deployment guardrails require that a variant keeps its name from config to config.
VARIANT = "AllTraffic"
# The variable by which a container knows its version, and repeats it in every answer.
MODEL_VERSION = "COMAL_MODEL_VERSION"
# From when on a container refuses every request; unset for a version that may grow old.
EXPIRES_AT = "COMAL_EXPIRES_AT"
_SETTINGS_DIGITS = 6


def config_name(names: Names, recipe: Recipe, version: int, *, captures: bool = False) -> str:
    """Name of the config that serves a version as the recipe says; other settings give another name.

    Stays below AWS's 63 characters up to version 99999. `captures` is whether calls are kept for monitoring.
    """
    settings = json.dumps(_capacity(recipe) | _capture(names, recipe, captures=captures), sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:_SETTINGS_DIGITS]
    return f"{names.model_version(recipe.model, version)}-{digest}"


def version_of_config(names: Names, model: str, config: str) -> int | None:
    """The version that a config of `config_name` serves; None for a config of anything else."""
    pattern = rf"{re.escape(names.of_model(model))}-v(\d+)-[0-9a-f]{{{_SETTINGS_DIGITS}}}"
    found = re.fullmatch(pattern, config)
    return int(found.group(1)) if found else None


def version_of_model(names: Names, model: str, name: str) -> int | None:
    """The version that a SageMaker Model of `Names.model_version` holds; None for any other Model."""
    found = re.fullmatch(rf"{re.escape(names.of_model(model))}-v(\d+)", name)
    return int(found.group(1)) if found else None


def model_request(names: Names, model: str, version: ModelVersion, *, role_arn: str) -> dict[str, Any]:
    """CreateModel request. A version keeps the image that it was registered with, also when the stack moved on."""
    return {
        "ModelName": names.model_version(model, version.version),
        "PrimaryContainer": {
            "Image": version.image_uri,
            "ModelDataUrl": version.model_data_url,
            "Environment": {
                MODEL_VERSION: str(version.version),
                "COMAL_MODEL_PACKAGE_ARN": version.arn,
                **_expiry(version),
            },
        },
        "ExecutionRoleArn": role_arn,
        "Tags": tags(names, model),
    }


def config_request(names: Names, recipe: Recipe, version: int, *, captures: bool = False) -> dict[str, Any]:
    """CreateEndpointConfig request: one variant that takes all traffic."""
    variant = {"VariantName": VARIANT, "ModelName": names.model_version(recipe.model, version), **_capacity(recipe)}
    return {
        "EndpointConfigName": config_name(names, recipe, version, captures=captures),
        "ProductionVariants": [variant],
        "Tags": tags(names, recipe.model),
        **_capture(names, recipe, captures=captures),
    }


def endpoint_request(names: Names, recipe: Recipe, version: int, *, captures: bool = False) -> dict[str, Any]:
    """CreateEndpoint request; UpdateEndpoint takes the same without tags."""
    return {
        "EndpointName": names.of_model(recipe.model),
        "EndpointConfigName": config_name(names, recipe, version, captures=captures),
        "Tags": tags(names, recipe.model),
    }


def tags(names: Names, model: str) -> list[dict[str, str]]:
    """By what the kit finds again what it made."""
    return [{"Key": "comal:stack", "Value": names.stack}, {"Key": "comal:model", "Value": model}]


def _expiry(version: ModelVersion) -> dict[str, str]:
    if version.expires_at is None or not version.refuses_when_expired:
        return {}
    return {EXPIRES_AT: version.expires_at.isoformat()}


def _capacity(recipe: Recipe) -> dict[str, Any]:
    serving = recipe.serving
    if serving.is_serverless:
        return {"ServerlessConfig": {"MemorySizeInMB": serving.memory_mb, "MaxConcurrency": serving.max_concurrency}}
    return {
        "InstanceType": serving.instance,
        "InitialInstanceCount": serving.min,
        "InitialVariantWeight": 1.0,
    }


def _capture(names: Names, recipe: Recipe, *, captures: bool) -> dict[str, Any]:
    """The part of a config that keeps calls and answers; AWS refuses it for serverless endpoints.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """
    if not captures or recipe.serving.is_serverless:
        return {}
    prefix = s3_layout.capture_prefix(recipe.model).rstrip("/")
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": recipe.serving.capture_percent,
        "DestinationS3Uri": f"s3://{names.bucket('capture')}/{prefix}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # Types that are not listed are kept in base64.
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    return {"DataCaptureConfig": capture}
