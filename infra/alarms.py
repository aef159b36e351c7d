"""Which alarms a stack has, as plain data: metric, threshold, N of M, and where the runbook says what to do.

Scores are 1.0 at their threshold, whatever the model, so one definition serves them all. No alarm looks at one
datapoint only: a single bad minute sets off nothing.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from comal.names import PROJECT, Names
from comal.recipe import Recipe
from comal.recipe_training import GPU_INSTANCE_PREFIXES
from comal.serving_config import VARIANT
from infra.instance_size import gpus, vcpus

# AWS's own metrics come once a minute; more often there would be nothing to see.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html#high-resolution-metrics
AWS_PERIOD_S = 60
FUNCTION_PERIOD_S = 300

# A caller that waits has long given up.
LATENCY_P99_US = 1_000_000
# The runtime retries; of 100 calls one may fail.
ERROR_SHARE = 0.01
BUSY_PERCENT = 90
GPU_BUSY_PERCENT = 95
# Five receives take half an hour at most for the slowest queue; what is older is not being worked on at all.
QUEUE_AGE_S = 3600

Missing = Literal["missing", "notBreaching"]


@dataclass(frozen=True)
class Alarm:
    """One alarm.

    Attributes:
        label: Name in the program; ends in the anchor of the runbook.
        name: Name in AWS.
        section: Heading in docs/runbook.md.
        statistic: Maximum, Average, Sum, or a percentile such as p99.
        breaching: N: datapoints at or above the threshold that set it off.
        periods: M: of so many.
        model: Model that it belongs to, or None.
    """

    label: str
    name: str
    section: str
    means: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    threshold: float
    period_s: int
    breaching: int = 2
    periods: int = 3
    missing: Missing = "notBreaching"
    model: str | None = None

    @property
    def description(self) -> str:
        """What a person reads in the mail."""
        return f"{self.means} What to do: docs/runbook.md#{self.section}"


@dataclass(frozen=True)
class _Of:
    """What the alarms of one model share."""

    names: Names
    recipe: Recipe
    period_s: int
    found: list[Alarm] = field(default_factory=list)

    def score(self, noun: str, metric: str, means: str) -> None:
        """An alarm on a score that comes with the traffic."""
        dimensions = {"stack": self.names.stack, "model": self.recipe.model}
        self._add(noun, means, PROJECT, metric, dimensions, "Maximum", 1.0, self.period_s, 2, 3)

    def age(self, noun: str, metric: str, means: str, breaching: int = 2, periods: int = 3) -> None:
        """An alarm on a score that grows with time, and comes with the timer, which rings once a minute at most."""
        # Without a score there is nothing to judge. That of no-data comes every minute once the monitoring runs, so
        # that it stops is told as INSUFFICIENT_DATA. As a breach it would be one before the first minute is over.
        missing: Missing = "missing" if noun == "no-data" else "notBreaching"
        dimensions = {"stack": self.names.stack, "model": self.recipe.model}
        period_s = self._aws_period_s
        self._add(noun, means, PROJECT, metric, dimensions, "Maximum", 1.0, period_s, breaching, periods, missing)

    def endpoint(self, noun: str, namespace: str, metric: str, statistic: str, threshold: float, means: str) -> None:
        """An alarm on what SageMaker says of the endpoint."""
        dimensions = {"EndpointName": self.names.of_model(self.recipe.model), "VariantName": VARIANT}
        self._add(noun, means, namespace, metric, dimensions, statistic, threshold, self._aws_period_s, 3, 5)

    def training(self, noun: str, metric: str, means: str) -> None:
        """An alarm on the model's training executions; one that failed is enough."""
        dimensions = {"StateMachineArn": self.names.state_machine_arn(self.recipe.model)}
        self._add(noun, means, "AWS/States", metric, dimensions, "Sum", 1.0, self._aws_period_s, 1, 5)

    @property
    def _aws_period_s(self) -> int:
        return max(AWS_PERIOD_S, self.period_s)

    def _add(
        self,
        noun: str,
        means: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        statistic: str,
        threshold: float,
        period_s: int,
        breaching: int,
        periods: int,
        missing: Missing = "notBreaching",
    ) -> None:
        model = self.recipe.model
        alarm = Alarm(
            label=f"{model}-{noun}",
            name=self.names.alarm(model, noun),
            section=noun,
            means=means,
            namespace=namespace,
            metric=metric,
            dimensions=dimensions,
            statistic=statistic,
            threshold=threshold,
            period_s=period_s,
            breaching=breaching,
            periods=periods,
            missing=missing,
            model=model,
        )
        self.found.append(alarm)


