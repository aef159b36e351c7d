"""All serving processes of one deployment of an endpoint."""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from localcloud.aws.sagemaker.archive import extract_archive
from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.containers.images import Images
from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import LAUNCH, LOG, Launch
from localcloud.aws.sagemaker.containers.sandbox import CONTAINER_BASE
from localcloud.aws.sagemaker.containers.warm_images import WarmImages
from localcloud.aws.sagemaker.data_capture import CapturePlan
from localcloud.aws.sagemaker.deployment import instance_name
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.instance import STOP_GRACE_S, Instance
from localcloud.aws.sagemaker.job_directory import base_environment
from localcloud.aws.sagemaker.log_shipping import LogShipper
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import VariantPlan

LOG_GROUP_PREFIX = "/aws/sagemaker/Endpoints/"
_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True, slots=True)
class Garage:
    """What every fleet needs of the rest of the room.

    Attributes:
        sockets: A directory with a short path: a Unix socket's address has 108 bytes at most.
    """

    clients: AwsClients
    images: Images
    warm_images: WarmImages
    logs: LogShipper
    sockets: Path


class Fleet:
    """The processes of one plan, below one directory."""

    def __init__(
        self,
        garage: Garage,
        scope: Scope,
        endpoint: str,
        plan: Sequence[VariantPlan],
        directory: Path,
        capture: CapturePlan | None = None,
        log_group: str = "",
    ) -> None:
        """Takes a plan.

        Args:
            garage: What every fleet needs.
            scope: Account and region.
            endpoint: Name of the endpoint, or of the job that has a fleet of its own.
            plan: Its variants.
            directory: Where its files are.
            capture: What is captured of its calls.
            log_group: Where its output goes; by default the endpoint's. In one that it shares, streams begin with its
                name, else with the variant's.
        """
        self.plan = plan
        self.capture = capture
        self.directory = directory
        self.scope = scope
        self.endpoint = endpoint
        self._garage = garage
        self._log_group = log_group or LOG_GROUP_PREFIX + endpoint
        self._shares_log_group = bool(log_group)
        self.instances = [
            self._make_instance(variant, number) for variant in plan for number in range(variant.instances)
        ]

    def start(self) -> None:
        """Fetches the models, starts every process and waits until all answer.

        Raises:
            ContainerFailure: One of them does not; none is left running.
        """
        self._start(self.instances)

    def grow(self, target: Sequence[VariantPlan]) -> None:
        """Starts the processes that a plan has more; they take calls when it returns.

        Raises:
            ContainerFailure: One of them does not answer; none of them is left running.
        """
        before = {variant.name: variant.instances for variant in self.plan}
        new = [
            self._make_instance(variant, number)
            for variant in target
            for number in range(before[variant.name], variant.instances)
        ]
        self._start(new)
        # The event loop reads the list at any time: it is replaced, never changed.
        self.instances = [*self.instances, *new]

    def follow_plan(self, target: Sequence[VariantPlan]) -> list[Instance]:
        """Shares calls out by a plan from now on; returns the processes that it has no more."""
        counts = {variant.name: variant.instances for variant in target}
        surplus = [instance for instance in self.instances if instance.number >= counts[instance.variant]]
        self.instances = [instance for instance in self.instances if instance not in surplus]
        self.plan = target
        return surplus

    def resume(self) -> None:
        """Takes over what runs, and starts again what does not; callers wait on `ready` meanwhile."""
        for instance in self.instances:
            self._follow(instance)
            instance.ready = instance.adopt()
            instance.watch()

    def stop(self, timeout_s: float) -> None:
        """Ends every process, and ships what they printed."""
        self._stop(self.instances, timeout_s)

    def end(self, instances: Sequence[Instance], timeout_s: float) -> None:
        """Ends processes that take no calls any more, and removes their files."""
        self._stop(instances, timeout_s)
        for instance in instances:
            shutil.rmtree(instance.directory, ignore_errors=True)

    def discard(self) -> None:
        """Removes the files of a stopped fleet."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self, instances: Sequence[Instance]) -> None:
        try:
            for instance in instances:
                instance.launch()
                self._follow(instance)
            for instance in instances:
                instance.await_ready(self._variant(instance).startup_timeout_s)
        except ContainerFailure:
            self._stop(instances, STOP_GRACE_S)
            raise
        for instance in instances:
            instance.watch()

    def _stop(self, instances: Sequence[Instance], timeout_s: float) -> None:
        for instance in instances:
            instance.begin_stop()
        for instance in instances:
            instance.finish_stop(timeout_s)
            self._garage.logs.finish(instance.directory / LOG)

    def _variant(self, instance: Instance) -> VariantPlan:
        return next(variant for variant in self.plan if variant.name == instance.variant)

    def _make_instance(self, variant: VariantPlan, number: int) -> Instance:
        directory = self.directory / instance_name(variant.name, number)
        # The same for an emulator that comes back.
        socket_name = uuid.uuid5(uuid.NAMESPACE_URL, str(directory)).hex[:16]
        socket_path = self._garage.sockets / f"{socket_name}.sock"
        start_process = partial(self._start_process, variant, directory, socket_path)
        return Instance(variant.name, number, directory, socket_path, start_process)

    def _follow(self, instance: Instance) -> None:
        owner = self.endpoint if self._shares_log_group else instance.variant
        stream = f"{owner}/i-{uuid.uuid5(uuid.NAMESPACE_URL, str(instance.directory)).hex[:17]}"
        self._garage.logs.follow(instance.directory / LOG, self.scope.region, self._log_group, stream)

    def _prepare(self, variant: VariantPlan, directory: Path) -> None:
        """Puts the model where the container looks for it.

        Raises:
            ContainerFailure: The role may not read it, or it is no safe archive.
        """
        garage = self._garage
        model_dir = directory / "ml/model"
        if directory.exists():
            shutil.rmtree(directory)
        model_dir.mkdir(parents=True)
        if not variant.model_data_url:
            return
        archive = self.directory / f"{variant.name}-{_ARCHIVE}"
        if not archive.exists():
            credentials = garage.clients.assume(variant.role_arn, f"SageMaker-{self.endpoint}"[:64])
            client = garage.clients.as_role("s3", self.scope.region, credentials)
            s3 = RoleS3(client, variant.role_arn, self.scope.region)
            partial_archive = archive.with_suffix(".part")
            s3.download(S3Uri.parse(variant.model_data_url), partial_archive)
            partial_archive.rename(archive)
        extract_archive(archive, model_dir)

    def _start_process(self, variant: VariantPlan, directory: Path, socket_path: Path) -> SupervisedProcess:
        garage = self._garage
        image = garage.images.find(variant.image)
        if not (directory / LAUNCH).exists():
            self._prepare(variant, directory)
        credentials = garage.clients.assume(variant.role_arn, f"SageMaker-{self.endpoint}"[:64])
        env = base_environment(image, garage.clients.edge_url, self.scope.region, credentials, directory / "tmp")
        env |= {"SM_MODEL_DIR": f"{CONTAINER_BASE}/model", "SAGEMAKER_BIND_TO_UNIX_SOCKET": str(socket_path)}
        env |= variant.environment
        ml_dir = str(directory / "ml")
        launch = Launch([*image.command, "serve"], image.cwd, env, ml_dir, STOP_GRACE_S)
        return garage.warm_images.launch(image, directory, launch)
