"""What watches live models: captured calls come in, scores come out."""

from typing import Any

import pulumi
from pulumi_aws import s3

from comal import s3_layout
from comal.events import SOURCE
from infra.components.bucket import Bucket
from infra.components.function import Inbox, QueuedFunction, Work
from infra.components.table import table
from infra.policies import functions
from infra.stack import Stack

MONITOR_TIMEOUT_S = 120
MONITOR_MEMORY_MB = 1024
# A file of labels and its typed copy, or a few captured files.
MONITOR_STORAGE_MB = 1024
# What lies in the capture bucket lies typed in the lake, too.
CAPTURE_DAYS = 30


class Monitoring(pulumi.ComponentResource):
    """The capture bucket, the monitoring table and monitor_endpoint.

    Attributes:
        functions: Functions that wait for their deliveries.
    """

    def __init__(self, stack: Stack, *, layer: pulumi.Input[str]) -> None:
        super().__init__("comal:monitoring:Monitoring", "monitoring")
        child = pulumi.ResourceOptions(parent=self)
        capture = Bucket("capture", stack, expire_after_days=CAPTURE_DAYS, opts=child)
        s3.BucketNotification("capture", bucket=capture.name, eventbridge=True, opts=child)
        monitoring = table("monitoring", stack, self)
        inbox = Inbox("monitor_endpoint", stack, timeout_s=MONITOR_TIMEOUT_S, opts=child)
        inbox.receives("captured", _created(stack.names.bucket("capture")), parent=self)
        inbox.receives("labels", _created(stack.names.bucket("landing"), s3_layout.LABELS), parent=self)
        inbox.receives(
            "deployed",
            {"source": [SOURCE], "detail-type": ["ModelDeployed"], "detail": {"stack": [stack.names.stack]}},
            parent=self,
        )
        inbox.receives_timer(_timer(stack.settings.alarm_period_seconds), parent=self)
        work = Work(
            policy=functions.monitor_endpoint(stack.names),
            environment={"COMAL_ALARM_PERIOD_SECONDS": str(stack.settings.alarm_period_seconds)},
            timeout_s=MONITOR_TIMEOUT_S,
            memory_mb=MONITOR_MEMORY_MB,
            storage_mb=MONITOR_STORAGE_MB,
        )
        self.functions = [QueuedFunction(inbox, stack, work, layer=layer, opts=child)]
        self.register_outputs({"capture": capture.name, "monitoring": monitoring.name})


def _timer(alarm_period_s: int) -> str:
    """Scores are emitted anew as often as alarms look at them, or every minute, which is as often as a rule can fire.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    """
    minutes = max(1, alarm_period_s // 60)
    return f"rate({minutes} minute{'s' if minutes > 1 else ''})"


def _created(bucket: str, prefix: str = "") -> dict[str, Any]:
    """Pattern of objects put into a bucket."""
    placed = {"object": {"key": [{"prefix": prefix}]}} if prefix else {}
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, **placed},
    }
