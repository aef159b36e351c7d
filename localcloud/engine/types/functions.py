"""Lambda."""

import json
from collections.abc import Mapping
from typing import Any

from localcloud.engine.errors import EngineError
from localcloud.engine.resource_type import ResourceType, Tagging


def _is_active(client: Any, name: str) -> bool:
    found = client.get_function_configuration(FunctionName=name)
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if "Failed" in (state, update):
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
        raise EngineError(f"Function {name} is not usable: {reason}", "Correct its code or settings.")
    return bool((state, update) == ("Active", "Successful"))


def _find_mapping(client: Any, inputs: Mapping[str, Any]) -> str | None:
    found = client.list_event_source_mappings(
        EventSourceArn=inputs["eventSourceArn"], FunctionName=inputs["functionName"]
    )["EventSourceMappings"]
    return str(found[0]["UUID"]) if found else None


def _find_layer(client: Any, inputs: Mapping[str, Any]) -> str | None:
    """The newest version: a killed publication can have left no other."""
    found = client.list_layer_versions(LayerName=inputs["layerName"])["LayerVersions"]
    return str(found[0]["LayerVersionArn"]) if found else None


def _delete_layer(client: Any, arn: str, inputs: Mapping[str, Any]) -> None:
    client.delete_layer_version(LayerName=inputs["layerName"], VersionNumber=int(arn.rsplit(":", 1)[1]))


def _reserve(client: Any, name: str, executions: Any, before: Mapping[str, Any]) -> None:
    """The provider writes -1 for "not reserved"."""
    del before
    if executions is None or executions < 0:
        client.delete_function_concurrency(FunctionName=name)
    else:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)


def _has_permission(answer: Any, statement_id: str, inputs: Mapping[str, Any]) -> bool:
    del inputs
    return any(found.get("Sid") == statement_id for found in json.loads(answer["Policy"])["Statement"])


def _mapping_is_settled(client: Any, uuid: str) -> bool:
    return client.get_event_source_mapping(UUID=uuid)["State"] in ("Enabled", "Disabled")


_MAPPING_UPDATES = (
    "batchSize",
    "enabled",
    "functionResponseTypes",
    "maximumBatchingWindowInSeconds",
    "scalingConfig",
    "filterCriteria",
)

TYPES = {
    "aws:lambda/function:Function": ResourceType(
        service="lambda",
        create="create_function",
        delete="delete_function",
        read="get_function_configuration",
        id="in.name",
        key={"FunctionName": "id"},
        name="name",
        settled=_is_active,
        paths={
            "name": "FunctionName",
            "code": "Code.ZipFile|ZipFile",
            "imageUri": "Code.ImageUri|ImageUri",
            "s3Bucket": "Code.S3Bucket|S3Bucket",
            "s3Key": "Code.S3Key|S3Key",
            "s3ObjectVersion": "Code.S3ObjectVersion|S3ObjectVersion",
        },
        # The digest follows the code, which is compared by its own.
        local=("sourceCodeHash",),
        updates={
            "update_function_code": ("code", "imageUri", "s3Bucket", "s3Key", "s3ObjectVersion"),
            "update_function_configuration": (
                "role",
                "handler",
                "runtime",
                "description",
                "timeout",
                "memorySize",
                "environment",
                "layers",
                "ephemeralStorage",
                "deadLetterConfig",
                "tracingConfig",
                "loggingConfig",
            ),
        },
        setters={"reservedConcurrentExecutions": _reserve},
        tagging=Tagging("tag_resource", "untag_resource", {"Resource": "out.arn"}),
        defaults={
            "description": "",
            "timeout": 3,
            "memorySize": 128,
            "environment": {"variables": {}},
            "layers": [],
            "ephemeralStorage": {"size": 512},
            "deadLetterConfig": {"targetArn": ""},
            "tracingConfig": {"mode": "PassThrough"},
            "tags": {},
        },
        replace=("name", "packageType", "architectures", "codeSigningConfigArn"),
        actual={
            "timeout": "Timeout",
            "memorySize": "MemorySize",
            "handler": "Handler",
            "runtime": "Runtime",
            "role": "Role",
        },
        outputs={
            "arn": "res.FunctionArn",
            "version": "res.Version",
            "lastModified": "res.LastModified",
            "codeSha256": "res.CodeSha256",
            "invokeArn": "join('', ['arn:aws:apigateway:', region, ':lambda:path/2015-03-31/functions/', "
            "res.FunctionArn, '/invocations'])",
        },
    ),
    "aws:lambda/layerVersion:LayerVersion": ResourceType(
        service="lambda",
        create="publish_layer_version",
        delete="",
        before_delete=_delete_layer,
        read="get_layer_version_by_arn",
        id="res.LayerVersionArn",
        key={"Arn": "id"},
        find=_find_layer,
        paths={
            "code": "Content.ZipFile",
            "s3Bucket": "Content.S3Bucket",
            "s3Key": "Content.S3Key",
            "s3ObjectVersion": "Content.S3ObjectVersion",
        },
        local=("sourceCodeHash", "skipDestroy"),
        always_replace=True,
        outputs={"arn": "id", "layerArn": "res.LayerArn", "version": "to_string(res.Version)"},
    ),
    "aws:lambda/permission:Permission": ResourceType(
        service="lambda",
        create="add_permission",
        delete="remove_permission",
        id="in.statementId",
        key={"FunctionName": "in.function", "StatementId": "id"},
        name="statementId",
        read="get_policy",
        is_there=_has_permission,
        paths={"function": "FunctionName"},
        always_replace=True,
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": ResourceType(
        service="lambda",
        create="create_event_source_mapping",
        delete="delete_event_source_mapping",
        read="get_event_source_mapping",
        id="res.UUID",
        key={"UUID": "id"},
        find=_find_mapping,
        settled=_mapping_is_settled,
        updates={"update_event_source_mapping": _MAPPING_UPDATES},
        tagging=Tagging("tag_resource", "untag_resource", {"Resource": "out.arn"}),
        defaults={
            "batchSize": 10,
            "enabled": True,
            "functionResponseTypes": [],
            "maximumBatchingWindowInSeconds": 0,
            "filterCriteria": {"filters": []},
            "scalingConfig": {},
            "tags": {},
        },
        replace=("eventSourceArn", "functionName", "startingPosition"),
        actual={"batchSize": "BatchSize"},
        outputs={"uuid": "id", "arn": "res.EventSourceMappingArn", "functionArn": "res.FunctionArn"},
    ),
}
