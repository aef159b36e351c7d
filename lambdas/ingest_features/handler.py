"""Entry point of ingest_features, from its queue: validated batches, and feature groups that were made."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from comal.clients import client
from comal.deployed_recipes import DeployedRecipes
from comal.event_bus import EventBus
from comal.events import parse
from comal.feature_group import GROUP_CHANGED
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from comal.recipe import Recipe
from lambdas.ingest_features.batches import Batches
from lambdas.ingest_features.feature_store import FeatureStore, is_made
from lambdas.ingest_features.group_names import group_names, recipe_of_group
from lambdas.ingest_features.ingestion_log import IngestionLog
from lambdas.ingest_features.logic import FeatureIngestion

# A batch of the largest size that validation takes needs less.
_FOR_ONE_BATCH_MS = 60_000


def handle(event: dict[str, Any], context: Any) -> Any:
    """Ingest all that the model of each message has not ingested; messages that fail come again."""
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, lambda record: _handle_record(record, context), processor, context)


def _handle_record(record: SQSRecord, context: Any) -> None:
    names = LambdaEnvironment.read().names
    recipe = _recipe_of(names, json.loads(record.body))
    if recipe is not None and recipe.feature_groups:
        ingested = _ingestion(names, recipe, context).catch_up()
        Logger().info(f"{ingested} batches ingested", model=recipe.model)


def _recipe_of(names: Names, envelope: dict[str, Any]) -> Recipe | None:
    """The deployed recipe that a message gives something to ingest for, or None."""
    recipes = DeployedRecipes(client("s3"), names)
    if envelope["detail-type"] == GROUP_CHANGED:
        recipe = recipe_of_group(recipes, names, envelope["detail"]["FeatureGroupName"])
        # Each group is told of when it is made, so the message of the last one finds them all.
        return recipe if recipe is not None and _are_made(names, recipe) else None
    event = parse(envelope)
    return recipes.of_model(event.model) if event.stack == names.stack else None


def _are_made(names: Names, recipe: Recipe) -> bool:
    return all(is_made(client("sagemaker"), name) for name in group_names(names, recipe).values())


def _ingestion(names: Names, recipe: Recipe, context: Any) -> FeatureIngestion:
    s3, dynamodb, sagemaker = client("s3"), client("dynamodb"), client("sagemaker")
    runtime = client("sagemaker-featurestore-runtime")
    stores = {
        name: FeatureStore(sagemaker, runtime, s3, full_name, recipe.feature_groups[name])
        for name, full_name in group_names(names, recipe).items()
    }
    return FeatureIngestion(
        names=names,
        recipe=recipe,
        batches=Batches(s3, dynamodb, names),
        log=IngestionLog(dynamodb, names.shared("features"), recipe.model, [store.uri for store in stores.values()]),
        stores=stores,
        bus=EventBus(client("events")),
        has_time=lambda: context.get_remaining_time_in_millis() > _FOR_ONE_BATCH_MS,
        warn=lambda text: Logger().warning(text, model=recipe.model),
    )
