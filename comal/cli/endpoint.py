"""A model's endpoint as SageMaker shows it."""

import re
from typing import Any

from comal.cli.target import Target

IN_SERVICE = "InService"


def endpoint_of(target: Target, model: str) -> dict[str, Any] | None:
    """The endpoint, or None before the first approved version.

    Returns:
        name, status, config, version (that the config serves), failure (of the last update, or None), updated_at.
    """
    sagemaker = target.client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=target.names.of_model(model))
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Message"].startswith("Could not find endpoint"):
            return None
        raise
    config = endpoint.get("EndpointConfigName")
    return {
        "name": endpoint["EndpointName"],
        "status": endpoint["EndpointStatus"],
        "config": config,
        "version": _served_version(sagemaker, config) if config else None,
        "failure": endpoint.get("FailureReason"),
        "updated_at": endpoint["LastModifiedTime"],
    }


def _served_version(sagemaker: Any, config: str) -> int | None:
    """The version behind a config: its model is called <stack>-<model>-v<version> (comal.names)."""
    try:
        variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Message"].startswith("Could not find endpoint configuration"):
            return None
        raise
    found = re.search(r"-v(\d+)$", variants[0]["ModelName"])
    return int(found.group(1)) if found else None
