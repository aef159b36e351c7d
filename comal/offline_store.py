"""The offline store of a feature group: Parquet files by the hour of the event time, as SageMaker lays them.

https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comal import s3_layout
from comal.feature_group import EVENT_TIME, KNOWN_AT, FeatureGroup

_CALLS_AT_A_TIME = 8
_MICROSECONDS = 1_000_000
_TIMESTAMP = pa.timestamp("us", "UTC")


def data_uri(sagemaker: Any, name: str) -> str:
    """Where a feature group's files lie."""
    group = sagemaker.describe_feature_group(FeatureGroupName=name)
    return str(group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])


def hour_prefix(prefix: str, time: datetime) -> str:
    """The folder of an hour below the key prefix of `data_uri`."""
    return f"{prefix}/{time.astimezone(UTC):year=%Y/month=%m/day=%d/hour=%H}/"


def list_keys(s3: Any, uri: str, since: datetime | None = None) -> list[str]:
    """Keys of the files, without the hours before `since`; arguments are as those of `read_records`."""
    bucket, prefix = s3_layout.split_uri(uri)
    start = hour_prefix(prefix, since) if since else f"{prefix}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/", StartAfter=start)
    return [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".parquet")]


def read_records(s3: Any, uri: str, group: FeatureGroup, since: datetime | None = None) -> pa.Table:
    """Records of a group in the order in which they were written.

    Args:
        s3: A boto3 client.
        uri: As `data_uri` gives it.
        group: The group.
        since: Leaves out the hours before it, by when records were known.

    Returns:
        The entity (text), known_at and event_time (microseconds, UTC), and the windows; without what SageMaker notes of
        deleted and expired records.
    """
    bucket, _ = s3_layout.split_uri(uri)
    columns = [group.entity, KNOWN_AT, EVENT_TIME, *group.windows]

    def read(key: str) -> pa.Table:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        file = pq.ParquetFile(pa.BufferReader(content))  # a sixth of the time of read_table, and files are many
        return file.read(columns=[*columns, "write_time", "is_deleted"], use_threads=False)

    with ThreadPoolExecutor(_CALLS_AT_A_TIME) as pool:
        parts = list(pool.map(read, list_keys(s3, uri, since)))
    if not parts:
        types = [(name, pa.float64()) for name in group.windows]
        return pa.schema(
            [(group.entity, pa.string()), (KNOWN_AT, _TIMESTAMP), (EVENT_TIME, _TIMESTAMP), *types]
        ).empty_table()
    table = pa.concat_tables(parts)
    table = table.filter(pc.invert(table.column("is_deleted"))).sort_by("write_time").select(columns)
    for name in (KNOWN_AT, EVENT_TIME):
        table = table.set_column(table.schema.get_field_index(name), name, _timestamps(table.column(name)))
    return table


def _timestamps(seconds: pa.ChunkedArray) -> pa.ChunkedArray:
    """Seconds since 1970 in doubles, good to the microsecond."""
    return pc.round(pc.multiply(seconds, _MICROSECONDS)).cast(pa.int64()).cast(_TIMESTAMP)
