"""Entry point of clean_up: called by the stack itself when it is created, updated and deleted.

https://www.pulumi.com/registry/packages/aws/api-docs/lambda/invocation/
"""

import time
from typing import Any

from aws_lambda_powertools import Logger

from comal.clients import client
from comal.lambda_environment import LambdaEnvironment
from lambdas.clean_up.logic import clean_up
from lambdas.clean_up.serving import ServingCleanUp
from lambdas.clean_up.training import TrainingCleanUp

# What is left of the function's time when it gives up, so that it can still say why.
_LAST_WORDS_S = 5.0


class Environment(LambdaEnvironment):
    """What may be cleaned up, beside what every function is told."""

    empty_on_destroy: bool


def handle(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Clean up after all models when the stack is deleted, and after those that left when it is updated.

    Args:
        event: `stack` and `models`, with `tf`: `action` (create, update or delete) and `prev_input`.
        context: Lambda's; its remaining time bounds the waiting.

    Raises:
        PlatformError: Something could not be deleted; the stack then stays, and destroy can be run again.
    """
    action = event["tf"]["action"]
    models = _leaving(event)
    if action != "delete" and not models:
        return {"done": f"nothing on {action}"}
    environment = Environment.read()
    names, sagemaker = environment.names, client("sagemaker")
    clean_up(
        names,
        models,
        TrainingCleanUp(names, models, client("stepfunctions"), sagemaker),
        ServingCleanUp(names, models, sagemaker, client("application-autoscaling")),
        s3=client("s3"),
        empties_buckets=environment.empty_on_destroy and action == "delete",
        deadline=time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _LAST_WORDS_S,
    )
    Logger().info("left-overs are deleted", models=models)
    return {"done": "cleaned up"}


def _leaving(event: dict[str, Any]) -> list[str]:
    """Models whose left-overs go."""
    models: list[str] = event["models"]
    match event["tf"]["action"]:
        case "delete":
            return models
        case "update":
            before: list[str] = event["tf"]["prev_input"].get("models", [])
            return [model for model in before if model not in models]
        case _:
            return []
