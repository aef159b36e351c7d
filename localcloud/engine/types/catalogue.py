"""Glue's data catalogue."""

from collections.abc import Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType

_IN_TABLE = ("name", "description", "tableType", "parameters", "partitionKeys", "storageDescriptor")


def _tag(client: Any, _name: str, wanted: Mapping[str, str] | None, outputs: Mapping[str, Any]) -> None:
    arn = outputs["arn"]
    former = client.get_tags(ResourceArn=arn)["Tags"]
    gone = [key for key in former if key not in (wanted or {})]
    if gone:
        client.untag_resource(ResourceArn=arn, TagsToRemove=gone)
    if wanted:
        client.tag_resource(ResourceArn=arn, TagsToAdd=dict(wanted))


TYPES = {
    "aws:glue/catalogDatabase:CatalogDatabase": ResourceType(
        service="glue",
        create="create_database",
        delete="delete_database",
        read="get_database",
        id="in.name",
        key={"Name": "id"},
        name="name",
        paths={"name": "DatabaseInput.Name", "description": "DatabaseInput.Description"},
        updates={"update_database": ("name", "description")},
        setters={"tags": _tag},
        replace=("name",),
        actual={"description": "Database.Description"},
        outputs={"arn": "join(':', ['arn:aws:glue', region, account, join('/', ['database', id])])"},
    ),
    "aws:glue/catalogTable:CatalogTable": ResourceType(
        service="glue",
        create="create_table",
        delete="delete_table",
        read="get_table",
        id="in.name",
        key={"Name": "id", "DatabaseName": "in.databaseName"},
        name="name",
        paths={key: f"TableInput.{key[0].upper()}{key[1:]}" for key in _IN_TABLE},
        updates={"update_table": (*_IN_TABLE, "databaseName")},
        replace=("name", "databaseName"),
        actual={"description": "Table.Description", "parameters": "Table.Parameters"},
    ),
}
