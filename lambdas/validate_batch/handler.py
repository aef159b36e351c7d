"""Entry point of validate_batch: messages from its queue, one pushed object each."""

import json
import math
import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal.clients import client
from comal.event_bus import EventBus
from comal.lambda_environment import LambdaEnvironment
from lambdas.validate_batch.batch_table import BatchTable
from lambdas.validate_batch.buckets import Buckets
from lambdas.validate_batch.logic import Lease, Validation
from lambdas.validate_batch.upload import read_upload


def handle(event: dict[str, Any], context: Any) -> Any:
    """Validate every object of a batch of messages; those that fail come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    # Leases end with the invocation that took them, and what ends an invocation is the clock on the wall.
    now_s = time.time()
    lease = Lease(int(now_s), math.ceil(now_s + context.get_remaining_time_in_millis() / 1000))
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, lambda record: _handle_record(record, lease), processor, context)


def _handle_record(record: SQSRecord, lease: Lease) -> None:
    upload = read_upload(json.loads(record.body))
    if upload is None:
        return
    _hide(record, lease)
    names = LambdaEnvironment.read().names
    s3 = client("s3")
    table = BatchTable(client("dynamodb"), names.shared("batches"))
    validation = Validation(names, Buckets(s3, names), table, EventBus(client("events")))
    batch = validation.validate(upload, lease)
    Logger().info(
        f"batch {batch.batch_id} {batch.status}: {upload.key}",
        model=upload.model,
        rows=batch.rows,
        problems=batch.problems,
        warnings=batch.warnings,
    )


def _hide(record: SQSRecord, lease: Lease) -> None:
    """Let the message come again when this invocation must have ended, and not only after the queue's own timeout.

    That one is six times as long, for messages which Lambda holds while the function is throttled; the function has
    this one. It goes first, since a function that dies has no last word. Who comes while another is at work is hidden
    for as long: the other began before, so its lease will have ended.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
    """
    client("sqs").change_message_visibility(
        QueueUrl=record.queue_url,
        ReceiptHandle=record.receipt_handle,
        VisibilityTimeout=lease.until_s - lease.now_s,
    )
