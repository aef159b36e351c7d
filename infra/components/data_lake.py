"""Where data comes in, is checked and stays."""

import pulumi
from pulumi_aws import glue, s3

from comal import own_fit, s3_layout
from comal.limits import VALIDATION_STORAGE_MB
from infra.components.bucket import Bucket
from infra.components.function import Inbox, QueuedFunction, Work
from infra.components.layer import FunctionLayer
from infra.components.table import table
from infra.policies import functions
from infra.settings import REPOSITORY
from infra.stack import Stack

VALIDATE_TIMEOUT_S = 300
# One vCPU; below that a function has a share of one.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
VALIDATE_MEMORY_MB = 1769


class DataLake(pulumi.ComponentResource):
    """Buckets, deployed recipes, the batches table, the Glue database and validate_batch.

    Attributes:
        recipes: Deployed recipes, by model.
        layer: ARN of the layer that every function imports from.
        database: Name of the stack's Glue database.
        functions: Functions that wait for their deliveries.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__("comal:data:DataLake", "data")
        child = pulumi.ResourceOptions(parent=self)
        landing, lake, models = (Bucket(kind, stack, opts=child) for kind in ("landing", "lake", "models"))
        s3.BucketNotification("landing", bucket=landing.name, eventbridge=True, opts=child)
        self.recipes: dict[str, pulumi.Resource] = {}
        for recipe in stack.recipes:
            self.recipes[recipe.model] = s3.BucketObjectv2(
                f"recipe-{recipe.model}",
                bucket=lake.name,
                key=s3_layout.recipe_key(recipe.model),
                content=recipe.model_dump_json(indent=2),
                content_type="application/json",
                tags=stack.tags(recipe.model),
                opts=child,
            )
            source = own_fit.source_of(recipe, REPOSITORY)
            if source is not None:
                s3.BucketObjectv2(
                    f"fit-{recipe.model}",
                    bucket=lake.name,
                    key=s3_layout.own_fit_key(recipe.model),
                    content=source,
                    content_type="text/x-python",
                    tags=stack.tags(recipe.model),
                    opts=child,
                )
        batches = table("batches", stack, self)
        self.database = glue.CatalogDatabase(
            "database",
            name=stack.names.database,
            description=f"Tables of comal's stack {stack.names.stack}",
            tags=stack.tags(),
            opts=child,
        ).name
        self.layer = FunctionLayer(stack, bucket=lake.name, opts=child).arn
        inbox = Inbox("validate_batch", stack, timeout_s=VALIDATE_TIMEOUT_S, opts=child)
        inbox.receives(
            "pushed",
            {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [stack.names.bucket("landing")]},
                    "object": {"key": [{"prefix": s3_layout.INCOMING}]},
                },
            },
            parent=self,
        )
        work = Work(
            policy=functions.validate_batch(stack.names),
            environment={},
            timeout_s=VALIDATE_TIMEOUT_S,
            memory_mb=VALIDATE_MEMORY_MB,
            storage_mb=VALIDATION_STORAGE_MB,
            # Each file gets all of the function's memory.
            batch_size=1,
        )
        self.functions = [QueuedFunction(inbox, stack, work, layer=self.layer, opts=child)]
        outputs = {"landing": landing.name, "lake": lake.name, "models": models.name, "batches": batches.name}
        self.register_outputs(outputs)
