"""CloudWatch as the edge sees it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.api_model import ApiModel
from localcloud.aws.api_validation import validate
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch.actions import Actions, MakeClient, PutEvent
from localcloud.aws.cloudwatch.alarm_operations import AlarmOperations
from localcloud.aws.cloudwatch.alarm_states import AlarmStates
from localcloud.aws.cloudwatch.dashboards import Dashboards
from localcloud.aws.cloudwatch.judge import Judge
from localcloud.aws.cloudwatch.judgements import judgements
from localcloud.aws.cloudwatch.log_metrics import LogMetrics
from localcloud.aws.cloudwatch.metric_operations import MetricOperations
from localcloud.aws.cloudwatch.metrics import MetricIntake
from localcloud.aws.cloudwatch.store import Document, Store
from localcloud.aws.cloudwatch.teller import Teller
from localcloud.aws.metrics import Datum, LogEvent
from localcloud.aws.request import Request, Response
from localcloud.aws.service import Judgement

_MODEL = ApiModel("cloudwatch")


class CloudWatchService:
    """The service `cloudwatch`, `Telemetry` for the other services, and `Timers` for the stepped clock."""

    name = "cloudwatch"

    def __init__(
        self, state_dir: Path, clock: Clock, put_event: PutEvent, kept_at: Callable[[], float], client: MakeClient
    ) -> None:
        """Composes it.

        Args:
            state_dir: Everything is kept in `cloudwatch/` below it.
            clock: The edge's.
            put_event: Puts an event on the default bus.
            kept_at: The monotonic time before which what was put is on disk.
            client: Makes a boto3 client of a service in a region, as root.
        """
        self._store = Store(state_dir / "cloudwatch/cloudwatch.db")
        self._teller = Teller(self._store, clock, Actions(put_event, client), kept_at)
        states = AlarmStates(self._store, clock, self._teller)
        self._judge = Judge(self._store, clock, states)
        self._intake = MetricIntake(self._store, clock, self._judge)
        self._log_metrics = LogMetrics(self._intake, clock)
        self._judge.watch(self._log_metrics.fire_due)
        self._operations = {
            **MetricOperations(self._store, self._intake).by_name,
            **AlarmOperations(self._store, clock, states, self._judge).by_name,
            **Dashboards(self._store, clock).by_name,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    def put(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        """See Metrics."""
        self._intake.put(account, region, namespace, data)

    def repeat(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        """See Telemetry."""
        self._intake.repeat(account, region, namespace, data)

    def watch(self, publish: Callable[[], None]) -> None:
        """See Telemetry."""
        self._judge.watch(publish)

    def take_log_events(
        self, account: str, region: str, group: str, events: Sequence[LogEvent], filters: Sequence[Mapping[str, Any]]
    ) -> None:
        """See Telemetry."""
        self._log_metrics.take(account, region, group, events, filters)

    def resource_arn(self, request: Request) -> str:
        """The ARN that IAM judges a call on."""
        return judgements(request)[0].resource_arn

    def judgements(self, request: Request) -> Sequence[Judgement]:
        """See Judged."""
        return judgements(request)

    async def handle(self, request: Request) -> Response:
        """Answers one call."""
        try:
            answer = await asyncio.to_thread(self._answer, request)
        except ApiError as error:
            response = Response.error(error.code, error.message, error.status)
            # CloudWatch was a Query service once, and its clients still look for that protocol's codes here.
            headers = {**response.headers, "x-amzn-query-error": f"{error.code};Sender"}
            return Response(response.status, response.body, headers)
        return Response.json(answer)

    async def start(self) -> None:
        """Takes up what a killed emulator left."""
        self._teller.start()
        self._judge.start()

    async def stop(self) -> None:
        """Ends; everything is on disk then."""
        await asyncio.to_thread(self._judge.stop)
        await asyncio.to_thread(self._teller.stop)
        self._store.close()

    def next_due(self) -> float | None:
        """See Timers."""
        due = (self._judge.next_due(), self._log_metrics.next_due())
        return min((moment for moment in due if moment is not None), default=None)

    def fire_due(self) -> bool:
        """See Timers."""
        self._judge.fire_due()
        return False  # a change of state is told at once, or shows in is_idle

    def is_idle(self) -> bool:
        """See Timers."""
        return self._teller.is_idle()

    def _answer(self, request: Request) -> Document:
        validate(_MODEL.input_shape(request.operation), request.document)
        operation = self._operations.get(request.operation)
        if operation is None:
            message = f"The local CloudWatch has no {request.operation}."
            raise ApiError("UnknownOperationException", message)
        return operation(request.account, request.region, request.document)

    def _tag(self, account: str, region: str, request: Document) -> Document:
        arn = request["ResourceARN"]
        tags = self._store.find("tags", account, region, arn) or {}
        tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        self._store.put("tags", account, region, arn, tags)
        return {}

    def _untag(self, account: str, region: str, request: Document) -> Document:
        arn = request["ResourceARN"]
        tags = self._store.find("tags", account, region, arn) or {}
        kept = {key: value for key, value in tags.items() if key not in request["TagKeys"]}
        self._store.put("tags", account, region, arn, kept)
        return {}

    def _list_tags(self, account: str, region: str, request: Document) -> Document:
        tags = self._store.find("tags", account, region, request["ResourceARN"]) or {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
