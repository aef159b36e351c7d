"""A whole Parquet file of typed rows as a Parquet file of predictions: how a transform job scores the lake's batches.

One row out for each row in, in order. pyarrow is imported with the first file only: an endpoint does without.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comal.errors import DataError
from training.artifacts import RECIPE_FILE
from training.model import TrainedModel
from training.serve.in_order import in_order
from training.serve.refusal import RefusalError

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_TYPE = "application/x-parquet"
# So many rows are decoded and predicted at a time on each core, so that memory does not grow with the file's.
_ROWS_AT_A_TIME = 65_536
_ROW_NUMBER = "row_number"


def load_keys(model_dir: Path) -> tuple[str, ...]:
    """Columns that tell whom and when a row is about, as the model's recipe names them: entity and event time."""
    recipe = json.loads((model_dir / RECIPE_FILE).read_text())
    event_time = recipe.get("event_time") or {}
    return tuple(name for name in (recipe.get("entity"), event_time.get("column")) if name)


@dataclass(frozen=True)
class TableAnswers:
    """Predicts for files with one model.

    Attributes:
        keys: Columns that are handed on where a file has them.
        version: Version of the model.
    """

    trained: TrainedModel
    keys: tuple[str, ...]
    version: str | None

    @property
    def _is_regression(self) -> bool:
        return self.trained.schema.task == "regression"

    def answer(self, body: bytes) -> bytes:
        """The predictions of a file's rows.

        Columns: row_number (from 0), the keys as texts, prediction, probability (two classes: of the second one; more:
        of the predicted one), model_version, scored_at.

        Raises:
            RefusalError: 400 for a body that is no such file.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        scored_at = datetime.now(UTC)
        sink = pa.BufferOutputStream()
        try:
            with pq.ParquetFile(pa.BufferReader(body)) as file:
                keys = [name for name in self.keys if name in file.schema_arrow.names]
                features = [feature.name for feature in self.trained.schema.features]
                absent = [name for name in features if name not in file.schema_arrow.names]
                if absent:
                    raise RefusalError(400, f"the file has no column '{absent[0]}'", column=absent[0])
                schema = self._schema(keys)
                # A dictionary of what differs from row to row would be as long as its column.
                repeated = ["model_version", "scored_at", *([] if self._is_regression else ["prediction"])]
                with pq.ParquetWriter(sink, schema, use_dictionary=repeated) as writer:
                    batches = file.iter_batches(_ROWS_AT_A_TIME, columns=[*keys, *features])
                    predict = partial(self._predict, keys, scored_at)
                    for table in in_order(predict, _with_first_rows(batches)):
                        writer.write_table(table)
        except (pa.ArrowException, DataError) as error:
            raise RefusalError(400, f"the file cannot be scored: {error}") from error
        return bytes(sink.getvalue())

    def _schema(self, keys: list[str]) -> "pa.Schema":
        import pyarrow as pa

        fields = [(_ROW_NUMBER, pa.int64()), *((key, pa.string()) for key in keys)]
        fields.append(("prediction", pa.float64() if self._is_regression else pa.string()))
        if not self._is_regression:
            fields.append(("probability", pa.float64()))
        return pa.schema([*fields, ("model_version", pa.string()), ("scored_at", pa.timestamp("ms", tz="UTC"))])

    def _predict(self, keys: list[str], scored_at: datetime, part: "tuple[int, pa.RecordBatch]") -> "pa.Table":
        import pyarrow as pa

        from training.dataset import fill_matrix

        first, rows = part
        model = self.trained.schema
        matrix = np.empty((rows.num_rows, len(model.features)), dtype=np.float32)
        table = pa.Table.from_batches([rows])
        fill_matrix(matrix, table, model.features, "the file", refuse_unknown=model.unknown_category == "refuse")
        schema = self._schema(keys)
        columns: dict[str, Any] = {_ROW_NUMBER: np.arange(first, first + rows.num_rows)}
        columns |= {key: table.column(key).cast(pa.string()) for key in keys}
        columns |= self._predictions(self.trained.model.predict(matrix))
        for name, value in (("model_version", self.version), ("scored_at", scored_at)):
            columns[name] = pa.repeat(pa.scalar(value, schema.field(name).type), rows.num_rows)
        return pa.table(columns, schema=schema)

    def _predictions(self, predicted: Any) -> dict[str, Any]:
        import pyarrow as pa

        schema = self.trained.schema
        if self._is_regression:
            return {"prediction": predicted.astype(np.float64)}
        best = predicted.argmax(axis=1)
        shown = predicted[:, 1] if schema.task == "binary" else predicted.max(axis=1)
        labels = pa.array([str(label) for label in schema.classes], pa.string())
        return {"prediction": labels.take(pa.array(best)), "probability": shown.astype(np.float64)}


def _with_first_rows(batches: "Iterable[pa.RecordBatch]") -> "Iterator[tuple[int, pa.RecordBatch]]":
    """Each batch with the number of its first row."""
    first = 0
    for batch in batches:
        yield first, batch
        first += batch.num_rows
