"""Predictions for whole batches: on a schedule and on request, catalogued for Athena and awswrangler."""

import json

import pulumi
from pulumi_aws import glue, scheduler

from comal import s3_layout
from comal.events import SOURCE
from comal.recipe import Recipe
from infra.components.function import Inbox, QueuedFunction, Work
from infra.components.role import Role, role_arn
from infra.policies import functions, services
from infra.stack import Stack

SCORE_TIMEOUT_S = 120
_HIVE_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
# No prediction is older than the kit.
_FIRST_DAY = "2026-01-01"


class BatchServing(pulumi.ComponentResource):
    """score_batch with its schedules, the jobs' role, and a Glue table a model.

    Without an image there is nothing to run; the table and the queue are made all the same.

    Attributes:
        functions: Functions that wait for their deliveries.
    """

    def __init__(self, stack: Stack, *, layer: pulumi.Input[str], database: pulumi.Input[str]) -> None:
        super().__init__("comal:batch:BatchServing", "batch-serving")
        child = pulumi.ResourceOptions(parent=self)
        for recipe in stack.recipes:
            self._add_table(stack, recipe, database)
        inbox = Inbox("score_batch", stack, timeout_s=SCORE_TIMEOUT_S, opts=child)
        inbox.receives(
            "requested",
            {
                "source": [SOURCE],
                "detail-type": ["BatchScoringRequested"],
                "detail": {"stack": [stack.names.stack]},
            },
            parent=self,
        )
        inbox.receives(
            "transformed",
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Transform Job State Change"],
                "detail": {
                    "TransformJobName": [{"prefix": stack.names.of_model("")}],
                    "TransformJobStatus": ["Completed", "Failed", "Stopped"],
                },
            },
            parent=self,
        )
        self._add_schedules(stack, inbox)
        self.functions: list[QueuedFunction] = []
        if stack.settings.image_uri:
            role = Role(
                "batch_transform",
                stack,
                service="sagemaker.amazonaws.com",
                policy=services.batch_transform(stack.names, stack.settings.image_repository_arn),
                opts=child,
            )
            work = Work(
                policy=functions.score_batch(stack.names, role_arn("batch_transform", stack)),
                environment={"COMAL_TRANSFORM_ROLE_ARN": role.arn},
                timeout_s=SCORE_TIMEOUT_S,
            )
            self.functions.append(QueuedFunction(inbox, stack, work, layer=layer, opts=child))
        self.register_outputs({})

    def _add_schedules(self, stack: Stack, inbox: Inbox) -> None:
        scheduled = [recipe for recipe in stack.recipes if recipe.batch.schedule]
        if not scheduled:
            return
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            "batch_schedule",
            stack,
            service="scheduler.amazonaws.com",
            policy=services.schedule(stack.names, "score_batch"),
            opts=child,
        )
        for recipe in scheduled:
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
            message = {
                "source": SOURCE,
                "detail-type": "Schedule",
                "model": recipe.model,
                "time": "<aws.scheduler.scheduled-time>",
            }
            scheduler.Schedule(
                f"{recipe.model}-score",
                name=f"{stack.names.of_model(recipe.model)}-score",
                schedule_expression=recipe.batch.schedule,
                flexible_time_window={"mode": "OFF"},
                target={"arn": inbox.arn, "role_arn": role.arn, "input": json.dumps(message)},
                opts=child,
            )

    def _add_table(self, stack: Stack, recipe: Recipe, database: pulumi.Input[str]) -> None:
        """Partition projection: a day's folder is a partition as soon as it is there, and nobody has to add it.

        https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
        """
        folder = s3_layout.predictions_of(s3_layout.validated_prefix(recipe.model))
        location = f"s3://{stack.names.bucket('lake')}/{folder}"
        glue.CatalogTable(
            f"{recipe.model}-predictions",
            name=stack.names.predictions_table(recipe.model),
            database_name=database,
            description=f"Batch predictions of {recipe.model}",
            table_type="EXTERNAL_TABLE",
            parameters={
                "classification": "parquet",
                "projection.enabled": "true",
                "projection.dt.type": "date",
                "projection.dt.format": "yyyy-MM-dd",
                "projection.dt.range": f"{_FIRST_DAY},NOW",
                "storage.location.template": f"{location}dt=${{dt}}/",
            },
            partition_keys=[{"name": "dt", "type": "string"}],
            storage_descriptor=glue.CatalogTableStorageDescriptorArgs(
                location=location,
                columns=_columns(recipe),
                input_format=f"{_HIVE_PARQUET}.MapredParquetInputFormat",
                output_format=f"{_HIVE_PARQUET}.MapredParquetOutputFormat",
                ser_de_info=glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    serialization_library=f"{_HIVE_PARQUET}.serde.ParquetHiveSerDe"
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _columns(recipe: Recipe) -> list[glue.CatalogTableStorageDescriptorColumnArgs]:
    """What the container writes: training/serve/tables.py."""
    keys = [recipe.entity, recipe.event_time.column if recipe.event_time else None]
    columns = [("row_number", "bigint"), *((key, "string") for key in keys if key)]
    if recipe.task == "regression":
        columns.append(("prediction", "double"))
    else:
        columns += [("prediction", "string"), ("probability", "double")]
    columns += [("model_version", "string"), ("scored_at", "timestamp")]
    return [glue.CatalogTableStorageDescriptorColumnArgs(name=name, type=kind) for name, kind in columns]
