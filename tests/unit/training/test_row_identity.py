from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.recipe import Recipe
from training.row_identity import identity_columns, row_hashes

FEATURES = {
    "km": {"type": "number"},
    "size": {"type": "integer"},
    "late": {"type": "boolean"},
    "store": {"type": "category", "values": ["norte", "sur"]},
}
CONTENT = ["km", "late", "minutes", "size", "store"]
ROWS = pa.table(
    {
        "order": ["a1", "a2", None, "the order with a name of forty characters"],
        "at": pa.array([0, 1_767_268_800_000_000, -1, None], pa.timestamp("us", "UTC")),
        "km": [0.0, 2.5, None, -1e300],
        "size": [1, None, 2**62, -3],
        "late": [True, False, None, True],
        "store": ["norte", "sur", None, "ñandú"],
        "minutes": [10.0, 20.0, 30.0, None],
    }
)


def recipe(*, entity: str | None = None, time: str | None = None, **more: Any) -> Recipe:
    shape = {"model": "tacos", "task": "regression", "target": "minutes", "features": FEATURES, "entity": entity}
    return Recipe.model_validate({**shape, "event_time": {"column": time} if time else None, **more})


ALL_KINDS = [recipe(), recipe(entity="order"), recipe(time="at"), recipe(entity="order", time="at")]


def hashes_of(values: pa.Array, column: str = "km") -> list[int]:
    """Hashes of rows that differ in one column."""
    nothing = {name: pa.nulls(len(values)) for name in (*CONTENT, "order", "at")}
    asked = recipe() if column in CONTENT else recipe(entity="order", time="at")
    return row_hashes(pa.table({**nothing, column: values}), asked).tolist()


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        (recipe(entity="order", time="at"), ["at", "order"]),
        (recipe(entity="store", time="at"), ["at", "store"]),
        (recipe(entity="at", time="at"), ["at"]),
        (recipe(entity="order"), ["order"]),
        (recipe(entity="size"), ["size"]),
        (recipe(entity="store"), CONTENT),
        (recipe(entity="late"), CONTENT),
        (recipe(time="at"), ["at", *CONTENT]),
        (recipe(time="size"), CONTENT),
        (recipe(), CONTENT),
    ],
)
def test_the_recipe_decides_what_identifies_a_row(asked: Recipe, columns: list[str]):
    assert identity_columns(asked) == columns


def test_windows_of_feature_groups_are_no_part_of_it():
    groups = {"pace": {"entity": "store", "windows": {"orders_1h": {"function": "count", "over": "1h"}}}}
    asked = recipe(entity="order", time="at", feature_groups=groups).with_windows()
    assert "orders_1h" in asked.features
    assert identity_columns(asked) == ["at", "order"]


def test_the_hashes_never_change():
    # Golden values: a change here lets new versions train on rows that older ones were judged by.
    assert [row_hashes(ROWS, asked).tolist() for asked in ALL_KINDS] == GOLDEN


@given(data=st.data())
def test_they_do_not_depend_on_the_order_of_rows_and_columns_or_on_the_chunks(data: st.DataObject):
    order = data.draw(st.permutations(range(ROWS.num_rows)))
    columns = data.draw(st.permutations(ROWS.column_names))
    cut = data.draw(st.integers(0, ROWS.num_rows))
    moved = ROWS.take(order).select(columns)
    moved = pa.concat_tables([moved.slice(0, cut), moved.slice(cut)])
    for asked in ALL_KINDS:
        assert (row_hashes(moved, asked) == row_hashes(ROWS, asked)[order]).all()


def test_they_do_not_depend_on_the_order_of_a_recipes_features():
    turned = recipe(features=dict(reversed(FEATURES.items())))
    assert (row_hashes(ROWS, turned) == row_hashes(ROWS, recipe())).all()


@pytest.mark.parametrize(
    ("column", "values", "types"),
    [
        ("km", [1, -7, 0, None], [pa.int8(), pa.int32(), pa.int64(), pa.float32(), pa.float64()]),
        ("late", [1, 0, None], [pa.bool_(), pa.uint8(), pa.float64()]),
        ("store", ["norte", "", None], [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]),
        ("order", [17, -4, None], [pa.int32(), pa.int64(), pa.float64(), pa.string()]),
        (
            "at",
            [1_767_268_800, 0, -86_400, None],
            [pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.timestamp("ns", "America/New_York")],
        ),
    ],
)
def test_equal_values_have_equal_hashes_whatever_their_type(column: str, values: list[Any], types: list[pa.DataType]):
    plain = pa.array(values)
    typed = [(plain.cast(pa.timestamp("s")) if pa.types.is_timestamp(kind) else plain).cast(kind) for kind in types]
    first, *others = [hashes_of(array, column) for array in typed]
    assert len(set(first)) == len(values)
    assert all(other == first for other in others)
    assert all(hashes_of(array.dictionary_encode(), column) == first for array in typed)


