"""KMS."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.engine.resource_type import ResourceType, Tagging

# A key has no name and its id is made up by AWS, so a kill in mid-create would leave one that nobody recognises:
# a tag with a value made up before the call does what a name does elsewhere.
_MARK = "localcloud:created-as"


def _marked(inputs: dict[str, Any]) -> dict[str, Any]:
    shaped = dict(inputs)
    mark = shaped.pop("mark", None)
    return {**shaped, "tags": {**shaped.get("tags", {}), _MARK: mark}} if mark else shaped


def _find(client: Any, inputs: Mapping[str, Any]) -> str | None:
    for page in client.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            try:
                tags = client.list_resource_tags(KeyId=key["KeyId"])["Tags"]
            except ClientError:
                continue  # A key of AWS's own, or one that may not be read, is none of ours.
            if {"TagKey": _MARK, "TagValue": inputs["mark"]} in tags and _is_alive(client, key["KeyId"]):
                return str(key["KeyId"])
    return None


def _is_alive(client: Any, key_id: str) -> bool:
    return bool(client.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] != "PendingDeletion")


def _rotate(client: Any, key_id: str, wanted: Any, before: Mapping[str, Any]) -> None:
    del before
    if wanted:
        client.enable_key_rotation(KeyId=key_id)
    else:
        client.disable_key_rotation(KeyId=key_id)


def _has_alias(answer: Any, alias: str, inputs: Mapping[str, Any]) -> bool:
    del inputs
    return any(found["AliasName"] == alias for found in answer["Aliases"])


TYPES = {
    "aws:kms/key:Key": ResourceType(
        service="kms",
        create="create_key",
        delete="schedule_key_deletion",
        read="describe_key",
        is_there=lambda answer, _id, _inputs: answer["KeyMetadata"]["KeyState"] != "PendingDeletion",
        id="res.KeyMetadata.KeyId",
        key={"KeyId": "id", "PendingWindowInDays": "in.deletionWindowInDays"},
        name="mark",
        find=_find,
        prepare=_marked,
        paths={"customerMasterKeySpec": "KeySpec"},
        updates={"put_key_policy": ("policy",), "update_key_description": ("description",)},
        setters={"enableKeyRotation": _rotate},
        tagging=Tagging("tag_resource", "untag_resource", {"KeyId": "id"}),
        defaults={"description": "", "tags": {}},
        local=("deletionWindowInDays",),
        replace=("keyUsage", "customerMasterKeySpec", "multiRegion"),
        actual={"description": "KeyMetadata.Description"},
        outputs={"arn": "res.KeyMetadata.Arn", "keyId": "id"},
    ),
    "aws:kms/alias:Alias": ResourceType(
        service="kms",
        create="create_alias",
        delete="delete_alias",
        read="list_aliases",
        is_there=_has_alias,
        id="in.name",
        key={"AliasName": "id", "KeyId": "in.targetKeyId"},
        name="name",
        paths={"name": "AliasName"},
        updates={"update_alias": ("targetKeyId",)},
        replace=("name",),
        outputs={"arn": "join(':', ['arn:aws:kms', region, account, id])"},
    ),
}
