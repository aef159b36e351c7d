from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comal.errors import AlgorithmError, DataError
from comal.recipe import Recipe
from training.dataset import Batch
from training.target import Target, read_target


def target_of(folder: Path, task: str, *columns: pa.Array) -> Target:
    batches = []
    for number, column in enumerate(columns):
        path = folder / f"b{number}.parquet"
        pq.write_table(pa.table({"y": column}), path)
        batches.append(Batch(key=path.name, path=path, rows=len(column)))
    features: dict[str, Any] = {"x": {"type": "number"}}
    return read_target(
        batches, Recipe.model_validate({"model": "mm", "task": task, "target": "y", "features": features})
    )


def test_regression_keeps_numbers_and_marks_rows_without_one(tmp_path: Path):
    target = target_of(tmp_path, "regression", pa.array([1, None]), pa.array([2.5]))
    assert target.known.tolist() == [True, False, True]
    assert target.classes == ()


def test_texts_for_regression_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="Target 'y' is string; regression needs numbers"):
        target_of(tmp_path, "regression", pa.array(["slow"]))


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        ([pa.array(["yes", "no"])], ("no", "yes")),
        ([pa.array([10, 9, 10])], (9, 10)),
        ([pa.array([True, False])], (False, True)),
        ([pa.array([1.0, None, 0.0])], (0, 1)),
        ([pa.array([1, 0], pa.int8()), pa.array([1.0, 2.0])], (0, 1, 2)),
        ([pa.array([1, 0]), pa.array(["1", "2"])], ("0", "1", "2")),
        ([pa.array([1, 0]), pa.array([None, None], pa.string())], (0, 1)),
        ([pa.array([0.5, 1.0])], ("0.5", "1")),
        ([pa.array(["b", "a"]).dictionary_encode()], ("a", "b")),
    ],
)
def test_classes_keep_their_spelling(tmp_path: Path, columns: list[pa.Array], classes: tuple[Any, ...]):
    target = target_of(tmp_path, "multiclass", *columns)
    assert target.classes == classes
    assert [type(label) for label in target.classes] == [type(label) for label in classes]


def test_rows_hold_the_position_of_their_class(tmp_path: Path):
    target = target_of(tmp_path, "binary", pa.array(["yes", None, "no"]))
    np.testing.assert_array_equal(target.values, [1, np.nan, 0])


def test_a_target_with_thousands_of_classes_is_refused(tmp_path: Path):
    with pytest.raises(AlgorithmError, match="holds 2000 different values"):
        target_of(tmp_path, "multiclass", pa.array(range(2000)))
