"""Step Functions."""

from collections.abc import Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType, Tagging


def _find(client: Any, inputs: Mapping[str, Any]) -> str | None:
    for page in client.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"] == inputs["name"]:
                return str(machine["stateMachineArn"])
    return None


TYPES = {
    "aws:sfn/stateMachine:StateMachine": ResourceType(
        service="stepfunctions",
        create="create_state_machine",
        delete="delete_state_machine",
        read="describe_state_machine",
        id="res.stateMachineArn",
        key={"stateMachineArn": "id"},
        name="name",
        find=_find,
        updates={"update_state_machine": ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")},
        tagging=Tagging("tag_resource", "untag_resource", {"resourceArn": "id"}),
        defaults={
            "loggingConfiguration": {"level": "OFF"},
            "tracingConfiguration": {"enabled": False},
            "tags": {},
        },
        actual={"definition": "definition", "roleArn": "roleArn"},
        replace=("name", "type"),
        outputs={"arn": "id"},
    ),
}
