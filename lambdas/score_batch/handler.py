"""Entry point of score_batch: wishes, schedules and ends of transform jobs from its queue."""

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
from lambdas.score_batch.logic import Scoring
from lambdas.score_batch.messages import Ended, read_message
from lambdas.score_batch.predictions import Predictions
from lambdas.score_batch.transform import Transforms


class Environment(LambdaEnvironment):
    """The role of the transform jobs, beside what every function is told."""

    transform_role_arn: str


def handle(event: dict[str, Any], context: Any) -> Any:
    """Do what each message of a batch asks for; those that fail come again."""
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, _handle_record, processor, context)


def _handle_record(record: SQSRecord) -> None:
    environment = Environment.read()
    names = environment.names
    envelope = json.loads(record.body)
    message = read_message(names, envelope)
    if message is None:
        return
    sagemaker = client("sagemaker")
    scoring = Scoring(
        names=names,
        transforms=Transforms(sagemaker, names, environment.transform_role_arn),
        predictions=Predictions(client("s3"), names.bucket("lake")),
        dynamodb=client("dynamodb"),
        sagemaker=sagemaker,
        bus=EventBus(client("events")),
    )
    if isinstance(message, Ended):
        done = scoring.finish(message, datetime.fromisoformat(envelope["time"]))
    else:
        recipe = DeployedRecipes(client("s3"), names).of_model(message.model)
        done = scoring.begin(recipe, message) if recipe else f"the stack has no model '{message.model}'"
    Logger().info(done, model=message.model)
