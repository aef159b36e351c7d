"""A whole Parquet file of typed rows as a Parquet file of predictions: how a transform job scores the lake's batches.

One row out for each row in, in order. pyarrow is imported with the first file only: an endpoint does without.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comal.errors import DataError
from training.artifacts import RECIPE_FILE
from training.model import TrainedModel
from training.serve.refusal import RefusalError

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_TYPE = "application/x-parquet"
# So many rows are decoded and predicted at a time, so that memory does not grow with the file's.
_ROWS_AT_A_TIME = 65_536


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
        first = 0
        sink = pa.BufferOutputStream()
        try:
            with pq.ParquetFile(pa.BufferReader(body)) as file:
                keys = [name for name in self.keys if name in file.schema_arrow.names]
                features = [feature.name for feature in self.trained.schema.features]
                absent = [name for name in features if name not in file.schema_arrow.names]
                if absent:
                    raise RefusalError(400, f"the file has no column '{absent[0]}'", column=absent[0])
                with pq.ParquetWriter(sink, self._schema(keys)) as writer:
                    for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=[*keys, *features]):
                        writer.write_table(self._predict(pa.Table.from_batches([batch]), keys, first, scored_at))
                        first += batch.num_rows
        except (pa.ArrowException, DataError) as error:
            raise RefusalError(400, f"the file cannot be scored: {error}") from error
        return bytes(sink.getvalue())

    def _schema(self, keys: list[str]) -> "pa.Schema":
        import pyarrow as pa

        task = self.trained.schema.task
        fields = [("row_number", pa.int64()), *((key, pa.string()) for key in keys)]
        fields.append(("prediction", pa.float64() if task == "regression" else pa.string()))
        if task != "regression":
            fields.append(("probability", pa.float64()))
        return pa.schema([*fields, ("model_version", pa.string()), ("scored_at", pa.timestamp("ms", tz="UTC"))])

    def _predict(self, rows: "pa.Table", keys: list[str], first: int, scored_at: datetime) -> "pa.Table":
        import pyarrow as pa

        from training.dataset import fill_matrix

        schema = self.trained.schema
        matrix = np.empty((rows.num_rows, len(schema.features)), dtype=np.float32)
        fill_matrix(matrix, rows, schema.features, "the file", refuse_unknown=schema.unknown_category == "refuse")
        columns: dict[str, Any] = {"row_number": np.arange(first, first + rows.num_rows)}
        columns |= {key: rows.column(key).cast(pa.string()) for key in keys}
        columns |= self._predictions(self.trained.model.predict(matrix))
        columns["model_version"] = [self.version] * rows.num_rows
        columns["scored_at"] = [scored_at] * rows.num_rows
        return pa.table(columns, schema=self._schema(keys))

    def _predictions(self, predicted: Any) -> dict[str, Any]:
        schema = self.trained.schema
        if schema.task == "regression":
            return {"prediction": predicted.astype(np.float64)}
        best = predicted.argmax(axis=1)
        shown = predicted[:, 1] if schema.task == "binary" else predicted.max(axis=1)
        labels = [str(label) for label in schema.classes]
        return {"prediction": [labels[winner] for winner in best], "probability": shown.astype(np.float64)}
