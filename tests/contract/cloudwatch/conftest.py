"""A local cloud of its own: these tests step its clock."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running_cloud import ACCOUNT, REGION, RunningCloud, start_cloud, stop_cloud

TIMEOUT_S = 20


@pytest.fixture(scope="session")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    running = start_cloud(tmp_path_factory.mktemp("cloudwatch"))
    yield running
    stop_cloud(running)


class Watched:
    """One metric in a namespace of its own, an alarm on it, and the cloud's clock."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self.cloudwatch = cloud.client("cloudwatch")
        self.namespace = f"shop-{uuid.uuid4().hex[:8]}"
        self.alarm = f"{self.namespace}-alarm"

    def now(self) -> float:
        return self.cloud.now()

    def to_the_minute(self) -> None:
        """Moves on to just after the start of a minute, when the minutes before are judged."""
        self.cloud.advance(60 - self.now() % 60 + 3)

    def measure(self, *values: float, at: float | None = None, name: str = "sales", **more: Any) -> None:
        for value in values:
            datum = {"MetricName": name, "Value": value, "Timestamp": self.now() if at is None else at, **more}
            self.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=[datum])

    def put_alarm(self, **changes: Any) -> None:
        request: dict[str, Any] = {
            "AlarmName": self.alarm,
            "Namespace": self.namespace,
            "MetricName": "sales",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
            **changes,
        }
        self.cloudwatch.put_metric_alarm(**{key: value for key, value in request.items() if value is not None})

    def described(self, name: str = "") -> dict[str, Any]:
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[name or self.alarm])["MetricAlarms"]
        return dict(alarm)

    @property
    def state(self) -> str:
        return str(self.described()["StateValue"])


@pytest.fixture
def watched(stepped: RunningCloud) -> Watched:
    return Watched(stepped)


@pytest.fixture
def queue(watched: Watched) -> str:
    """URL of a queue of the test's own, which rules and topics may send to."""
    services = {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    sends = {"Effect": "Allow", "Principal": services, "Action": "sqs:SendMessage", "Resource": queue_arn(watched)}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [sends]})
    sqs = watched.cloud.client("sqs")
    url: str = sqs.create_queue(QueueName=watched.namespace, Attributes={"Policy": policy})["QueueUrl"]
    return url


def queue_arn(watched: Watched) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{watched.namespace}"


def messages(watched: Watched, url: str, count: int) -> list[Any]:
    sqs, found = watched.cloud.client("sqs"), []
    deadline = time.monotonic() + TIMEOUT_S
    while len(found) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found
