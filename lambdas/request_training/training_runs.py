"""Recipes, run inputs and executions of one stack, in S3, DynamoDB, SageMaker and Step Functions."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from comal import own_fit, registry, s3_layout
from comal.deployed_recipes import DeployedRecipes
from comal.events import Trigger
from comal.execution_failure import execution_failure
from comal.names import Names
from comal.recipe import Recipe
from comal.table_items import from_item, to_item
from comal.training_job import training_job_request
from comal.training_window import BatchCounts, count_batches, keys_in_window
from comal.tuning_job import tuning_job_request
from lambdas.request_training.run import EndedRun, Run

_RUNNING = "RUNNING"


@dataclass(frozen=True)
class TrainingRuns:
    """Clients are boto3's; `image_uri`, `role_arn` and `tracking_uri` are what jobs run with."""

    names: Names
    image_uri: str
    role_arn: str
    s3: Any
    dynamodb: Any
    sagemaker: Any
    stepfunctions: Any
    tracking_uri: str = ""

    def models(self) -> list[str]:
        """Models that have a recipe in the stack."""
        return DeployedRecipes(self.s3, self.names).models()

    def recipe(self, model: str) -> Recipe | None:
        """The deployed recipe, or None."""
        return DeployedRecipes(self.s3, self.names).of_model(model)

    def count_batches(self, recipe: Recipe) -> BatchCounts:
        """How many batches there are to train on, and how many wait for their windows."""
        return count_batches(self._validated(recipe.model), recipe)

    def plan(self, recipe: Recipe, run_id: str, why: str, triggers: list[Trigger], now: datetime) -> Run:
        """A run with everything it takes; changes nothing."""
        model, names = recipe.model, self.names
        champion = registry.champion(self.sagemaker, names, model)
        job = training_job_request(
            recipe,
            names,
            run_id,
            champion,
            image_uri=self.image_uri,
            role_arn=self.role_arn,
            tracking_uri=self.tracking_uri,
        )
        search = recipe.training.search
        tuning = tuning_job_request(recipe, search, names, run_id, job) if search and search.jobs > 1 else None
        execution_input = {
            "model": model,
            "run_id": run_id,
            "training_job": job,
            **({"tuning_job": tuning} if tuning else {}),
            "champion": {"version": champion.version, "model_package_arn": champion.arn} if champion else None,
        }
        return Run(
            run_id=run_id,
            execution_arn=names.arn("states", f"execution:{names.of_model(model)}:{job['TrainingJobName']}"),
            execution_input=json.dumps(execution_input),
            recipe=recipe.model_dump_json(),
            why="; ".join([why, *self._left_out(recipe)]),
            started_at=now.isoformat(),
            triggers=triggers,
        )

    def _left_out(self, recipe: Recipe) -> list[str]:
        """What is to be said of batches that the run cannot train on yet."""
        if not recipe.feature_groups:
            return []
        counts = self.count_batches(recipe)
        if not counts.waiting:
            return []
        of_all = f"{counts.waiting} of {counts.ready + counts.waiting}"
        return [f"{of_all} validated batches still wait for their windows"]

    def write_inputs(self, model: str, run: Run) -> None:
        """Write recipe, manifest and the team's own fit; a manifest or fit that is there stays as it is.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        bucket = self.names.bucket("models")
        recipe_key = s3_layout.run_recipe_prefix(model, run.run_id) + "recipe.json"
        self.s3.put_object(Bucket=bucket, Key=recipe_key, Body=run.recipe.encode())
        self._write_own_fit(model, run)
        recipe = Recipe.model_validate_json(run.recipe)
        keys = keys_in_window(self._validated(model), recipe)
        manifest = [{"prefix": f"s3://{self.names.bucket('lake')}/"}, *keys]
        self._write_once(s3_layout.run_manifest_key(model, run.run_id), json.dumps(manifest).encode())

    def _write_own_fit(self, model: str, run: Run) -> None:
        """Pin the team's own fit as it is deployed now."""
        if Recipe.model_validate_json(run.recipe).training.fit is None:
            return
        answer = self.s3.get_object(Bucket=self.names.bucket("lake"), Key=s3_layout.own_fit_key(model))
        self._write_once(s3_layout.run_recipe_prefix(model, run.run_id) + own_fit.FILE_NAME, answer["Body"].read())

    def _write_once(self, key: str, body: bytes) -> None:
        try:
            self.s3.put_object(Bucket=self.names.bucket("models"), Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise

    def batches_of(self, model: str, run_id: str) -> set[str]:
        """Ids of the batches in the run's manifest; none when somebody has deleted it."""
        key = s3_layout.run_manifest_key(model, run_id)
        try:
            answer = self.s3.get_object(Bucket=self.names.bucket("models"), Key=key)
        except self.s3.exceptions.NoSuchKey:
            return set()
        _prefix, *keys = json.loads(answer["Body"].read())
        return {PurePosixPath(key).stem for key in keys}

    def start(self, model: str, run: Run) -> None:
        """Start the execution, unless it was started before.

        Idempotent by name: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        try:
            self.stepfunctions.start_execution(
                stateMachineArn=self.names.state_machine_arn(model),
                name=self.names.training_job(model, run.run_id),
                input=run.execution_input,
            )
        except self.stepfunctions.exceptions.ExecutionAlreadyExists:
            return

    def end_of(self, run: Run) -> EndedRun | None:
        """How the run ended, None while it runs. An execution that does not exist is started."""
        try:
            execution = self.stepfunctions.describe_execution(executionArn=run.execution_arn)
        except self.stepfunctions.exceptions.ExecutionDoesNotExist:
            self.start(json.loads(run.execution_input)["model"], run)
            return None
        if execution["status"] == _RUNNING:
            return None
        return EndedRun(run.run_id, execution["status"], execution_failure(execution))

    def _validated(self, model: str) -> Iterator[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.names.shared("batches"),
            KeyConditionExpression="pk = :model AND begins_with(sk, :prefix)",
            FilterExpression="#status = :validated",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=to_item({":model": model, ":prefix": "batch#", ":validated": "validated"}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(from_item, page["Items"])
