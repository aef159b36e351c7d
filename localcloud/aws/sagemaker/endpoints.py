"""Endpoints: created, updated without a lost request, deleted, and taken up again after a restart.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

import logging
import shutil
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.capacity import changed_plan, resize, retained_plan
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.data_capture import CapturePlan, capture_summary
from localcloud.aws.sagemaker.deployment import end_strays, plan_of, plan_rows
from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.families import ENDPOINT, ENDPOINT_CONFIG
from localcloud.aws.sagemaker.fleet import Fleet, Garage
from localcloud.aws.sagemaker.instance import STOP_GRACE_S
from localcloud.aws.sagemaker.routes import Routes
from localcloud.aws.sagemaker.scaled_variants import ScaledVariants, check_instance_types
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import make_plan
from localcloud.aws.sagemaker.store import Document

logger = logging.getLogger("localcloud.sagemaker.endpoints")

# Hidden members of the document: what serves now, and what an update is on its way to.
_CURRENT = "_Current"
_NEXT = "_Next"
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
INVOCATION_TIMEOUT_S = 60.0
_EMULATOR_STOP_S = 3.0
_READY_TIMEOUT_S = 60.0
_IN_PROGRESS = ("Creating", "Updating", "Deleting")


class Endpoints:
    """All endpoints of this machine."""

    def __init__(
        self, catalogue: Catalogue, garage: Garage, routes: Routes, scaled: ScaledVariants, directory: Path
    ) -> None:
        self._catalogue = catalogue
        self._garage = garage
        self._routes = routes
        self._scaled = scaled
        self._directory = directory
        self._starting: set[Fleet] = set()
        self._changes: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.update_capacities,
            "DeleteEndpoint": self.delete,
        }

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateEndpoint."""
        name = request["EndpointName"]
        deployment = self._make_deployment(scope, request["EndpointConfigName"])
        fields = {
            "EndpointName": name,
            "EndpointConfigName": request["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "LastModifiedTime": time.time(),  # DescribeEndpoint always has one
            _NEXT: deployment,
        }
        endpoint = self._catalogue.add(ENDPOINT, scope, name, fields, request.get("Tags", []))
        self._spawn(self._deploy, scope, name, deployment)
        return {"EndpointArn": endpoint.document["EndpointArn"]}

    def update(self, scope: Scope, request: Document) -> Document:
        """UpdateEndpoint: the old processes serve until the new ones answer."""
        name = request["EndpointName"]
        self._catalogue.find(ENDPOINT, scope, name)
        deployment = self._make_deployment(scope, request["EndpointConfigName"])

        def edit(endpoint: Document) -> None:
            _begin_update(endpoint)
            served = plan_of(endpoint[_CURRENT])
            check_instance_types(self._scaled, scope, name, served, plan_of(deployment))
            deployment["Plan"] = plan_rows(retained_plan(plan_of(deployment), request, served))
            endpoint[_NEXT] = deployment
            if "DeploymentConfig" in request:
                endpoint["LastDeploymentConfig"] = request["DeploymentConfig"]

        endpoint = self._catalogue.change(ENDPOINT, scope, name, edit)
        self._spawn(self._deploy, scope, name, deployment)
        return {"EndpointArn": endpoint.document["EndpointArn"]}

    def update_capacities(self, scope: Scope, request: Document) -> Document:
        """UpdateEndpointWeightsAndCapacities: processes start and stop in the fleet that serves."""
        name = request["EndpointName"]

        def edit(endpoint: Document) -> None:
            served = plan_of(endpoint.get(_CURRENT, {"Plan": []}))
            _begin_update(endpoint)
            target = changed_plan(served, request["DesiredWeightsAndCapacities"])
            endpoint[_NEXT] = endpoint[_CURRENT] | {"Plan": plan_rows(target)}
            endpoint["ProductionVariants"] = [
                variant.summary(wanted) for variant, wanted in zip(served, target, strict=True)
            ]

        endpoint = self._catalogue.change(ENDPOINT, scope, name, edit)
        self._spawn(self._resize, scope, name, endpoint.document[_NEXT])
        return {"EndpointArn": endpoint.document["EndpointArn"]}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteEndpoint."""
        name = request["EndpointName"]

        def edit(endpoint: Document) -> None:
            _refuse_in_progress(endpoint)
            endpoint["EndpointStatus"] = "Deleting"

        endpoint = self._catalogue.change(ENDPOINT, scope, name, edit)
        variants = [one["VariantName"] for one in endpoint.document.get("ProductionVariants", [])]
        self._scaled.forget_endpoint(scope.account, scope.region, endpoint.name, variants)
        self._spawn(self._tear_down, scope, name)
        return {}

    def resume(self) -> None:
        """Takes up the endpoints that the last emulator left: their processes may still run."""
        for endpoint in self._catalogue.all_with_status(ENDPOINT, ("InService", *_IN_PROGRESS)):
            scope, name, document = endpoint.scope, endpoint.name, endpoint.document
            end_strays(
                self._endpoint_directory(scope, name),
                document.get(_CURRENT) if endpoint.status != "Deleting" else None,
            )
            if endpoint.status == "Deleting":
                self._spawn(self._tear_down, scope, name)
                continue
            if _CURRENT in document:
                fleet = self._make_fleet(scope, name, document[_CURRENT])
                self._routes.set(scope, name, fleet)
                self._spawn(self._take_over, fleet)
            if endpoint.status != "InService":
                is_same = document[_NEXT]["Id"] == document.get(_CURRENT, {}).get("Id")
                self._spawn(self._resize if is_same else self._deploy, scope, name, document[_NEXT])

    def is_idle(self) -> bool:
        """Whether no endpoint is being created, updated or deleted."""
        return not self._changes

    def stop(self) -> None:
        """Ends every serving process because the emulator ends."""
        self._stopping.set()
        with self._lock:
            fleets = [*self._routes.all(), *self._starting]
        for fleet in fleets:
            for instance in fleet.instances:
                instance.begin_stop()
        for fleet in fleets:
            fleet.stop(_EMULATOR_STOP_S)

    def _deploy(self, scope: Scope, name: str, deployment: Document) -> None:
        self._garage.clients.wait_until_ready(_READY_TIMEOUT_S)
        fleet = self._make_fleet(scope, name, deployment)
        with self._lock:
            self._starting.add(fleet)
        try:
            fleet.start()
        except ContainerFailure as failure:
            if not self._stopping.is_set():
                self._give_up(scope, name, fleet, str(failure))
            return
        except Exception as error:  # the endpoint's owner must hear of it, whatever it was
            logger.exception("Endpoint %s failed inside the emulator", name)
            fleet.stop(_EMULATOR_STOP_S)
            if not self._stopping.is_set():
                self._give_up(scope, name, fleet, f"InternalServerError: {type(error).__name__}: {error}")
            return
        finally:
            with self._lock:
                self._starting.discard(fleet)

        def edit(endpoint: Document) -> None:
            endpoint["EndpointStatus"] = "InService"
            endpoint["EndpointConfigName"] = deployment["ConfigName"]
            endpoint["ProductionVariants"] = [variant.summary() for variant in fleet.plan]
            endpoint[_CURRENT] = endpoint.pop(_NEXT)
            endpoint.pop("DataCaptureConfig", None)
            if deployment["Capture"] is not None:
                endpoint["DataCaptureConfig"] = capture_summary(deployment["Capture"])

        before = self._routes.set(scope, name, fleet)
        self._catalogue.change(ENDPOINT, scope, name, edit)
        if before is not None:
            self._retire(before)

    def _resize(self, scope: Scope, name: str, deployment: Document) -> None:
        self._garage.clients.wait_until_ready(_READY_TIMEOUT_S)
        fleet = self._routes.find(scope, name)
        assert fleet is not None  # an endpoint that is updated serves
        served, reason = fleet.plan, ""
        try:
            resize(fleet, plan_of(deployment), self._routes, INVOCATION_TIMEOUT_S)
        except ContainerFailure as failure:
            reason = str(failure)
        except Exception as error:  # the endpoint's owner must hear of it, whatever it was
            logger.exception("Endpoint %s failed inside the emulator", name)
            reason = f"InternalServerError: {type(error).__name__}: {error}"
        if self._stopping.is_set():
            return

        def edit(endpoint: Document) -> None:
            endpoint["EndpointStatus"] = "InService"
            following = endpoint.pop(_NEXT)
            if reason:
                endpoint["FailureReason"] = reason[:1024]
            else:
                endpoint[_CURRENT] = following
            endpoint["ProductionVariants"] = [variant.summary() for variant in (served if reason else fleet.plan)]

        self._catalogue.change(ENDPOINT, scope, name, edit)

    def _give_up(self, scope: Scope, name: str, fleet: Fleet, reason: str) -> None:
        """A new endpoint has failed; an updated one serves on as before."""

        def edit(endpoint: Document) -> None:
            endpoint["EndpointStatus"] = "InService" if _CURRENT in endpoint else "Failed"
            endpoint["FailureReason"] = reason[:1024]
            endpoint.pop(_NEXT, None)

        self._catalogue.change(ENDPOINT, scope, name, edit)
        fleet.discard()

    def _tear_down(self, scope: Scope, name: str) -> None:
        fleet = self._routes.remove(scope, name)
        if fleet is not None:
            self._retire(fleet)
        shutil.rmtree(self._endpoint_directory(scope, name), ignore_errors=True)
        self._catalogue.remove(ENDPOINT, self._catalogue.find(ENDPOINT, scope, name))

    def _retire(self, fleet: Fleet) -> None:
        self._routes.drain(fleet.instances, INVOCATION_TIMEOUT_S)
        fleet.stop(STOP_GRACE_S)
        fleet.discard()

    def _take_over(self, fleet: Fleet) -> None:
        self._garage.clients.wait_until_ready(_READY_TIMEOUT_S)
        fleet.resume()

    def _make_deployment(self, scope: Scope, config_name: str) -> Document:
        plan = make_plan(self._catalogue, scope, config_name)
        return {
            "Id": uuid.uuid4().hex[:12],
            "ConfigName": config_name,
            "Plan": plan_rows(plan),
            "Capture": self._catalogue.find(ENDPOINT_CONFIG, scope, config_name).document.get("DataCaptureConfig"),
        }

    def _make_fleet(self, scope: Scope, name: str, deployment: Document) -> Fleet:
        capture = CapturePlan.from_config(deployment.get("Capture"))
        directory = self._endpoint_directory(scope, name) / deployment["Id"]
        return Fleet(self._garage, scope, name, plan_of(deployment), directory, capture)

    def _endpoint_directory(self, scope: Scope, name: str) -> Path:
        return self._directory / f"{scope.account}-{scope.region}-{name.lower()}"

    def _spawn(self, work: Any, *arguments: Any) -> None:
        def run() -> None:
            try:
                work(*arguments)
            finally:
                self._changes.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=f"endpoint-{work.__name__}", daemon=True)
        self._changes.add(thread)
        thread.start()


def _refuse_in_progress(endpoint: Document) -> None:
    if endpoint["EndpointStatus"] in _IN_PROGRESS:
        raise ValidationError(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _begin_update(endpoint: Document) -> None:
    _refuse_in_progress(endpoint)
    if endpoint["EndpointStatus"] != "InService":
        raise ValidationError(
            f'Cannot update endpoint "{endpoint["EndpointArn"]}" in status {endpoint["EndpointStatus"]}; '
            "delete it and create it again."
        )
    endpoint["EndpointStatus"] = "Updating"
    endpoint.pop("FailureReason", None)
