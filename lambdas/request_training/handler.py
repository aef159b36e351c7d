"""Entry point of request_training: messages from its queue, one decision each."""

import json
import time
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal.clients import client
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from comal.watched_alarms import watched_alarms
from lambdas.request_training.logic import TrainingRequests
from lambdas.request_training.messages import Message, read_message
from lambdas.request_training.retraining_table import RetrainingTable
from lambdas.request_training.training_runs import TrainingRuns

# A run that starts waits so long for reasons that come together with the first, such as several at midnight.
_LINGER_S = 1.0


class Environment(LambdaEnvironment):
    """What jobs run with, beside what every function is told; `tracking_uri` with the component `experiments`."""

    image_uri: str
    training_role_arn: str
    tracking_uri: str = ""


def handle(event: dict[str, Any], context: Any) -> Any:
    """Decide about every message of a batch; those that fail come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    desk = _Desk(Environment.read())
    desk.write_down(event)
    return process_partial_response(event, desk.handle, BatchProcessor(event_type=EventType.SQS), context)


class _Desk:
    """What one batch of messages is decided with."""

    def __init__(self, environment: Environment) -> None:
        self._names = environment.names
        self._runs = TrainingRuns(
            names=self._names,
            image_uri=environment.image_uri,
            role_arn=environment.training_role_arn,
            tracking_uri=environment.tracking_uri,
            s3=client("s3"),
            dynamodb=client("dynamodb"),
            sagemaker=client("sagemaker"),
            stepfunctions=client("stepfunctions"),
        )
        self._table = RetrainingTable(client("dynamodb"), self._names.shared("retraining"))
        bus = EventBus(client("events"))
        self._requests = TrainingRequests(self._names, self._table, self._runs, bus, partial(time.sleep, _LINGER_S))

    def write_down(self, event: dict[str, Any]) -> None:
        """Write every trigger of a batch down before the first decision: what came together runs together."""
        for record in event["Records"]:
            try:
                message = read_message(self._names, json.loads(record["body"]))
            except Exception:  # noqa: BLE001, S112  # it fails alone, when it is decided about
                continue
            pending = message and message.pending
            if message and pending:
                for model in self._models_of(message):
                    self._table.add(model, pending)

    def handle(self, record: SQSRecord) -> None:
        """Decide about one message."""
        message = read_message(self._names, json.loads(record.body))
        if message is not None:
            self._decide_all(message)

    def _decide_all(self, message: Message) -> None:
        """Decide about each model that it is about; one that cannot be decided does not keep the others waiting."""
        models = self._models_of(message)
        failures = []
        for model in models:
            try:
                _log(model, self._decide(model, message))
            except Exception as error:  # noqa: BLE001  # raised below, with those of the other models
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(models)} models could not be decided", failures)

    def _models_of(self, message: Message) -> list[str]:
        if message.model is not None:
            return [message.model]
        alarm = message.alarm
        return [model for model in self._runs.models() if alarm is None or self._watches(model, alarm.name)]

    def _watches(self, model: str, alarm: str) -> bool:
        recipe = self._runs.recipe(model)
        return recipe is not None and alarm in watched_alarms(self._names, recipe)

    def _decide(self, model: str, message: Message) -> str:
        if message.pending:
            return self._requests.add(model, message.pending, message.time)
        if message.alarm:
            return self._requests.rest(model, message.alarm.name, message.time)
        return self._requests.decide(model, message.time, ended=message.ended)


def _log(model: str, decision: str) -> None:
    Logger().info(decision, model=model)