def model_alarms(names: Names, recipe: Recipe, period_s: int) -> list[Alarm]:
    """The alarms of one model; `period_s` is how often scores are looked at."""
    model, instance = recipe.model, recipe.serving.instance
    of = _Of(names, recipe, period_s)
    of.score("drift", "drift_score", f"Requests to {model} differ from the rows that its version was trained on.")
    of.score("prediction-drift", "prediction_drift_score", f"Predictions of {model} are spread otherwise than before.")
    of.score("skew", "skew_score", f"Requests to {model} differ from the rows validated in the same days.")
    of.score("quality", "quality_score", f"Late labels say that {model} is worse than it may be.")
    of.age("expired", "expiry_score", f"The version of {model} that is served has expired.")
    of.age("no-data", "no_data_score", f"No request to {model} was captured for a day.", 15, 15)
    of.age("no-labels", "no_labels_score", f"Labels of {model} stopped coming.")
    endpoint, instances = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
    share = f"At least {ERROR_SHARE:.0%} of the calls of {model} fail."
    of.endpoint("errors-5xx", endpoint, "Invocation5XXErrors", "Average", ERROR_SHARE, share)
    slow = f"Of 100 calls of {model} the slowest takes {LATENCY_P99_US / 1e6:g} s or more."
    of.endpoint("latency", endpoint, "ModelLatency", "p99", LATENCY_P99_US, slow)
    busy = f"The processors behind {model} are {BUSY_PERCENT} % busy."
    # The metric adds the cores up.
    # https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    of.endpoint("cpu", instances, "CPUUtilization", "Average", BUSY_PERCENT * vcpus(instance), busy)
    full = f"The memory behind {model} is {BUSY_PERCENT} % full."
    of.endpoint("memory", instances, "MemoryUtilization", "Average", BUSY_PERCENT, full)
    if instance.startswith(GPU_INSTANCE_PREFIXES):
        limit = GPU_BUSY_PERCENT * gpus(instance)
        of.endpoint("gpu", instances, "GPUUtilization", "Average", limit, f"The GPUs behind {model} are busy.")
        gpu_full = f"The memory of the GPUs behind {model} is full."
        of.endpoint("gpu-memory", instances, "GPUMemoryUtilization", "Average", limit, gpu_full)
    of.training("training-failed", "ExecutionsFailed", f"A training run of {model} failed.")
    of.training("training-timeout", "ExecutionsTimedOut", f"A training run of {model} took too long.")
    return of.found


def function_alarms(names: Names, functions: Sequence[str]) -> list[Alarm]:
    """The alarms of functions behind queues, by their nouns."""
    return [alarm for noun in functions for alarm in _of_function(names, noun)]


def _of_function(names: Names, noun: str) -> list[Alarm]:
    name = names.shared(noun)
    return [
        Alarm(
            label=f"{noun}-errors",
            name=f"{name}-errors",
            section="function-errors",
            means=f"{noun} fails again and again.",
            namespace="AWS/Lambda",
            metric="Errors",
            dimensions={"FunctionName": name},
            statistic="Sum",
            threshold=1,
            period_s=FUNCTION_PERIOD_S,
        ),
        Alarm(
            label=f"{noun}-queue-age",
            name=f"{name}-queue-age",
            section="queue-age",
            means=f"A message waits for {noun} for an hour.",
            namespace="AWS/SQS",
            metric="ApproximateAgeOfOldestMessage",
            dimensions={"QueueName": name},
            statistic="Maximum",
            threshold=QUEUE_AGE_S,
            period_s=FUNCTION_PERIOD_S,
        ),
        Alarm(
            label=f"{noun}-dead-letters",
            name=names.dead_letters(noun),
            section="dead-letters",
            means=f"{noun} gave up on a message.",
            namespace="AWS/SQS",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": names.dead_letters(noun)},
            statistic="Maximum",
            threshold=1,
            period_s=AWS_PERIOD_S,
        ),
    ]
