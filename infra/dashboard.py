"""The dashboard of one model, as CloudWatch's JSON.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Sequence
from typing import Any

from comal.names import PROJECT, Names
from comal.recipe import Recipe
from comal.serving_config import VARIANT

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3
_THRESHOLD = {"horizontal": [{"label": "threshold", "value": 1}]}


def dashboard(names: Names, recipe: Recipe, alarm_arns: Sequence[str]) -> dict[str, Any]:
    """Alarms, traffic, latency, errors, drift, quality, data and retraining of a model.

    Args:
        names: Names of the stack.
        recipe: The model's.
        alarm_arns: Its alarms.
    """
    model = recipe.model
    kit = ["stack", names.stack, "model", model]
    variant = ["EndpointName", names.of_model(model), "VariantName", VARIANT]
    machine = ["StateMachineArn", names.state_machine_arn(model)]

    def scores(*metrics: str) -> list[list[Any]]:
        return [[PROJECT, metric, *kit, {"stat": "Maximum"}] for metric in metrics]

    def calls(metric: str, *statistics: str) -> list[list[Any]]:
        return [["AWS/SageMaker", metric, *variant, {"stat": statistic}] for statistic in statistics]

    graphs = [
        ("Traffic", calls("Invocations", "Sum"), {}),
        ("Latency (µs)", calls("ModelLatency", "p50", "p99"), {}),
        ("Errors", calls("Invocation4XXErrors", "Sum") + calls("Invocation5XXErrors", "Sum"), {}),
        ("Drift", scores("drift_score", "prediction_drift_score", "skew_score"), _THRESHOLD),
        ("Quality", scores("quality_score"), _THRESHOLD),
        (f"Live {recipe.metric}", scores(f"live_{recipe.metric}"), {}),
        (
            "Captured rows and labels",
            [[PROJECT, metric, *kit, {"stat": "Sum"}] for metric in ("captured_rows", "labelled_rows")],
            {},
        ),
        (
            "Instances",
            [
                ["/aws/sagemaker/Endpoints", metric, *variant, {"stat": "Average"}]
                for metric in ("CPUUtilization", "MemoryUtilization")
            ],
            {},
        ),
        (
            "Retraining",
            [
                ["AWS/States", metric, *machine, {"stat": "Sum"}]
                for metric in ("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed")
            ],
            {},
        ),
    ]
    top = {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": _WIDTH * _COLUMNS,
        "height": 3,
        "properties": {"title": f"Alarms of {model}", "alarms": list(alarm_arns)},
    }
    return {"widgets": [top, *(_graph(place, names.region, *graph) for place, graph in enumerate(graphs))]}


def _graph(
    place: int, region: str, title: str, metrics: list[list[Any]], annotations: dict[str, Any]
) -> dict[str, Any]:
    properties: dict[str, Any] = {"title": title, "region": region, "view": "timeSeries", "metrics": metrics}
    properties["period"] = 60
    if annotations:
        properties["annotations"] = annotations
    return {
        "type": "metric",
        "x": place % _COLUMNS * _WIDTH,
        "y": 3 + place // _COLUMNS * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": properties,
    }
