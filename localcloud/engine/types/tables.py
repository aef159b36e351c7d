"""DynamoDB."""

from collections.abc import Mapping
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


def _expire(client: Any, table: str, wanted: Any, before: Mapping[str, Any]) -> None:
    """To switch it off, DynamoDB wants to hear the attribute once more; to move it, off comes first."""
    former = before.get("ttl") or {}
    attribute = wanted["attributeName"] if wanted and wanted.get("enabled", True) else ""
    if former.get("enabled") and former["attributeName"] != attribute:
        off = {"Enabled": False, "AttributeName": former["attributeName"]}
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=off)
    if attribute and client.describe_time_to_live(TableName=table)["TimeToLiveDescription"].get(
        "TimeToLiveStatus"
    ) not in ("ENABLED", "ENABLING"):
        on = {"Enabled": True, "AttributeName": attribute}
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=on)


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
            "pointInTimeRecovery": "PointInTimeRecoverySpecification",
            "serverSideEncryption": "SSESpecification",
            "deletionProtectionEnabled": "DeletionProtectionEnabled",
        },
        updates={
            "update_table": ("billingMode", "deletionProtectionEnabled", "serverSideEncryption"),
            "update_continuous_backups": ("pointInTimeRecovery",),
        },
        setters={"ttl": _expire},
        tagging=Tagging("tag_resource", "untag_resource", {"ResourceArn": "out.arn"}),
        defaults={
            "billingMode": "PROVISIONED",
            "pointInTimeRecovery": {"enabled": False},
            "serverSideEncryption": {"enabled": False},
            "deletionProtectionEnabled": False,
            "tags": {},
        },
        replace=("name", "hashKey", "rangeKey"),
        actual={"billingMode": "Table.BillingModeSummary.BillingMode"},
        outputs={"arn": "res.Table.TableArn", "streamArn": "res.Table.LatestStreamArn"},
    ),
}