def test_a_day_is_its_midnight():
    days = pa.array([0, 20_000], pa.date32())
    assert hashes_of(days, "at") == hashes_of(days.cast(pa.timestamp("us", "UTC")), "at")


@pytest.mark.parametrize("column", ["km", "order"])
def test_zeros_are_equal_and_nan_is_a_missing_value(column: str):
    other_nan = np.array([0xFFF8000000000001], np.uint64).view(np.float64)[0]
    zero, minus_zero, missing, nan, other = hashes_of(pa.array([0.0, -0.0, None, float("nan"), other_nan]), column)
    assert zero == minus_zero
    assert missing == nan == other != zero


def test_an_empty_text_is_a_value():
    empty, missing = hashes_of(pa.array(["", None]), "store")
    assert empty != missing


@pytest.mark.parametrize("column", ["size", "order"])
def test_whole_numbers_beyond_a_floats_precision_are_told_apart(column: str):
    numbers = [sign * 2**power + step for sign in (-1, 1) for power in (53, 60, 62) for step in range(3)]
    assert len(set(hashes_of(pa.array([*numbers, 2**63 - 1, None]), column))) == len(numbers) + 2


def test_the_same_value_in_another_column_is_another_row():
    rows = pa.table({**{name: pa.nulls(2) for name in CONTENT}, "km": [5, None], "size": [None, 5]})
    assert len(set(row_hashes(rows, recipe()).tolist())) == 2


def test_a_feature_that_a_row_lacks_changes_nothing():
    grown = recipe(features={**FEATURES, "rain_mm": {"type": "number"}})
    rows = ROWS.append_column("rain_mm", pa.nulls(ROWS.num_rows, pa.float64()))
    assert (row_hashes(rows, grown) == row_hashes(ROWS, recipe())).all()


@given(texts=st.lists(st.text(max_size=40), unique=True, max_size=30), offset=st.integers(0, 3))
def test_different_texts_have_different_hashes_wherever_they_lie(texts: list[str], offset: int):
    alone = [hashes_of(pa.array([text]), "order")[0] for text in texts]
    sliced = pa.array(["x", "a longer text", "", *texts]).slice(offset).slice(3 - offset)
    assert hashes_of(sliced, "order") == alone
    assert len(set(alone)) == len(texts)


def test_zero_bytes_and_the_length_count():
    texts = ["a" * length + "\0" * zeros for length in range(20) for zeros in range(20)]
    assert len(set(hashes_of(pa.array(texts), "order"))) == len(texts)


def test_no_rows_have_no_hashes():
    for asked in ALL_KINDS:
        assert row_hashes(ROWS.slice(0, 0), asked).shape == (0,)


def test_every_bit_of_a_value_moves_about_half_of_the_bits():
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2**62, 2000, dtype=np.uint64)
    before = np.array(hashes_of(pa.array(bits.view(np.float64))), np.uint64)
    for bit in range(0, 62, 6):
        after = np.array(hashes_of(pa.array((bits ^ np.uint64(1 << bit)).view(np.float64))), np.uint64)
        moved = np.bitwise_count(before ^ after)
        assert abs(moved.mean() - 32) < 1


def test_rows_around_the_border_of_two_blocks_are_hashed_as_any_other():
    numbers = pa.array(np.arange(200_000, dtype=np.float64))
    found = hashes_of(numbers)
    assert len(set(found)) == 200_000
    assert found[65_500:65_600] == hashes_of(numbers[65_500:65_600])


GOLDEN = [
    [0xCEB796D13CFE4E14, 0xD1A8F2C9BBB5142F, 0xE39949FAC1B9A407, 0x8D182609F405E56E],
    [0x74991C1DF1CE2F6F, 0x4230A2C5BB42A9FB, 0xE220A8397B1DCDAF, 0x85EBFA23EEF1D684],
    [0x53AC0560CCCCA87D, 0xC33DA96C6E59DBCB, 0x5B2578922689B599, 0x8D182609F405E56E],
    [0x3BA6F5788F4B5F73, 0xB12B6D203CE2F777, 0x82FB9FCC5E4B0311, 0x85EBFA23EEF1D684],
]
