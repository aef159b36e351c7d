from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.errors import DataError
from comal.recipe import Recipe
from training.dataset import find_batches
from training.holdout import held_out_rows, read_held_out
from training.rows import read_rows

FEATURES = {"km": {"type": "number"}, "store": {"type": "category", "values": ["norte", "sur"]}}
SHAPE: dict[str, Any] = {"model": "tacos", "task": "regression", "target": "minutes", "features": FEATURES}
BY_CONTENT, BY_ENTITY = SHAPE, {**SHAPE, "entity": "order"}
BY_ENTITY_AND_TIME = {**BY_ENTITY, "event_time": {"column": "at"}}
KINDS = [BY_CONTENT, BY_ENTITY, BY_ENTITY_AND_TIME]


def recipe(shape: dict[str, Any] = BY_CONTENT, share: float = 0.2) -> Recipe:
    return Recipe.model_validate({**shape, "training": {"holdout": share}})


def orders(count: int, seed: int = 1) -> pa.Table:
    """Orders in the order of their time; a longer table begins with a shorter one's rows."""
    rng = np.random.default_rng(seed)
    values = rng.random((count, 3))
    return pa.table(
        {
            "order": [f"order {number}" for number in range(count)],
            "at": pa.array(np.arange(count) * 60, pa.timestamp("s")),
            "km": values[:, 0],
            "store": pa.array(["norte", "sur"]).take(pa.array((values[:, 1] * 2).astype(int))),
            "minutes": values[:, 2],
        }
    )


def write(folder: Path, **files: pa.Table) -> None:
    for name, table in files.items():
        pq.write_table(table, folder / f"{name}.parquet")


@pytest.mark.parametrize("shape", KINDS)
@given(data=st.data())
def test_a_row_is_on_the_same_side_in_whatever_file_it_comes(shape: dict[str, Any], data: st.DataObject):
    table, asked = orders(60), recipe(shape)
    everywhere = held_out_rows(table, asked)
    some = data.draw(st.lists(st.integers(0, 59), max_size=80))
    assert (held_out_rows(table.take(pa.array(some, pa.int64())), asked) == everywhere[some]).all()


@given(shares=st.tuples(*[st.floats(0.01, 0.99)] * 2).map(sorted))
def test_a_larger_share_holds_out_every_row_that_a_smaller_one_did(shares: list[float]):
    table = orders(300)
    for shape in KINDS:
        small, large = (held_out_rows(table, recipe(shape, share)) for share in shares)
        assert large[small].all()


@pytest.mark.parametrize("shape", KINDS)
def test_about_the_asked_share_of_different_rows_is_held_out(shape: dict[str, Any]):
    table = orders(100_000)
    for share in (0.05, 0.2, 0.5):
        assert abs(held_out_rows(table, recipe(shape, share)).mean() - share) < 0.005


def test_entity_and_time_decide_together():
    """Neither all rows of an entity nor all of a moment lie on one side."""
    store, minute = np.repeat(["norte", "sur"], 500), np.tile(np.arange(500), 2)
    table = pa.table({"order": store, "at": pa.array(minute, pa.timestamp("s"))})
    chosen = held_out_rows(table, recipe(BY_ENTITY_AND_TIME, 0.5)).reshape(2, 500)
    assert (abs(chosen.mean(axis=1) - 0.5) < 0.1).all()
    assert abs((chosen[0] == chosen[1]).mean() - 0.5) < 0.1


def test_rows_of_one_entity_stay_together_where_rows_have_no_time():
    table = orders(50)
    again = pa.concat_tables([table, table.set_column(2, "km", pa.array(np.arange(50.0)))])
    chosen = held_out_rows(again, recipe(BY_ENTITY))
    assert (chosen[:50] == chosen[50:]).all()
    assert 0 < chosen.sum() < 100


def test_a_corrected_row_keeps_its_side_by_entity_and_not_by_content():
    table = orders(1000)
    corrected = table.set_column(4, "minutes", pa.array(np.arange(1000.0)))
    for shape in (BY_ENTITY, BY_ENTITY_AND_TIME):
        assert (held_out_rows(corrected, recipe(shape)) == held_out_rows(table, recipe(shape))).all()
    assert (held_out_rows(corrected, recipe()) != held_out_rows(table, recipe())).any()


@pytest.mark.parametrize("shape", KINDS)
def test_a_row_once_held_out_is_never_trained_on_in_an_export_that_holds_it_again(
    shape: dict[str, Any], tmp_path: Path
):
    """Each week's file holds all weeks before, sorted anew."""
    asked = recipe(shape)
    held_out: set[str] = set()
    for week in range(1, 5):
        table = orders(100 * week)
        write(tmp_path, **{f"week{week}": table.take(np.random.default_rng(week).permutation(100 * week))})
        rows = read_rows(find_batches(tmp_path), asked)
        names = np.concatenate([pq.read_table(batch.path)["order"].to_numpy() for batch in rows.batches])
        held_out |= set(names[rows.held_out])
        assert not held_out & set(names[rows.training])
        assert len(names) == rows.training.sum() + rows.held_out.sum()
        assert abs(len(held_out) / (100 * week) - 0.2) < 0.1


def test_a_batch_without_the_columns_of_an_identity_is_refused(tmp_path: Path):
    write(tmp_path, b1=orders(10).drop_columns(["order"]))
    with pytest.raises(DataError, match="Batch b1 has no column 'order'; it was validated by an older recipe"):
        read_held_out(find_batches(tmp_path), recipe(BY_ENTITY))


def test_masks_of_batches_follow_each_other(tmp_path: Path):
    table = orders(90)
    write(tmp_path, b1=table.slice(0, 30), b2=table.slice(30, 0), b3=table.slice(30))
    assert (read_held_out(find_batches(tmp_path), recipe()) == held_out_rows(table, recipe())).all()
