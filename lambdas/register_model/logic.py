"""From a finished job to a judged version. Every step can be done again: a version is found by its run."""

from dataclasses import dataclass
from typing import Any, TypedDict

from comal import gate, registry, s3_layout
from comal.event_bus import EventBus
from comal.events import ModelApproved, ModelRegistered, ModelRejected, TrainingRequested, event_id
from comal.lineage import Lineage
from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion
from comal.run_record import FILE_NAME, REPORT_NAME
from lambdas.register_model.package import package_request
from lambdas.register_model.training_output import FinishedJob, TrainingOutput, check_model, read_output

CHAMPION_CHANGED = "champion changed during the run"


class _Identity(TypedDict):
    """What the events about one version share."""

    event_id: str
    stack: str
    model: str
    version: int
    model_package_arn: str


@dataclass(frozen=True)
class Registration:
    """Registers and judges the models of one stack; clients are boto3's."""

    names: Names
    image_uri: str
    s3: Any
    sagemaker: Any
    bus: EventBus

    def register(self, job: FinishedJob) -> ModelVersion:
        """Make the version of a job, unless it is there, and judge it, unless it is judged.

        The recipe is the one that the run used, not the one that is deployed now.

        Raises:
            AlgorithmError: What the job left is unsafe, incomplete or another run's.
        """
        recipe = self._recipe(job)
        output = read_output(self.s3, self.names, job)
        self._keep_record(job, output)  # also of a run whose model is refused
        check_model(self.s3, job)
        version = self._version_of(job) or self._create(recipe, job, output)
        metrics = dict(output.evaluation.challenger.metrics)
        registered = ModelRegistered(**self._identity(job, "registered", version), run_id=job.run_id, metrics=metrics)
        self.bus.emit(registered, job.ended_at)
        self._keep_profiles(job, version.version, output)
        if version.approval == registry.PENDING:
            version = self._judge(recipe, job, output, version)
        if version.approval == registry.PENDING:
            return version
        if version.approval == registry.APPROVED:
            self._put_profile(s3_layout.reference_profile_key(job.model), output.profile_json)
            approved = ModelApproved(**self._identity(job, "approved", version), why=version.why)
            self.bus.emit(approved, job.ended_at)
        else:
            rejected = ModelRejected(**self._identity(job, "rejected", version), why=version.why)
            self.bus.emit(rejected, job.ended_at)
            if version.why == CHAMPION_CHANGED:
                self._ask_again(job)
        return version

    def _recipe(self, job: FinishedJob) -> Recipe:
        key = s3_layout.run_recipe_prefix(job.model, job.run_id) + "recipe.json"
        answer = self.s3.get_object(Bucket=self.names.bucket("models"), Key=key)
        return Recipe.model_validate_json(answer["Body"].read())

    def _version_of(self, job: FinishedJob) -> ModelVersion | None:
        """The version that an earlier try has made; it is newer than the run's champion."""
        for version in registry.versions(self.sagemaker, self.names, job.model):
            if version.run_id == job.run_id:
                return version
            if job.champion_version is not None and version.version <= job.champion_version:
                return None
        return None

    def _keep_record(self, job: FinishedJob, output: TrainingOutput) -> None:
        bucket = self.names.bucket("models")
        for key, body, content_type in (
            (s3_layout.run_evaluation_key(job.model, job.run_id), output.evaluation_json, "application/json"),
            (s3_layout.run_record_key(job.model, job.run_id, FILE_NAME), output.record_json, "application/json"),
            (s3_layout.run_record_key(job.model, job.run_id, REPORT_NAME), output.report_html, "text/html"),
        ):
            self.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def _create(self, recipe: Recipe, job: FinishedJob, output: TrainingOutput) -> ModelVersion:
        self._put_lineage(job, output.lineage)
        request = package_request(self.names, recipe, job, output, image_uri=self.image_uri)
        created = self.sagemaker.create_model_package(**request)
        return registry.describe(self.sagemaker, created["ModelPackageArn"])

    def _put_lineage(self, job: FinishedJob, lineage: Lineage) -> None:
        """With the object version of each input: the job is given keys, and its inputs are never written again."""
        inputs = [entry.model_copy(update={"version_id": self._object_version(entry.key)}) for entry in lineage.inputs]
        self.s3.put_object(
            Bucket=self.names.bucket("models"),
            Key=s3_layout.run_lineage_key(job.model, job.run_id),
            Body=lineage.model_copy(update={"inputs": inputs}).model_dump_json(indent=2).encode(),
            ContentType="application/json",
        )

    def _object_version(self, key: str) -> str:
        head = self.s3.head_object(Bucket=self.names.bucket("lake"), Key=key)
        return str(head.get("VersionId", ""))

    def _judge(self, recipe: Recipe, job: FinishedJob, output: TrainingOutput, version: ModelVersion) -> ModelVersion:
        """Approve or reject, or leave it to a person where the recipe says so.

        A model that would pass against a champion that has changed is not let through.
        """
        verdict = gate.judge(recipe, output.evaluation)
        approved, why = verdict.passed, verdict.why
        champion = registry.champion(self.sagemaker, self.names, job.model)
        if approved and (champion.version if champion else None) != job.champion_version:
            approved, why = False, CHAMPION_CHANGED
        if approved and recipe.registry.approval == "manual":
            registry.postpone(self.sagemaker, version.arn, why)
        else:
            registry.judge(self.sagemaker, version.arn, approved=approved, why=why)
        return registry.describe(self.sagemaker, version.arn)

    def _keep_profiles(self, job: FinishedJob, version: int, output: TrainingOutput) -> None:
        """Live rows are compared with the version that serves them, which an older one may come to be again."""
        for noun, profile in (("reference", output.profile_json), ("predictions", output.prediction_profile_json)):
            self._put_profile(s3_layout.version_profile_key(job.model, version, noun), profile)

    def _put_profile(self, key: str, profile: bytes) -> None:
        self.s3.put_object(Bucket=self.names.bucket("lake"), Key=key, Body=profile, ContentType="application/json")

    def _ask_again(self, job: FinishedJob) -> None:
        request = TrainingRequested(
            event_id=event_id(self.names.stack, job.model, "champion_changed", job.run_id),
            stack=self.names.stack,
            model=job.model,
            kind="champion_changed",
            reason=f"the champion changed during run {job.run_id}",
            requested_by="register_model",
        )
        self.bus.emit(request, job.ended_at)

    def _identity(self, job: FinishedJob, what: str, version: ModelVersion) -> _Identity:
        return {
            "event_id": event_id(self.names.stack, job.model, what, version.arn),
            "stack": self.names.stack,
            "model": job.model,
            "version": version.version,
            "model_package_arn": version.arn,
        }
