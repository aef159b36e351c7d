"""Validated batches: which there are, their rows as windows read them, and the same rows with their windows."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comal import s3_layout
from comal.feature_windows import MICROSECONDS, Floats
from comal.names import Names
from comal.recipe import Recipe
from comal.table_items import from_item, to_attribute, to_item
from comal.time_order import Ints

_TIME = pa.timestamp("us", "UTC")
_AHEAD = 24 * 3600 * MICROSECONDS


@dataclass(frozen=True)
class ValidatedBatch:
    """A batch that may be ingested; `received_at` in microseconds since 1970, UTC."""

    batch_id: str
    validated_key: str
    received_at: int


class Batches:
    """The lake and the batches table of a stack; clients are boto3's."""

    def __init__(self, s3: Any, dynamodb: Any, names: Names) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb
        self._lake = names.bucket("lake")
        self._table = names.shared("batches")

    def validated(self, model: str) -> list[ValidatedBatch]:
        """A model's batches in the order in which they came."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :model AND begins_with(sk, :prefix)",
            FilterExpression="#status = :validated",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=to_item({":model": model, ":prefix": "batch#", ":validated": "validated"}),
            ConsistentRead=True,
        )
        rows = [from_item(item) for page in pages for item in page["Items"]]
        found = [
            ValidatedBatch(row["batch_id"], row["validated_key"], _microseconds(row["received_at"])) for row in rows
        ]
        return sorted(found, key=lambda batch: (batch.received_at, batch.batch_id))

    def read(self, recipe: Recipe, key: str) -> pa.Table:
        """What windows read of a batch: the recipe's entity and event time, the groups' entities and columns."""
        assert recipe.entity is not None  # the recipe has feature groups
        assert recipe.event_time is not None
        groups = recipe.feature_groups.values()
        columns = {recipe.entity, recipe.event_time.column, *(group.entity for group in groups)}
        columns |= {column for group in groups for column in group.columns}
        with TemporaryDirectory(prefix="comal-") as folder:
            return pq.read_table(self._download(key, Path(folder)), columns=sorted(columns))

    def write_with_windows(self, recipe: Recipe, validated_key: str, values: dict[str, Floats]) -> str:
        """File the rows of a batch with a column more for each window; returns the key."""
        key = s3_layout.features_of(validated_key, recipe.model, recipe.feature_definition)
        with TemporaryDirectory(prefix="comal-") as folder:
            source = pq.ParquetFile(self._download(validated_key, Path(folder)))
            schema = source.schema_arrow
            for name in values:
                schema = schema.append(pa.field(name, pa.float64()))
            path, first = Path(folder, "features.parquet"), 0
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for group in range(source.num_row_groups):
                    table = source.read_row_group(group)
                    some = slice(first, first + table.num_rows)
                    for name, column in values.items():
                        table = table.append_column(name, pa.array(column[some], from_pandas=True))
                    writer.write_table(table.cast(schema))
                    first += table.num_rows
            self._s3.upload_file(
                str(path), self._lake, key, ExtraArgs={"ContentType": "application/vnd.apache.parquet"}
            )
        return key

    def note_features(self, model: str, batch_id: str, key: str) -> None:
        """Say where a batch lies with its windows: training takes it from there."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"pk": to_attribute(model), "sk": to_attribute(f"batch#{batch_id}")},
            UpdateExpression="SET features_key = :key",
            ExpressionAttributeValues=to_item({":key": key}),
        )

    def _download(self, key: str, folder: Path) -> Path:
        path = folder / "batch.parquet"
        self._s3.download_file(self._lake, key, str(path))
        return path


def times_of(table: pa.Table, recipe: Recipe, came_at: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Event times in microseconds since 1970, UTC (0 where missing), and which rows have one that can be.

    Not before 1970, nor later than a day after the file came, as clocks differ by no more: a row of 9999 would stay its
    entity's newest for ever.
    """
    assert recipe.event_time is not None  # the recipe has feature groups
    column = table.column(recipe.event_time.column).cast(_TIME)
    times: Ints = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    has = np.asarray(column.is_valid().to_numpy(), dtype=np.bool_)
    return times, has & (times >= 0) & (times <= came_at + _AHEAD)


def _microseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * MICROSECONDS)
