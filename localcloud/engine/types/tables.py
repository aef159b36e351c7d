"""DynamoDB."""

from typing import Any

from localcloud.engine.resource_type import ResourceType, Tagging


def _schema(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider names keys and attributes flat; DynamoDB wants them as a schema."""
    shaped = dict(inputs)
    keys = [(shaped.pop("hashKey", None), "HASH"), (shaped.pop("rangeKey", None), "RANGE")]
    shaped["keySchema"] = [{"attributeName": name, "keyType": kind} for name, kind in keys if name]
    shaped["attributes"] = [
        {"attributeName": item["name"], "attributeType": item["type"]} for item in shaped.get("attributes", [])
    ]
    if "pointInTimeRecovery" in shaped:
        enabled = shaped["pointInTimeRecovery"]["enabled"]
        shaped["pointInTimeRecovery"] = {"pointInTimeRecoveryEnabled": enabled}
    if "serverSideEncryption" in shaped:
        shaped["serverSideEncryption"] = {"enabled": shaped["serverSideEncryption"]["enabled"]}
    return shaped


def _is_active(client: Any, name: str) -> bool:
    return bool(client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")


TYPES = {
    "aws:dynamodb/table:Table": ResourceType(
        service="dynamodb",
        create="create_table",
        delete="delete_table",
        read="describe_table",
        id="in.name",
        key={"TableName": "id"},
        name="name",
        settled=_is_active,
        prepare=_schema,
        paths={
            "name": "TableName",
            "attributes": "AttributeDefinitions",
            "ttl": "TimeToLiveSpecification",
            "pointInTimeRecovery": "PointInTimeRecoverySpecification",
            "serverSideEncryption": "SSESpecification",
            "deletionProtectionEnabled": "DeletionProtectionEnabled",
        },
        updates={
            "update_table": ("billingMode", "deletionProtectionEnabled"),
            "update_time_to_live": ("ttl",),
            "update_continuous_backups": ("pointInTimeRecovery",),
        },
        tagging=Tagging("tag_resource", "untag_resource", {"ResourceArn": "out.arn"}),
        defaults={"pointInTimeRecovery": {"enabled": False}, "deletionProtectionEnabled": False, "tags": {}},
        replace=("name", "hashKey", "rangeKey"),
        outputs={"arn": "res.Table.TableArn", "streamArn": "res.Table.LatestStreamArn"},
    ),
}
