import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comal.errors import DataError
from training.dataset import Batch, find_batches, read_matrix
from training.schema import FeatureColumn

STORE = FeatureColumn(name="store", type="category", values=("sur", "norte"))


def batch_of(folder: Path, table: pa.Table, name: str = "b1") -> Batch:
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return Batch(key=path.name, path=path, rows=table.num_rows)


def test_every_type_becomes_a_float32_column_in_the_schemas_order(tmp_path: Path):
    table = pa.table(
        {
            "late": pa.array([True, False, None]),
            "store": pa.array(["norte", None, "sur"]),
            "extra": ["x", "y", "z"],
            "size": pa.array([3, None, 5], pa.int64()),
            "km": pa.array([0.5, float("nan"), None]),
        }
    )
    features = [
        FeatureColumn(name="km", type="number"),
        FeatureColumn(name="size", type="integer"),
        STORE,
        FeatureColumn(name="late", type="boolean"),
    ]
    matrix = read_matrix([batch_of(tmp_path, table)], features, refuse_unknown=True)
    assert matrix.dtype == np.float32
    nan = math.nan
    np.testing.assert_array_equal(matrix, np.array([[0.5, 3, 1, 1], [nan, nan, nan, 0], [nan, 5, 0, nan]], np.float32))


def test_dictionary_encoded_texts_read_like_plain_ones(tmp_path: Path):
    table = pa.table({"store": pa.array(["norte", "sur"]).dictionary_encode()})
    assert read_matrix([batch_of(tmp_path, table)], [STORE], refuse_unknown=True).ravel().tolist() == [1, 0]


def test_batches_follow_each_other(tmp_path: Path):
    km = FeatureColumn(name="km", type="number")
    first = batch_of(tmp_path, pa.table({"km": [1.0, 2.0]}), "b1")
    second = batch_of(tmp_path, pa.table({"km": [3]}), "b2")
    assert read_matrix([first, second], [km], refuse_unknown=True).ravel().tolist() == [1, 2, 3]


def test_a_double_beyond_float32_becomes_its_largest_number(tmp_path: Path):
    batch = batch_of(tmp_path, pa.table({"km": [1e308, -1e308]}))
    matrix = read_matrix([batch], [FeatureColumn(name="km", type="number")], refuse_unknown=True)
    assert np.isfinite(matrix).all()
    assert matrix[0, 0] == np.finfo(np.float32).max


def test_an_unknown_category_is_named_with_its_batch(tmp_path: Path):
    batch = batch_of(tmp_path, pa.table({"store": ["sur", "poniente"]}))
    with pytest.raises(DataError, match="Column 'store' of batch b1 holds 'poniente'"):
        read_matrix([batch], [STORE], refuse_unknown=True)


def test_an_unknown_category_is_a_missing_value_where_the_recipe_only_warns(tmp_path: Path):
    batch = batch_of(tmp_path, pa.table({"store": ["sur", "poniente"]}))
    assert np.isnan(read_matrix([batch], [STORE], refuse_unknown=False)).ravel().tolist() == [False, True]


def test_a_column_that_a_batch_lacks_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="Batch b1 has no column 'store'"):
        read_matrix([batch_of(tmp_path, pa.table({"km": [1.0]}))], [STORE], refuse_unknown=True)


def test_a_column_of_another_type_is_named(tmp_path: Path):
    batch = batch_of(tmp_path, pa.table({"km": ["far"]}))
    with pytest.raises(DataError, match="Column 'km' of batch b1 is string; the recipe says number"):
        read_matrix([batch], [FeatureColumn(name="km", type="number")], refuse_unknown=True)


def test_batches_come_in_the_order_of_their_keys_with_keys_below_the_channel(tmp_path: Path):
    for key in ("validated/m/dt=2026-01-06/a.parquet", "validated/m/dt=2026-01-05/b.parquet"):
        (tmp_path / key).parent.mkdir(parents=True)
        pq.write_table(pa.table({"x": [1]}), tmp_path / key)
    batches = find_batches(tmp_path)
    assert [batch.key for batch in batches] == [
        "validated/m/dt=2026-01-05/b.parquet",
        "validated/m/dt=2026-01-06/a.parquet",
    ]
    assert [batch.batch_id for batch in batches] == ["b", "a"]


def test_a_channel_without_rows_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"no rows \(0 Parquet files\)"):
        find_batches(tmp_path)
    batch_of(tmp_path, pa.table({"x": pa.array([], pa.float64())}))
    with pytest.raises(DataError, match=r"no rows \(1 Parquet files\)"):
        find_batches(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / "b1.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match=r"b1\.parquet cannot be read as Parquet"):
        find_batches(tmp_path)
