"""Entry point of monitor_endpoint: messages from its queue, one file, deployment or tick of the timer each."""

import json
from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal import registry
from comal.clients import client
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from lambdas.monitor_endpoint.buckets import Buckets
from lambdas.monitor_endpoint.logic import Monitoring
from lambdas.monitor_endpoint.messages import read_message
from lambdas.monitor_endpoint.metrics import emit_metrics
from lambdas.monitor_endpoint.monitoring_table import MonitoringTable


class Environment(LambdaEnvironment):
    """How often alarms look, beside what every function is told."""

    alarm_period_seconds: int


def handle(event: dict[str, Any], context: Any) -> Any:
    """Handle every message of a batch, then emit the metrics of the models that they were about.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    environment = Environment.read()
    monitoring = _monitoring(environment.names)
    touched: dict[str, datetime] = {}
    counts: dict[str, Counter[str]] = {}
    processor = BatchProcessor(event_type=EventType.SQS)
    try:
        return process_partial_response(
            event, partial(_handle_record, monitoring=monitoring, touched=touched, counts=counts), processor, context
        )
    finally:
        resolution_s = 1 if environment.alarm_period_seconds < 60 else 60
        for model, time in touched.items():
            values = monitoring.metrics(model, time) | counts.get(model, {})
            emit_metrics(environment.stack, model, values, time, resolution_s)


def _handle_record(
    record: SQSRecord, monitoring: Monitoring, touched: dict[str, datetime], counts: dict[str, Counter[str]]
) -> None:
    message = read_message(monitoring.names, json.loads(record.body))
    if message is None:
        return
    done = monitoring.handle(message)
    for model in done.models:
        touched[model] = max(message.time, touched.get(model, message.time))
        counts.setdefault(model, Counter()).update(done.counts)
    if done.log:
        Logger().info(done.log)


def _monitoring(names: Names) -> Monitoring:
    table = MonitoringTable(client("dynamodb"), names.shared("monitoring"))
    buckets = Buckets(client("s3"), names)
    bus = EventBus(client("events"))
    return Monitoring(names, table, buckets, bus, partial(_baseline, names), partial(_lifetime, names))


def _baseline(names: Names, model: str, version: int, metric: str) -> float | None:
    """A metric of a version on its held-out rows, as the registry has it."""
    for found in registry.versions(client("sagemaker"), names, model):
        if found.version == version:
            return found.metrics.get(metric)
    return None


def _lifetime(names: Names, model: str) -> tuple[datetime, datetime] | None:
    """From when to when the champion is good; None without one, or for one that somebody else registered."""
    champion = registry.champion(client("sagemaker"), names, model)
    return (champion.created_at, champion.expires_at) if champion and champion.expires_at else None
