"""Entry point of deploy_model: SageMaker's events from its queue, one reconciliation each."""

import json
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal.clients import client
from comal.deployed_recipes import DeployedRecipes
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from lambdas.deploy_model.logic import Deployment

# Which part of a detail carries the name that group and endpoint of a model share.
_NAME_FIELDS = {
    "SageMaker Model Package State Change": "ModelPackageGroupName",
    "SageMaker Endpoint State Change": "EndpointName",
}


class Environment(LambdaEnvironment):
    """The role of the served models, and whether calls are kept, beside what every function is told."""

    serving_role_arn: str
    capture: bool = False


def handle(event: dict[str, Any], context: Any) -> Any:
    """Reconcile the endpoint that each message of a batch is about; those that fail come again."""
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, _handle_record, processor, context)


def _handle_record(record: SQSRecord) -> None:
    environment = Environment.read()
    envelope = json.loads(record.body)
    model = model_of_event(environment.names, envelope)
    # None as well for other endpoints of the account, which may be called alike.
    recipe = DeployedRecipes(client("s3"), environment.names).of_model(model) if model else None
    if recipe is None:
        return
    deployment = Deployment(
        names=environment.names,
        role_arn=environment.serving_role_arn,
        captures=environment.capture,
        sagemaker=client("sagemaker"),
        autoscaling=client("application-autoscaling"),
        s3=client("s3"),
        bus=EventBus(client("events")),
    )
    done = deployment.reconcile(recipe, datetime.fromisoformat(envelope["time"]))
    Logger().info(done, model=model)


def model_of_event(names: Names, envelope: dict[str, Any]) -> str | None:
    """The model that an event of SageMaker is about; None when its name is none of the stack's.

    Raises:
        KeyError: The detail type is none that this function knows.
    """
    name = envelope["detail"].get(_NAME_FIELDS[envelope["detail-type"]], "")
    model = names.model_of(name)
    return model if model and names.of_model(model) == name else None
