"""CloudWatch Logs."""

from collections.abc import Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType, Tagging

_ARN = "join(':', ['arn:aws:logs', region, account, 'log-group', id])"


def _keep_for(client: Any, name: str, days: Any, before: Mapping[str, Any]) -> None:
    """The provider writes 0 for "for ever"."""
    del before
    if days:
        client.put_retention_policy(logGroupName=name, retentionInDays=days)
    else:
        client.delete_retention_policy(logGroupName=name)


def _is_listed(answer: Any, name: str, inputs: Mapping[str, Any]) -> bool:
    del inputs
    return any(group["logGroupName"] == name for group in answer["logGroups"])


def _transformed(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider leaves `metric` out of the names of a transformation's members."""
    transformation = inputs.get("metricTransformation")
    if not isinstance(transformation, dict):
        return inputs
    names = {"name": "metricName", "namespace": "metricNamespace", "value": "metricValue"}
    renamed = {names.get(key, key): value for key, value in transformation.items()}
    return {**inputs, "metricTransformation": renamed}


TYPES = {
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        service="logs",
        create="create_log_group",
        delete="delete_log_group",
        id="in.name",
        key={"logGroupName": "id", "logGroupNamePrefix": "id"},
        read="describe_log_groups",
        is_there=_is_listed,
        name="name",
        paths={"name": "logGroupName"},
        setters={"retentionInDays": _keep_for},
        tagging=Tagging("tag_resource", "untag_resource", {"resourceArn": _ARN}),
        defaults={"tags": {}},
        local=("skipDestroy",),
        replace=("name",),
        # By prefix, in order: the group itself comes first.
        actual={"retentionInDays": "logGroups[0].retentionInDays"},
        outputs={"arn": _ARN},
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ResourceType(
        service="logs",
        create="put_metric_filter",
        delete="delete_metric_filter",
        id="in.name",
        key={"logGroupName": "in.logGroupName", "filterName": "id", "filterNamePrefix": "id"},
        read="describe_metric_filters",
        is_there=lambda answer, name, _inputs: name in [one["filterName"] for one in answer["metricFilters"]],
        name="name",
        put=True,
        prepare=_transformed,
        paths={"name": "filterName", "pattern": "filterPattern", "metricTransformation": "metricTransformations"},
        replace=("name", "logGroupName"),
        # By prefix, in order: the filter itself comes first.
        actual={"pattern": "metricFilters[0].filterPattern"},
    ),
}
