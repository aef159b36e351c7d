"""SageMaker as the edge sees it: one service for the control plane and one for InvokeEndpoint."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from localcloud.aws.clock import AllTimers, Clock
from localcloud.aws.metrics import Metrics
from localcloud.aws.request import Request, Response
from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.capture_files import CaptureFiles
from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.containers.images import Images
from localcloud.aws.sagemaker.containers.warm_images import WarmImages
from localcloud.aws.sagemaker.control_plane import ControlPlane, resource_arn
from localcloud.aws.sagemaker.endpoint_metrics import EndpointMetrics
from localcloud.aws.sagemaker.endpoints import Endpoints
from localcloud.aws.sagemaker.errors import ApiError
from localcloud.aws.sagemaker.features.feature_store import FeatureStore
from localcloud.aws.sagemaker.features.runtime import FeatureStoreRuntime
from localcloud.aws.sagemaker.fleet import Garage
from localcloud.aws.sagemaker.log_shipping import LogShipper
from localcloud.aws.sagemaker.model_packages import ModelPackages
from localcloud.aws.sagemaker.models import Models
from localcloud.aws.sagemaker.outbox import Outbox, PutEvent
from localcloud.aws.sagemaker.routes import Routes
from localcloud.aws.sagemaker.runtime import RuntimeService
from localcloud.aws.sagemaker.scaled_variants import ScaledVariants
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Store
from localcloud.aws.sagemaker.tags import Tags
from localcloud.aws.sagemaker.training_jobs import TrainingJobs
from localcloud.aws.sagemaker.training_run import Workshop
from localcloud.aws.sagemaker.transform_jobs import TransformJobs
from localcloud.aws.sagemaker.transform_run import TransformShop
from localcloud.aws.sagemaker.tuning.tuning_jobs import TuningJobs
from localcloud.errors import StateDirectoryError

# Calls wait for SQLite, and Create calls for IAM, which is the edge itself: never on its event loop.
_THREADS = 8


def make_sagemaker_services(
    state_dir: Path,
    clients: AwsClients,
    images: Path,
    clock: Clock,
    metrics: Metrics,
    scaled: ScaledVariants,
    put_event: PutEvent,
    kept_at: Callable[[], float],
) -> "tuple[RuntimeService, FeatureStoreRuntime, SageMakerService]":
    """The services `sagemaker-runtime`, `sagemaker-featurestore-runtime` and `sagemaker`.

    Args:
        state_dir: Everything is kept in `sagemaker/` below it.
        clients: Clients of S3, IAM, Logs and SageMaker itself.
        images: images.json: container image URI to local command.
        clock: The edge's.
        metrics: Takes the metrics of endpoints.
        scaled: Which variants are scaled.
        put_event: Puts an event on the default bus.
        kept_at: The monotonic time before which what was put is on disk.
    """
    routes = Routes()
    directory = state_dir / "sagemaker"
    captures = CaptureFiles(clients, clock, directory / "capture")
    endpoint_metrics = EndpointMetrics(metrics, clock, routes)
    outbox = partial(Outbox, put_event=put_event, kept_at=kept_at)
    control = SageMakerService(directory, clients, images, clock, routes, captures, endpoint_metrics, scaled, outbox)
    runtime = RuntimeService(routes, clock, captures, endpoint_metrics)
    return (runtime, FeatureStoreRuntime(control.features.records), control)


class SageMakerService:
    """The control plane, and the processes behind it."""

    name = "sagemaker"

    def __init__(
        self,
        directory: Path,
        clients: AwsClients,
        images: Path,
        clock: Clock,
        routes: Routes,
        captures: CaptureFiles,
        metrics: EndpointMetrics,
        scaled: ScaledVariants,
        make_outbox: Callable[[Store], Outbox],
    ) -> None:
        self._store = Store(directory / "sagemaker.db")
        self._outbox = make_outbox(self._store)
        catalogue = Catalogue(self._store, self._outbox.wake)
        self._captures = captures
        self._metrics = metrics
        self._logs = LogShipper(clients)
        self._sockets = _socket_directory(directory)
        self._warm_images = WarmImages(self._sockets)
        workshop = Workshop(catalogue, clients, Images(images), self._warm_images, self._logs)
        self._training_jobs = TrainingJobs(workshop, directory / "training-jobs")
        self._tuning_jobs = TuningJobs(catalogue, clients, self._training_jobs)
        garage = Garage(clients, workshop.images, self._warm_images, self._logs, self._sockets)
        self._transform_jobs = TransformJobs(TransformShop(catalogue, garage), directory / "transform-jobs")
        self._endpoints = Endpoints(catalogue, garage, routes, scaled, directory / "endpoints")
        self.features = FeatureStore(catalogue, clients, clock, directory / "features")
        self._timers = AllTimers((self._captures, self.features))
        special = {
            operation: handler
            for part in (
                self._training_jobs,
                self._transform_jobs,
                ModelPackages(catalogue),
                Models(catalogue, clients),
                self._endpoints,
                self.features,
                self._tuning_jobs,
                Tags(catalogue),
            )
            for operation, handler in part.operations().items()
        }
        self._control_plane = ControlPlane(catalogue, special)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sagemaker")

    def resource_arn(self, request: Request) -> str:
        """The ARN that IAM judges a call on."""
        return resource_arn(request.operation, Scope(request.account, request.region), request.document)

    async def handle(self, request: Request) -> Response:
        """Answers one call."""
        scope = Scope(request.account, request.region)
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(
                self._threads, self._control_plane.answer, request.operation, scope, request.document
            )
        except ApiError as error:
            return Response.error(error.code, error.message, error.status)
        return Response.json(answer)

    def answer(self, operation: str, account: str, region: str, document: Document) -> Document:
        """The answer to a call of another service of the edge, which its own role allows; not on the event loop.

        Raises:
            ApiError: The call is refused.
        """
        return self._control_plane.answer(operation, Scope(account, region), document)

    def next_due(self) -> float | None:
        """When the next file of captured calls or of records is to be sent."""
        return self._timers.next_due()

    def fire_due(self) -> bool:
        """Publishes what was counted, and sends the files that are due."""
        self._metrics.flush()
        return self._timers.fire_due()

    def is_idle(self) -> bool:
        """Whether no file is on its way, nothing is being changed, and no transform or tuning job runs."""
        parts = (self._captures, self.features, self._endpoints, self._transform_jobs, self._tuning_jobs)
        return all(part.is_idle() for part in parts)

    async def start(self) -> None:
        """Takes up what a killed emulator left."""
        self._outbox.start()
        self._logs.start()
        self._captures.start()
        self._metrics.start()
        self._training_jobs.resume()
        self._tuning_jobs.resume()
        self._transform_jobs.resume()
        self._endpoints.resume()
        self.features.start()

    async def stop(self) -> None:
        """Ends every child process."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._stop)

    def _stop(self) -> None:
        # First: the port no longer answers, and shipping would only wait for it.
        self._logs.stop()
        self._captures.stop()
        self._metrics.stop()
        self.features.stop()
        # First: it would take a training job that is let go of for one that failed.
        self._tuning_jobs.abandon()
        self._training_jobs.abandon()
        self._transform_jobs.abandon()
        self._endpoints.stop()
        self._warm_images.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._outbox.stop()
        self._threads.shutdown(wait=True)
        self._store.close()


def _socket_directory(directory: Path) -> Path:
    """A private directory for sockets. Their addresses have 108 bytes at most, and a state directory may be deep."""
    digest = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    sockets = Path("/tmp") / f"localcloud-{os.getuid()}-{digest}"  # noqa: S108  (checked below to be ours alone)
    sockets.mkdir(mode=0o700, exist_ok=True)
    if sockets.is_symlink() or sockets.stat().st_uid != os.getuid():
        raise StateDirectoryError(f"{sockets} belongs to somebody else.", "Remove it, or use another state directory.")
    return sockets
