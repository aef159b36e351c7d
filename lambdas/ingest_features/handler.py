"""Entry point of ingest_features: validated batches of models that have feature groups, from its queue."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal import s3_layout
from comal.clients import client
from comal.event_bus import EventBus
from comal.events import parse
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from comal.recipe import Recipe
from lambdas.ingest_features.batches import Batches
from lambdas.ingest_features.feature_store import FeatureStore
from lambdas.ingest_features.ingestion_log import IngestionLog
from lambdas.ingest_features.logic import FeatureIngestion

# A batch of the largest size that validation takes needs less.
_FOR_ONE_BATCH_MS = 60_000


def handle(event: dict[str, Any], context: Any) -> Any:
    """Ingest what every message of a batch tells of; those that fail come again."""
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, lambda record: _handle_record(record, context), processor, context)


def _handle_record(record: SQSRecord, context: Any) -> None:
    names = LambdaEnvironment.read().names
    event = parse(json.loads(record.body))
    recipe = _deployed_recipe(names, event.model) if event.stack == names.stack else None
    if recipe is None or not recipe.feature_groups:
        return
    s3, dynamodb, sagemaker = client("s3"), client("dynamodb"), client("sagemaker")
    definition = recipe.feature_definition
    ingestion = FeatureIngestion(
        names=names,
        recipe=recipe,
        batches=Batches(s3, dynamodb, names),
        log=IngestionLog(dynamodb, names.shared("features"), recipe.model, definition),
        stores={
            name: FeatureStore(
                sagemaker,
                client("sagemaker-featurestore-runtime"),
                s3,
                names.feature_group(recipe.model, name, definition),
                group,
            )
            for name, group in recipe.feature_groups.items()
        },
        bus=EventBus(client("events")),
        has_time=lambda: context.get_remaining_time_in_millis() > _FOR_ONE_BATCH_MS,
    )
    Logger().info(f"{ingestion.catch_up()} batches ingested", model=recipe.model)


def _deployed_recipe(names: Names, model: str) -> Recipe | None:
    s3 = client("s3")
    try:
        answer = s3.get_object(Bucket=names.bucket("lake"), Key=s3_layout.recipe_key(model))
    except s3.exceptions.NoSuchKey:
        return None
    return Recipe.model_validate_json(answer["Body"].read())
