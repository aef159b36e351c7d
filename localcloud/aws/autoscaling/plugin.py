"""Application Auto Scaling as the edge sees it, and as SageMaker asks it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.api_model import ApiModel
from localcloud.aws.api_validation import validate
from localcloud.aws.autoscaling.activities import Activities
from localcloud.aws.autoscaling.fleets import AnswerSageMaker, SageMakerFleets
from localcloud.aws.autoscaling.judgements import judgements
from localcloud.aws.autoscaling.operations import Operations, forget
from localcloud.aws.autoscaling.scaler import Scaler
from localcloud.aws.autoscaling.store import Store
from localcloud.aws.autoscaling.tracked_metric import CloudWatchReader
from localcloud.aws.autoscaling.variant import Variant
from localcloud.aws.clock import Clock
from localcloud.aws.request import Request, Response
from localcloud.aws.service import Judgement

_MODEL = ApiModel("application-autoscaling")


class ScalableTargets:
    """What is registered, for SageMaker: it refuses some updates of what scales, and ends what it deletes."""

    def __init__(self, state_dir: Path) -> None:
        """Everything is kept in `autoscaling/` below `state_dir`."""
        self.store = Store(state_dir / "autoscaling/autoscaling.db")

    def is_registered(self, account: str, region: str, endpoint: str, variant: str) -> bool:
        """Whether a variant is a scalable target."""
        return self.store.find("target", _variant(account, region, endpoint, variant)) is not None

    def forget_endpoint(self, account: str, region: str, endpoint: str, variants: Sequence[str]) -> None:
        """Deregisters the variants of an endpoint that is deleted."""
        for variant in variants:
            forget(self.store, _variant(account, region, endpoint, variant))


class AutoScalingService:
    """The service `application-autoscaling`."""

    name = "application-autoscaling"

    def __init__(
        self,
        targets: ScalableTargets,
        clock: Clock,
        answer_sagemaker: AnswerSageMaker,
        client: Callable[[str, str], Any],
    ) -> None:
        """Composes it.

        Args:
            targets: Its state.
            clock: The edge's.
            answer_sagemaker: Answers SageMaker's operations, in this process.
            client: Makes a boto3 client of a service in a region, as root.
        """
        self._store = targets.store
        fleets = SageMakerFleets(answer_sagemaker)
        self._scaler = Scaler(self._store, clock, Activities(self._store, clock, fleets), CloudWatchReader(client))
        self._operations = Operations(
            self._store, clock, lambda variant: fleets.look(variant) is not None, self._scaler.wake
        )

    def resource_arn(self, request: Request) -> str:
        """The ARN that IAM judges a call on."""
        return judgements(self._store, request)[0].resource_arn

    def judgements(self, request: Request) -> Sequence[Judgement]:
        """All that IAM judges about a call."""
        return judgements(self._store, request)

    async def handle(self, request: Request) -> Response:
        """Answers one call."""
        try:
            answer = await asyncio.to_thread(self._answer, request)
        except ApiError as error:
            return Response.error(error.code, error.message, error.status)
        return Response.json(answer)

    async def start(self) -> None:
        """Takes up what a killed emulator left."""
        self._scaler.start()

    async def stop(self) -> None:
        """Ends; a change in progress is followed up after the next start."""
        await asyncio.to_thread(self._scaler.stop)
        self._store.close()

    def next_due(self) -> float | None:
        """When a scheduled action or a policy is to be looked at next."""
        return self._scaler.next_due()

    def fire_due(self) -> bool:
        """Scales what is due."""
        self._scaler.fire_due()
        return False  # a fleet that changes shows in is_idle

    def is_idle(self) -> bool:
        """Whether no fleet is being changed."""
        return self._scaler.is_idle()

    def _answer(self, request: Request) -> dict[str, Any]:
        validate(_MODEL.input_shape(request.operation), request.document)
        operation = self._operations.by_name.get(request.operation)
        if operation is None:
            message = f"The local Application Auto Scaling has no {request.operation}."
            raise ApiError("UnknownOperationException", message)
        return operation(request.account, request.region, request.document)


def _variant(account: str, region: str, endpoint: str, variant: str) -> Variant:
    return Variant(account, region, f"endpoint/{endpoint}/variant/{variant}")
