"""Entry point of register_model: the step of the state machine after training."""

from typing import Any

from aws_lambda_powertools import Logger

from comal.clients import client
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from lambdas.register_model.logic import Registration
from lambdas.register_model.training_output import FinishedJob


class Environment(LambdaEnvironment):
    """The image that serves a version, beside what every function is told."""

    image_uri: str


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda passes both
    """Register and judge the model of a finished job.

    Args:
        event: State of the execution: model, run_id, training_job, champion, training_job_result.
        context: Lambda's.

    Returns:
        version, model_package_arn, approval, why.
    """
    environment = Environment.read()
    registration = Registration(
        names=environment.names,
        image_uri=environment.image_uri,
        s3=client("s3"),
        sagemaker=client("sagemaker"),
        bus=EventBus(client("events")),
    )
    job = FinishedJob.from_state(event)
    version = registration.register(job)
    Logger().info(f"version {version.version} {version.approval}: {version.why}", model=job.model, run_id=job.run_id)
    return {
        "version": version.version,
        "model_package_arn": version.arn,
        "approval": version.approval,
        "why": version.why,
    }
