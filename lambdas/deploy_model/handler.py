"""Entry point of deploy_model: SageMaker's events from its queue, one reconciliation each."""

import json
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal import s3_layout
from comal.clients import client
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from comal.recipe import Recipe
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
    recipe = _deployed_recipe(environment.names, model) if model else None
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


def _deployed_recipe(names: Names, model: str) -> Recipe | None:
    """None when the stack has no such model: other endpoints of the account may be called alike."""
    s3 = client("s3")
    try:
        answer = s3.get_object(Bucket=names.bucket("lake"), Key=s3_layout.recipe_key(model))
    except s3.exceptions.NoSuchKey:
        return None
    return Recipe.model_validate_json(answer["Body"].read())
