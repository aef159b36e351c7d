"""What is known of an entity at any moment: feature groups online and offline, and what fills them."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import glue, sagemaker

from comal import s3_layout
from comal.events import SOURCE
from comal.feature_group import EVENT_TIME, GROUP_CHANGED, KNOWN_AT, FeatureGroup
from comal.recipe import Recipe
from infra.components.function import Inbox, QueuedFunction, Work
from infra.components.role import Role
from infra.components.table import table
from infra.policies import functions, services
from infra.stack import Stack

INGEST_TIMEOUT_S = 300
# One vCPU, as validate_batch: it reads the same files.
INGEST_MEMORY_MB = 1769
_HIVE_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
# No feature is older than the kit, but for histories that are pushed with a delay.
_FIRST_YEAR = 2000
_LAST_YEAR = 2100
_HOURS_PER_DAY = 24


class FeatureStore(pulumi.ComponentResource):
    """The features table, ingest_features, and a feature group with its Glue table for each of the recipes'.

    A group whose definition changes is another group: its name has a digest of the definition. That it was made is an
    event of SageMaker, on which ingest_features fills it from the batches that are there.

    Attributes:
        functions: Functions that wait for their deliveries.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        layer: pulumi.Input[str],
        database: pulumi.Input[str],
        recipes: Mapping[str, pulumi.Resource],
    ) -> None:
        """`recipes` are the deployed recipes, by model."""
        super().__init__("comal:features:FeatureStore", "feature-store")
        child = pulumi.ResourceOptions(parent=self)
        table("features", stack, self)
        role = Role(
            "feature_store",
            stack,
            service="sagemaker.amazonaws.com",
            policy=services.feature_store(stack.names),
            opts=child,
        )
        inbox = Inbox("ingest_features", stack, timeout_s=INGEST_TIMEOUT_S, opts=child)
        hears_of_groups = self._add_rules(stack, inbox)
        groups: list[pulumi.Resource] = []
        for recipe in stack.recipes:
            # Whoever hears of a group that was made finds the recipe that says what belongs into it.
            after = [hears_of_groups, recipes[recipe.model]]
            for name, group in recipe.feature_groups.items():
                made = self._add_group(stack, recipe, name, group, role, database, after)
                self._add_table(stack, recipe, name, group, made, database)
                groups.append(made)
        work = Work(
            policy=functions.ingest_features(stack.names),
            environment={},
            timeout_s=INGEST_TIMEOUT_S,
            memory_mb=INGEST_MEMORY_MB,
            batch_size=1,
        )
        options = pulumi.ResourceOptions(parent=self, depends_on=groups)
        self.functions = [QueuedFunction(inbox, stack, work, layer=layer, opts=options)]
        self.register_outputs({})

    def _add_rules(self, stack: Stack, inbox: Inbox) -> pulumi.Resource:
        """What sets off an ingestion; returns what must be there before a feature group is made."""
        # Without a model that has groups the rule waits for an event that never comes, and the function costs nothing.
        models: list[Any] = [recipe.model for recipe in stack.recipes if recipe.feature_groups] or [{"exists": False}]
        pattern = {
            "source": [SOURCE],
            "detail-type": ["BatchValidated"],
            "detail": {"stack": [stack.names.stack], "model": models},
        }
        inbox.receives("validated", pattern, parent=self)
        made = {
            "source": ["aws.sagemaker"],
            "detail-type": [GROUP_CHANGED],
            # AWS's example of the event says Active where DescribeFeatureGroup says Created.
            "detail": {
                "FeatureGroupName": [{"prefix": stack.names.of_model("")}],
                "FeatureGroupStatus": ["Active", "Created"],
            },
        }
        return inbox.receives("group-made", made, parent=self)

    def _add_group(
        self,
        stack: Stack,
        recipe: Recipe,
        name: str,
        group: FeatureGroup,
        role: Role,
        database: pulumi.Input[str],
        after: list[pulumi.Resource],
    ) -> sagemaker.FeatureGroup:
        lake = stack.names.bucket("lake")
        types = {group.entity: "String", KNOWN_AT: "Fractional", EVENT_TIME: "Fractional"}
        types |= dict.fromkeys(group.windows, "Fractional")
        return sagemaker.FeatureGroup(
            f"{recipe.model}-{name}",
            feature_group_name=stack.names.feature_group(recipe.model, name, recipe.feature_definition),
            description=f"{name} of {recipe.model}",
            record_identifier_feature_name=group.entity,
            event_time_feature_name=KNOWN_AT,
            feature_definitions=[{"feature_name": feature, "feature_type": kind} for feature, kind in types.items()],
            online_store_config={
                "enable_online_store": True,
                "ttl_duration": {"unit": "Seconds", "value": group.ttl_s},
            },
            offline_store_config={
                "s3_storage_config": {"s3_uri": f"s3://{lake}/{s3_layout.FEATURE_STORE}".rstrip("/")},
                # SageMaker leaves a table that it made behind; this one goes with the stack.
                "disable_glue_table_creation": True,
                "data_catalog_config": {
                    "catalog": "AwsDataCatalog",
                    "database": database,
                    "table_name": stack.names.features_table(recipe.model, name),
                },
            },
            role_arn=role.arn,
            tags=stack.tags(recipe.model),
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )

    def _add_table(
        self,
        stack: Stack,
        recipe: Recipe,
        name: str,
        group: FeatureGroup,
        made: sagemaker.FeatureGroup,
        database: pulumi.Input[str],
    ) -> None:
        """Partition projection over the folders that SageMaker lays: an hour's is a partition as soon as it is there.

        https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
        """
        location = made.offline_store_config.apply(
            lambda config: (config and config.s3_storage_config.resolved_output_s3_uri) or ""
        )
        columns = [(group.entity, "string"), (KNOWN_AT, "double"), (EVENT_TIME, "double")]
        columns += [(window, "double") for window in group.windows]
        columns += [("write_time", "timestamp"), ("api_invocation_time", "timestamp"), ("is_deleted", "boolean")]
        ranges = {
            "year": (_FIRST_YEAR, _LAST_YEAR, 4),
            "month": (1, 12, 2),
            "day": (1, 31, 2),
            "hour": (0, _HOURS_PER_DAY - 1, 2),
        }
        projection = {
            f"projection.{part}.{key}": value
            for part, (first, last, digits) in ranges.items()
            for key, value in (("type", "integer"), ("range", f"{first},{last}"), ("digits", str(digits)))
        }
        glue.CatalogTable(
            f"{recipe.model}-{name}",
            name=stack.names.features_table(recipe.model, name),
            database_name=database,
            description=f"Offline store of {name} of {recipe.model}",
            table_type="EXTERNAL_TABLE",
            parameters={"classification": "parquet", "projection.enabled": "true", **projection},
            partition_keys=[{"name": part, "type": "string"} for part in ranges],
            storage_descriptor=glue.CatalogTableStorageDescriptorArgs(
                location=location,
                columns=[
                    glue.CatalogTableStorageDescriptorColumnArgs(name=column, type=kind) for column, kind in columns
                ],
                input_format=f"{_HIVE_PARQUET}.MapredParquetInputFormat",
                output_format=f"{_HIVE_PARQUET}.MapredParquetOutputFormat",
                ser_de_info=glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    serialization_library=f"{_HIVE_PARQUET}.serde.ParquetHiveSerDe"
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
