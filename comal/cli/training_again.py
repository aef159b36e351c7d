"""One training job more, with everything that a version's own job had, into a folder that is emptied afterwards."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from comal import lineage, s3_layout
from comal.absence import describe_or_none
from comal.archive import Limits, read_members
from comal.cli.following import RUN_TIMEOUT_S
from comal.cli.patience import wait_for
from comal.cli.runs import run_of
from comal.cli.target import Target
from comal.errors import AlgorithmError, PlatformError
from comal.lineage import Lineage, files_digest, recipe_differences, recipe_digest
from comal.recipe import Recipe
from comal.tracking import TRACKING_VARIABLE

_RECIPE, _OWN_FIT = "recipe.json", "fit.py"
_CHUNK_BYTES = 1 << 20
_LIMITS = Limits(max_members=1000, max_bytes=512 << 20)
_ENDED = frozenset({"Completed", "Failed", "Stopped"})
# What CreateTrainingJob takes as DescribeTrainingJob shows it. Without checkpoints: nothing is to be taken up.
_SAME = ("AlgorithmSpecification", "RoleArn", "ResourceConfig", "StoppingCondition", "HyperParameters", "Environment")
_ATTEMPT_DIGITS = 6
# Its order is that of time.
_ATTEMPT = "%Y%m%dT%H%M%S%f"
# A command waits for its job for RUN_TIMEOUT_S, and then reads: what is younger may be somebody's who is at it.
_ABANDONED_AFTER_S = 2 * RUN_TIMEOUT_S


class TrainingAgain:
    """Of one version: `row` is its row of `versions_of`, `then` its lineage."""

    def __init__(self, target: Target, model: str, row: dict[str, Any], then: Lineage) -> None:
        self._target = target
        self._model = model
        self._row = row
        self._then = then
        self._s3 = target.client("s3")
        self._sagemaker = target.client("sagemaker")
        self._models = target.names.bucket("models")
        self._inputs = s3_layout.run_recipe_prefix(model, then.run_id)
        run = run_of(target, model, then.run_id)
        # Of a run that searched side by side, the job that made the version; else the run's own.
        self._job = str(run["training_job"]) if run else target.names.training_job(model, then.run_id)

    def changed_inputs(self) -> Iterator[str]:
        """What is not as it was when the version was trained, in the order in which it matters."""
        lake = self._target.names.bucket("lake")
        for entry in self._then.inputs:
            found = self._sha256(lake, entry.key)
            if found is None:
                yield f"input {entry.key} is gone"
            elif found != entry.sha256:
                yield f"input {entry.key} holds other rows than then"
        yield from self._changed_manifest()
        artifact = self._read(self._models, self._artifact_key())
        if artifact is None:
            yield f"the registered artifact s3://{self._models}/{self._artifact_key()} is gone"
            return
        if self._digest(artifact) != self._then.artifact_sha256:
            yield f"the registered artifact s3://{self._models}/{self._artifact_key()} is not what the run made"
        yield from self._changed_recipe()
        if self._then.fit_sha256 and self._sha256(self._models, self._inputs + _OWN_FIT) != self._then.fit_sha256:
            yield "the team's own fit is another one, or gone"

    def train(self) -> Lineage:
        """Train; the lineage of what came out.

        Raises:
            PlatformError: The job failed, or its archive is gone.
        """
        self._clear_left_over()
        attempt = datetime.now(UTC).strftime(_ATTEMPT)
        prefix, name = self._prefix(attempt), self._name(attempt)
        try:
            self._copy_recipe(prefix)
            self._start(prefix, name)
            job = self._wait(name)
            if job["TrainingJobStatus"] != "Completed":
                reason = job.get("FailureReason", "no reason given")
                raise PlatformError(
                    f"Training again ended as {job['TrainingJobStatus']}: {reason}",
                    next_step=f"Look at the log of training job {name}.",
                )
            _, key = s3_layout.split_uri(job["ModelArtifacts"]["S3ModelArtifacts"])
            return self._lineage_in(key)
        except KeyboardInterrupt:
            # It costs money as long as it runs, and uploads when it is stopped, too.
            with suppress(ClientError):
                self._sagemaker.stop_training_job(TrainingJobName=name)
                self._wait(name)
            raise
        finally:
            self._empty(prefix)

    def _clear_left_over(self) -> None:
        """What attempts left behind whose command was killed; one that still trains or may be read is left alone."""
        newest = (datetime.now(UTC) - timedelta(seconds=_ABANDONED_AFTER_S)).strftime(_ATTEMPT)
        above = s3_layout.again_prefix(self._model, self._then.run_id)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._models, Prefix=above, Delimiter="/")
        folders = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
        attempts = [folder.removeprefix(above).rstrip("/") for folder in folders]
        for attempt in [one for one in attempts if one <= newest]:
            job = describe_or_none(self._sagemaker.describe_training_job, TrainingJobName=self._name(attempt))
            if job is not None and job["TrainingJobStatus"] in _ENDED:
                self._empty(self._prefix(attempt))

    def _prefix(self, attempt: str) -> str:
        return s3_layout.again_prefix(self._model, self._then.run_id) + f"{attempt}/"

    def _name(self, attempt: str) -> str:
        return f"{self._job}-again-{hashlib.sha256(attempt.encode()).hexdigest()[:_ATTEMPT_DIGITS]}"

    def _changed_manifest(self) -> Iterator[str]:
        content = self._read(self._models, s3_layout.run_manifest_key(self._model, self._then.run_id))
        if content is None:
            yield "the run's manifest, which lists its inputs, is gone"
            return
        try:
            _prefix, *keys = json.loads(content)
            is_same = sorted(keys) == sorted(entry.key for entry in self._then.inputs)
        except (TypeError, ValueError):  # no JSON, or no list of keys
            is_same = False
        if not is_same:
            yield "the run's manifest lists other inputs than then"

    def _changed_recipe(self) -> Iterator[str]:
        content = self._read(self._models, self._inputs + _RECIPE)
        if content is None:
            yield "the run's recipe is gone"
            return
        try:
            said = Recipe.model_validate_json(content)
        except ValidationError:
            yield "the run's recipe is damaged"
            return
        now = said.with_windows()
        if said.feature_groups and self._definitions() != {said.feature_definition}:
            yield "recipe key feature_groups is another one"
        if recipe_digest(now) == self._then.recipe_sha256:
            return
        # With a search, the artifact's recipe is the one that was found, and says nothing of the run's.
        keys = [] if now.training.search else list(recipe_differences(self._artifacts_recipe(), now))
        yield from keys or ["the run's recipe is another one"]

    def _definitions(self) -> set[str]:
        """What the windows of the inputs were computed from; it stands in their keys."""
        return {s3_layout.definition_of(entry.key) for entry in self._then.inputs}

    def _artifacts_recipe(self) -> Recipe:
        return Recipe.model_validate_json(self._member(self._artifact_key(), _RECIPE))

    def _artifact_key(self) -> str:
        return s3_layout.run_output_key(self._model, self._then.run_id, self._job, "model")

    def _copy_recipe(self, prefix: str) -> None:
        """The recipe of the artifact: where a search chose it, the search is not done again."""
        recipe = self._member(self._artifact_key(), _RECIPE)
        self._s3.put_object(Bucket=self._models, Key=prefix + f"recipe/{_RECIPE}", Body=recipe)
        own_fit = self._read(self._models, self._inputs + _OWN_FIT)
        if own_fit is not None:
            self._s3.put_object(Bucket=self._models, Key=prefix + f"recipe/{_OWN_FIT}", Body=own_fit)

    def _start(self, prefix: str, name: str) -> None:
        job = self._sagemaker.describe_training_job(TrainingJobName=self._job)
        channels = {channel["ChannelName"]: channel for channel in job["InputDataConfig"]}
        recipe = {**channels["recipe"]}
        source = {**recipe["DataSource"]["S3DataSource"], "S3Uri": f"s3://{self._models}/{prefix}recipe/"}
        recipe["DataSource"] = {"S3DataSource": source}
        request = {key: job[key] for key in _SAME if key in job}
        # It is no run of its own: nobody shall find it among the experiments.
        request["Environment"] = {k: v for k, v in job.get("Environment", {}).items() if k != TRACKING_VARIABLE}
        # The champion is only compared with; what is compared here is the model.
        request["HyperParameters"] = {
            key: value for key, value in job["HyperParameters"].items() if not key.startswith("champion_")
        }
        request["StoppingCondition"] = {"MaxRuntimeInSeconds": job["StoppingCondition"]["MaxRuntimeInSeconds"]}
        self._sagemaker.create_training_job(
            **request,
            TrainingJobName=name,
            InputDataConfig=[channels["train"], recipe],
            OutputDataConfig={"S3OutputPath": f"s3://{self._models}/{prefix}".rstrip("/")},
            Tags=[
                {"Key": "comal:stack", "Value": self._target.stack},
                {"Key": "comal:model", "Value": self._model},
            ],
        )

    def _wait(self, name: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            job: dict[str, Any] = self._sagemaker.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] in _ENDED else None

        return wait_for(
            ended, what=f"training job {name}", timeout_s=RUN_TIMEOUT_S, next_step=f"Look at the log of {name}."
        )

    def _lineage_in(self, key: str) -> Lineage:
        """Of the new artifact, with the digest of its very bytes.

        Its recipe is the artifact's, so the run's own is what it is to be compared with.
        """
        found = Lineage.model_validate_json(self._member(key, lineage.FILE_NAME))
        digest = self._digest(self._read(self._models, key) or b"")
        return found.model_copy(update={"recipe_sha256": self._then.recipe_sha256, "artifact_sha256": digest})

    def _digest(self, archive: bytes) -> str:
        """Of the model's own files in an archive; empty where one of them is absent, or it cannot be read."""
        try:
            return files_digest(read_members(io.BytesIO(archive), self._then.artifact_files, _LIMITS))
        except AlgorithmError:
            return ""

    def _member(self, key: str, name: str) -> bytes:
        content = self._read(self._models, key)
        if content is None:
            raise PlatformError(
                f"s3://{self._models}/{key} is gone.", next_step="Restore it from an older object version."
            )
        return read_members(io.BytesIO(content), [name], _LIMITS)[name]

    def _read(self, bucket: str, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return body

    def _sha256(self, bucket: str, key: str) -> str | None:
        try:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"]
        except self._s3.exceptions.NoSuchKey:
            return None
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(_CHUNK_BYTES):
            digest.update(chunk)
        return digest.hexdigest()

    def _empty(self, prefix: str) -> None:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._models, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                self._s3.delete_object(Bucket=self._models, Key=item["Key"])
