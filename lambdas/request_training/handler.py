"""Entry point of request_training: messages from its queue, one decision each."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal.clients import client
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from comal.recipe import Recipe
from comal.watched_alarms import watched_alarms
from lambdas.request_training.logic import TrainingRequests
from lambdas.request_training.messages import AlarmChange, Message, read_message
from lambdas.request_training.retraining_table import RetrainingTable
from lambdas.request_training.training_runs import TrainingRuns


class Environment(LambdaEnvironment):
    """What jobs run with, beside what every function is told."""

    image_uri: str
    training_role_arn: str


def handle(event: dict[str, Any], context: Any) -> Any:
    """Decide about every message of a batch; those that fail come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, _handle_record, processor, context)


def _handle_record(record: SQSRecord) -> None:
    environment = Environment.read()
    names = environment.names
    message = read_message(names, json.loads(record.body))
    if message is None:
        return
    runs = TrainingRuns(
        names=names,
        image_uri=environment.image_uri,
        role_arn=environment.training_role_arn,
        s3=client("s3"),
        dynamodb=client("dynamodb"),
        sagemaker=client("sagemaker"),
        stepfunctions=client("stepfunctions"),
    )
    table = RetrainingTable(client("dynamodb"), names.shared("retraining"))
    requests = TrainingRequests(names, table, runs, EventBus(client("events")))
    if message.model is not None:
        _log(message.model, _decide(requests, message.model, message))
        return
    models = runs.models()
    if message.alarm is not None:
        models = [model for model in models if _watches(names, runs.recipe(model), message.alarm)]
    _decide_all(requests, models, message)


def _decide(requests: TrainingRequests, model: str, message: Message) -> str:
    if message.trigger:
        return requests.add(model, message.trigger, message.time)
    if message.alarm and message.alarm.is_off:
        return requests.add(model, message.alarm.trigger(message.time), message.time)
    if message.alarm:
        return requests.rest(model, message.alarm.name, message.time)
    return requests.decide(model, message.time, ended=message.ended)


def _decide_all(requests: TrainingRequests, models: list[str], message: Message) -> None:
    """Decide about each model; one that cannot be decided does not keep the others waiting."""
    failures = []
    for model in models:
        try:
            _log(model, _decide(requests, model, message))
        except Exception as error:  # noqa: BLE001  # raised below, with those of the other models
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(models)} models could not be decided", failures)


def _watches(names: Names, recipe: Recipe | None, alarm: AlarmChange) -> bool:
    return recipe is not None and alarm.name in watched_alarms(names, recipe)


def _log(model: str, decision: str) -> None:
    Logger().info(decision, model=model)
