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
    """What there is to clean up, beside what every function is told."""

    empty_on_destroy: bool
    models: str

    @property
    def model_names(self) -> list[str]:
        """Models of the stack."""
        return [model for model in self.models.split(",") if model]


def handle(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Clean up when the stack is deleted; do nothing when it is created or updated.

    Args:
        event: The stack's input with `tf.action`: create, update or delete.
        context: Lambda's; its remaining time bounds the waiting.

    Raises:
        PlatformError: Something could not be deleted; the stack then stays, and destroy can be run again.
    """
    action = event["tf"]["action"]
    if action != "delete":
        return {"done": f"nothing on {action}"}
    environment = Environment.read()
    names, sagemaker = environment.names, client("sagemaker")
    clean_up(
        names,
        environment.model_names,
        TrainingCleanUp(names, client("stepfunctions"), sagemaker),
        ServingCleanUp(names, sagemaker),
        s3=client("s3"),
        empties_buckets=environment.empty_on_destroy,
        deadline=time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _LAST_WORDS_S,
    )
    Logger().info("the stack's left-overs are deleted", models=environment.models)
    return {"done": "cleaned up"}
