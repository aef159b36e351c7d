"""EventBridge's own metrics of rules; MiniStack has none.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

from localcloud.aws.clock import Clock
from localcloud.aws.metrics import Datum, Metrics
from localcloud.aws.ministack_patches import event_bus


def install(metrics: Metrics, clock: Clock) -> None:
    """Counts each delivery to a target, those that nobody took, and those that a dead-letter queue took."""

    def count(rule_arn: str, metric: str) -> None:
        _, _, _, region, account, rule = rule_arn.split(":", 5)
        dimensions = {"RuleName": rule.rpartition("/")[2]}
        datum = Datum(metric, [1.0], clock.now(), dimensions, "Count", high_resolution=True)
        metrics.put(account, region, "AWS/Events", [datum])

    event_bus.listen(count)
