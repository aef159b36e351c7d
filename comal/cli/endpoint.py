"""A model's endpoint as SageMaker shows it."""

from typing import Any

from comal.absence import describe_or_none
from comal.cli.target import Target
from comal.serving_config import version_of_config

IN_SERVICE = "InService"


def endpoint_of(target: Target, model: str) -> dict[str, Any] | None:
    """The endpoint, or None before the first approved version.

    Returns:
        name, status, config, version (that the config serves), failure (of the last update, or None), updated_at.
    """
    name = target.names.of_model(model)
    endpoint = describe_or_none(target.client("sagemaker").describe_endpoint, EndpointName=name)
    if endpoint is None:
        return None
    config = endpoint.get("EndpointConfigName")
    return {
        "name": name,
        "status": endpoint["EndpointStatus"],
        "config": config,
        "version": version_of_config(target.names, model, config) if config else None,
        "failure": endpoint.get("FailureReason"),
        "updated_at": endpoint["LastModifiedTime"],
    }
