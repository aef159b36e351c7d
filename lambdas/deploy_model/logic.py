"""Brings an endpoint to its model's newest approved version, from wherever it is."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comal import registry, s3_layout
from comal.errors import UserError
from comal.event_bus import EventBus
from comal.events import ModelDeployed, ModelRolledBack, event_id
from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion
from comal.serving_config import version_of_config
from lambdas.deploy_model.reconciliation import Action, Endpoint, next_action
from lambdas.deploy_model.sagemaker_endpoint import SageMakerEndpoint
from lambdas.deploy_model.scaling import Scaling


@dataclass(frozen=True)
class Deployment:
    """Reconciles the endpoints of one stack; clients are boto3's, `captures` is whether calls are kept."""

    names: Names
    role_arn: str
    captures: bool
    sagemaker: Any
    autoscaling: Any
    s3: Any
    bus: EventBus

    def reconcile(self, recipe: Recipe, now: datetime) -> str:
        """Do the next step that the endpoint of a model needs. Safe to repeat, and to do twice at once.

        Args:
            recipe: The deployed recipe; its serving section says how.
            now: Time of the event that asks for it.

        Returns:
            What was done, for the log.

        Raises:
            UserError: The recipe asks for what AWS cannot do to the endpoint that is there.
        """
        version = registry.champion(self.sagemaker, self.names, recipe.model)
        if version is None:
            return f"'{recipe.model}' has no approved version"
        place = SageMakerEndpoint(self.sagemaker, self.names, recipe, self.role_arn, self.captures)
        scaling = Scaling(self.autoscaling, self.names, recipe)
        endpoint = place.find()
        wanted = place.config_of(version)
        action = next_action(endpoint, wanted, wants_serverless=recipe.serving.is_serverless)
        if endpoint is None:
            place.create(version)
        elif action is Action.UPDATE:
            # AWS refuses another instance type for what scales; registered again when it is in service.
            if place.changes_instance_type(endpoint):
                scaling.release()
            place.update(endpoint, version)
        elif action is Action.SETTLE:
            self._settle(place, endpoint, version, now)
            scaling.settle(endpoint.instances)
        elif action is Action.ROLL_BACK:
            self._roll_back(place, endpoint, version, now)
        elif action is Action.REMOVE:
            scaling.release()
            self._remove(place, endpoint, version, now)
        elif action is Action.REPLACE:
            raise UserError(
                f"Endpoint {endpoint.name} runs on instances, and AWS cannot update it to serving.mode serverless.",
                next_step=f"Set serving.mode realtime, or delete the endpoint: aws sagemaker delete-endpoint "
                f"--endpoint-name {endpoint.name}; it is created anew.",
            )
        return f"{action}: version {version.version}, config {wanted}"

    def _settle(self, place: SageMakerEndpoint, endpoint: Endpoint, version: ModelVersion, now: datetime) -> None:
        """The endpoint serves what it should: say so once, and delete what nobody goes back to."""
        if endpoint.announced_config != endpoint.config:
            deployed = ModelDeployed(
                event_id=self._event_id(place, "deployed", endpoint),
                stack=self.names.stack,
                model=place.recipe.model,
                version=version.version,
                endpoint_name=endpoint.name,
                model_package_arn=version.arn,
            )
            self._put_reference(place.recipe.model, version.version)
            self.bus.emit(deployed, now)
            place.note_announced(endpoint)
        place.forget_attempt(endpoint)
        place.delete_old(endpoint.config)

    def _put_reference(self, model: str, version: int) -> None:
        """New batches are compared with what the version was trained on that is served now, be it an older one."""
        lake = self.names.bucket("lake")
        source = {"Bucket": lake, "Key": s3_layout.version_profile_key(model, version, "reference")}
        # A version that somebody else registered has none.
        with suppress(self.s3.exceptions.NoSuchKey):
            self.s3.copy_object(Bucket=lake, Key=s3_layout.reference_profile_key(model), CopySource=source)

    def _roll_back(self, place: SageMakerEndpoint, endpoint: Endpoint, version: ModelVersion, now: datetime) -> None:
        """The update has failed and the former config serves on.

        A version that could not be served is rejected, so that it is not tried again until somebody approves it. When
        only the settings were new, the version is not to blame and stays.
        """
        self._announce_roll_back(place, endpoint, version, now)
        served = version_of_config(self.names, place.recipe.model, endpoint.config)
        if served != version.version:
            self._reject(version, endpoint)
            place.forget_attempt(endpoint)

    def _remove(self, place: SageMakerEndpoint, endpoint: Endpoint, version: ModelVersion, now: datetime) -> None:
        """The endpoint serves nothing, and AWS allows nothing but to delete it.

        The version that broke it is rejected first, so that the next event does not try it again. No older version is
        brought up by itself: where the cause is the account, it would fail the same way.
        """
        if endpoint.config == place.config_of(version):
            self._announce_roll_back(place, endpoint, version, now)
            self._reject(version, endpoint)
        place.delete()

    def _reject(self, version: ModelVersion, endpoint: Endpoint) -> None:
        why = f"{registry.NOT_SERVED}{_reason(endpoint)}"
        registry.judge(self.sagemaker, version.arn, approved=False, why=why, before=version.why)

    def _announce_roll_back(
        self, place: SageMakerEndpoint, endpoint: Endpoint, version: ModelVersion, now: datetime
    ) -> None:
        rolled_back = ModelRolledBack(
            event_id=self._event_id(place, f"rolled back {version.version}", endpoint),
            stack=self.names.stack,
            model=place.recipe.model,
            version=version.version,
            endpoint_name=endpoint.name,
            why=_reason(endpoint),
        )
        self.bus.emit(rolled_back, now)

    def _event_id(self, place: SageMakerEndpoint, what: str, endpoint: Endpoint) -> str:
        """The same for every event about one change of the endpoint."""
        changed_at = endpoint.changed_at.isoformat()
        return event_id(self.names.stack, place.recipe.model, what, endpoint.config, changed_at)


def _reason(endpoint: Endpoint) -> str:
    return endpoint.failure or f"SageMaker gave no reason; the endpoint is {endpoint.status}"
