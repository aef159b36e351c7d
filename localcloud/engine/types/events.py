"""EventBridge."""

from collections.abc import Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType, Tagging

_BUS = "in.eventBusName"


def _has_target(answer: Any, target_id: str, inputs: Mapping[str, Any]) -> bool:
    del target_id
    return any(target["Id"] == inputs["targetId"] for target in answer["Targets"])


TYPES = {
    "aws:cloudwatch/eventRule:EventRule": ResourceType(
        service="events",
        create="put_rule",
        delete="delete_rule",
        read="describe_rule",
        id="in.name",
        key={"Name": "id", "EventBusName": _BUS},
        name="name",
        put=True,
        tagging=Tagging("tag_resource", "untag_resource", {"ResourceARN": "out.arn"}),
        defaults={"tags": {}, "description": ""},
        local=("forceDestroy",),
        replace=("name", "eventBusName"),
        actual={"scheduleExpression": "ScheduleExpression", "state": "State", "eventPattern": "EventPattern"},
        outputs={"arn": "res.RuleArn || res.Arn"},
    ),
    "aws:cloudwatch/eventTarget:EventTarget": ResourceType(
        service="events",
        create="put_targets",
        delete="remove_targets",
        id="join('-', [in.rule, in.targetId])",
        key={"Rule": "in.rule", "EventBusName": _BUS, "Ids": "[in.targetId]"},
        name="targetId",
        read="list_targets_by_rule",
        is_there=_has_target,
        put=True,
        paths={
            "targetId": "Targets.Id",
            "arn": "Targets.Arn",
            "input": "Targets.Input",
            "inputPath": "Targets.InputPath",
            "roleArn": "Targets.RoleArn",
            "inputTransformer": "Targets.InputTransformer",
            "retryPolicy": "Targets.RetryPolicy",
            "deadLetterConfig": "Targets.DeadLetterConfig",
        },
        prepare=lambda inputs: {
            **inputs,
            **({"inputTransformer": _transformer(inputs["inputTransformer"])} if "inputTransformer" in inputs else {}),
        },
        replace=("rule", "eventBusName", "targetId"),
    ),
}


def _transformer(value: dict[str, object]) -> dict[str, object]:
    """The provider calls the map `inputPaths`, EventBridge `InputPathsMap`."""
    return {"inputPathsMap" if key == "inputPaths" else key: item for key, item in value.items()}
