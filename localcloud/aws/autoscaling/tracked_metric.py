"""The metric behind a target tracking policy, as a CloudWatch query, and its values by the minute."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from localcloud.aws.api_errors import ValidationError
from localcloud.aws.autoscaling.target_tracking import DEFAULT_COOLDOWN_S, LOW_MINUTES, MINUTE_S, Tracking
from localcloud.aws.autoscaling.variant import Variant

Document = dict[str, Any]
_INVOCATIONS = "SageMakerVariantInvocationsPerInstance"
_ID = "tracked"


class MetricReader(Protocol):
    """Reads CloudWatch."""

    def read(self, region: str, queries: Sequence[Document], start: float, end: float) -> dict[int, float]:
        """Values of the one query that returns data, by the start of their minute in epoch seconds."""
        ...


class CloudWatchReader:
    """GetMetricData as the account's root.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    """

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        """`client` makes a boto3 client of a service in a region."""
        self._client = client

    def read(self, region: str, queries: Sequence[Document], start: float, end: float) -> dict[int, float]:
        """See MetricReader."""
        answer = self._client("cloudwatch", region).get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending",
        )
        (result,) = answer["MetricDataResults"]
        moments = [int(moment.timestamp()) // MINUTE_S * MINUTE_S for moment in result["Timestamps"]]
        return dict(zip(moments, result["Values"], strict=True))


def tracking_of(config: Document) -> Tracking:
    """The arithmetic's part of a TargetTrackingScalingPolicyConfiguration."""
    return Tracking(
        target=config["TargetValue"],
        scale_out_cooldown_s=config.get("ScaleOutCooldown", DEFAULT_COOLDOWN_S),
        scale_in_cooldown_s=config.get("ScaleInCooldown", DEFAULT_COOLDOWN_S),
        scales_in=not config.get("DisableScaleIn", False),
    )


def with_quiet_minutes(config: Document, values: dict[int, float], since: float, end: int) -> dict[int, float]:
    """Values with a zero for each minute without traffic, where SageMaker says so itself.

    "If a variant's traffic becomes zero, SageMaker automatically scales in to the minimum number of instances
    specified. In this case, SageMaker emits metrics with a value of zero."
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-edit.html

    Args:
        config: The policy's; a metric of one's own is left as it is.
        values: By the start of their minute.
        since: When the policy was put: there are no zeros from before.
        end: Start of the minute that is not over.
    """
    if "PredefinedMetricSpecification" not in config:
        return values
    first = max(end - LOW_MINUTES * MINUTE_S, -(-int(since) // MINUTE_S) * MINUTE_S)
    return dict.fromkeys(range(first, end, MINUTE_S), 0.0) | values


def metric_queries(variant: Variant, config: Document) -> list[Document]:
    """MetricDataQueries of a policy's metric, of which one returns data.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html

    Raises:
        ValidationError: The configuration names no metric, two, or one that is not measured here.
    """
    predefined, customized = config.get("PredefinedMetricSpecification"), config.get("CustomizedMetricSpecification")
    if (predefined is None) == (customized is None):
        raise ValidationError(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is needed."
        )
    if customized is not None and "Metrics" in customized:
        return [_query_of(query) for query in customized["Metrics"]]
    if customized is not None:
        missing = [name for name in ("MetricName", "Namespace", "Statistic") if name not in customized]
        if missing:
            raise ValidationError(f"CustomizedMetricSpecification lacks {', '.join(missing)}.")
        return [_simple_query(customized, customized["Statistic"], customized.get("Unit"))]
    kind = (predefined or {})["PredefinedMetricType"]
    if kind != _INVOCATIONS:
        raise ValidationError(f"Predefined metric type {kind} is not measured on this machine; {_INVOCATIONS} is.")
    dimensions = [
        {"Name": "EndpointName", "Value": variant.endpoint},
        {"Name": "VariantName", "Value": variant.name},
    ]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "InvocationsPerInstance", "Dimensions": dimensions}
    return [_simple_query(metric, "Sum", None)]


def _simple_query(metric: Document, statistic: str, unit: str | None) -> Document:
    named = {name: metric[name] for name in ("Namespace", "MetricName", "Dimensions") if name in metric}
    stat = {"Metric": named, "Period": MINUTE_S, "Stat": statistic}
    return {"Id": _ID, "MetricStat": stat | ({"Unit": unit} if unit else {}), "ReturnData": True}


def _query_of(query: Document) -> Document:
    """A TargetTrackingMetricDataQuery is a MetricDataQuery without a period."""
    if "MetricStat" not in query:
        return query
    return {**query, "MetricStat": {**query["MetricStat"], "Period": MINUTE_S}}
