"""The Glue table over a group's offline store.

https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html
"""

import re
from typing import Any

from botocore.exceptions import ClientError

from localcloud.aws.sagemaker.store import Document

DATABASE = "sagemaker_featurestore"
CATALOG = "AwsDataCatalog"
PARTITIONS = ("year", "month", "day", "hour")
_GLUE_TYPES = {"Integral": "bigint", "Fractional": "double", "String": "string"}
_ADDED = (("write_time", "timestamp"), ("api_invocation_time", "timestamp"), ("is_deleted", "boolean"))
_HIVE = "org.apache.hadoop.hive.ql.io.parquet"


def table_name(group: str, created_at: float) -> str:
    """The name that a table gets where the caller gives none.

    Lower case and underscores: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
    """
    return f"{re.sub(r'[^a-z0-9]', '_', group.lower())}_{int(created_at)}"


def put_table(glue: Any, group: Document) -> None:
    """Makes a group's table, or gives it the group's present columns.

    Args:
        glue: A Glue client.
        group: What DescribeFeatureGroup answers, with its DataCatalogConfig.

    Raises:
        ClientError: Glue refuses.
    """
    config = group["OfflineStoreConfig"]["DataCatalogConfig"]
    columns = [(one["FeatureName"].lower(), _GLUE_TYPES[one["FeatureType"]]) for one in group["FeatureDefinitions"]]
    table = {
        "Name": config["TableName"],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [{"Name": name, "Type": "string"} for name in PARTITIONS],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in (*columns, *_ADDED)],
            "Location": group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"],
            "InputFormat": f"{_HIVE}.MapredParquetInputFormat",
            "OutputFormat": f"{_HIVE}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{_HIVE}.serde.ParquetHiveSerDe"},
        },
    }
    _unless_there(glue.create_database, DatabaseInput={"Name": config["Database"]})
    if not _unless_there(glue.create_table, DatabaseName=config["Database"], TableInput=table):
        glue.update_table(DatabaseName=config["Database"], TableInput=table)


def _unless_there(create: Any, **arguments: Any) -> bool:
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise
        return False
    return True
