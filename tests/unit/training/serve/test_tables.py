"""Parquet in, Parquet out: one prediction a row, in order."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.model import TrainedModel
from training.schema import FeatureColumn, ModelSchema
from training.serve.refusal import RefusalError
from training.serve.tables import TableAnswers

ROWS = 150_000


class FirstColumn:
    """Predicts the first feature, or two probabilities of it."""

    def __init__(self, classes: int = 0) -> None:
        self.classes = classes

    def predict(self, matrix: Any) -> Any:
        if not self.classes:
            return matrix[:, 0]
        return np.stack([1 - matrix[:, 0], matrix[:, 0]], axis=1)

    def save(self, directory: Any) -> None:
        raise AssertionError


def answers(task: str = "regression", classes: tuple[Any, ...] = ()) -> TableAnswers:
    schema = ModelSchema(
        model="tacos",
        task=task,
        target="y",
        algorithm="linear",
        features=(FeatureColumn(name="x", type="number"), FeatureColumn(name="c", type="category", values=("a", "b"))),
        classes=classes,
    )
    return TableAnswers(TrainedModel(schema, FirstColumn(len(classes))), ("id", "absent"), "3")


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def read(body: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(body))


def test_each_row_has_its_prediction_in_order_over_several_chunks() -> None:
    body = parquet(id=list(range(ROWS)), x=np.arange(ROWS, dtype=np.float64), c=["a"] * ROWS)
    table = read(answers().answer(body))
    assert table.column_names == ["row_number", "id", "prediction", "model_version", "scored_at"]
    assert table.column("row_number").to_pylist() == list(range(ROWS))
    assert table.column("id")[7].as_py() == "7"
    assert table.column("prediction").to_pylist() == [float(np.float32(row)) for row in range(ROWS)]
    assert set(table.column("model_version").to_pylist()) == {"3"}


def test_classes_come_with_a_probability() -> None:
    body = parquet(x=[0.25, 0.75], c=["a", None])
    table = read(answers("binary", ("no", "yes")).answer(body))
    assert table.column("prediction").to_pylist() == ["no", "yes"]
    assert table.column("probability").to_pylist() == [0.25, 0.75]


def test_a_file_without_rows_has_no_predictions() -> None:
    body = parquet(x=pa.array([], pa.float64()), c=pa.array([], pa.string()))
    assert read(answers().answer(body)).num_rows == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no parquet", "cannot be scored"),
        (parquet(c=["a"]), "no column 'x'"),
        (parquet(x=[1.0], c=["z"]), "holds 'z'"),
    ],
)
def test_what_cannot_be_scored_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(RefusalError, match=said):
        answers().answer(body)
