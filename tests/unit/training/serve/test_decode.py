import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.schema import FeatureColumn, ModelSchema
from training.serve.decode import CSV_TYPE, JSON_TYPE, Decoder
from training.serve.refusal import RefusalError

FEATURES = (
    FeatureColumn(name="store", type="category", values=("sur", "norte")),
    FeatureColumn(name="size", type="integer"),
    FeatureColumn(name="km", type="number"),
)


def decoder(**schema: Any) -> Decoder:
    fields = {"model": "tacos", "task": "regression", "target": "minutes", "algorithm": "linear", "features": FEATURES}
    return Decoder(ModelSchema.model_validate({**fields, **schema}))


def refusal(body: bytes | str, content_type: str = JSON_TYPE, **schema: Any) -> RefusalError:
    content = body.encode() if isinstance(body, str) else body
    with pytest.raises(RefusalError) as raised:
        decoder(**schema).decode(content, content_type)
    return raised.value


ROW = {"store": "norte", "size": 3, "km": 1.5}
NUMBERS = [1.0, 3.0, 1.5]
ABSENT = "feature 'size' is absent; send it, or null where its value is missing"


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        (ROW, [NUMBERS]),
        ([ROW, ROW], [NUMBERS, NUMBERS]),
        ({"instances": [ROW]}, [NUMBERS]),
        ({**ROW, "order_id": "a", "minutes": 3}, [NUMBERS]),
        ({**ROW, "km": None}, [[1.0, 3.0, math.nan]]),
    ],
)
def test_json_is_read_as_one_object_a_list_or_instances(document: Any, rows: list[list[float]]):
    matrix = decoder().decode(json.dumps(document).encode(), "application/json; charset=utf-8")
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.array(rows, np.float32))


@pytest.mark.parametrize(
    "text",
    [
        "norte,3,1.5\n",
        "norte,3,1.5",
        "store,size,km\r\nnorte,3,1.5\r\n",
        "\ufeffkm, order_id ,size,store\n1.5,x,3,norte\n",
        'store,size,km\n"norte","3","1.5"\n\n',
    ],
)
def test_csv_is_read_with_or_without_a_header(text: str):
    np.testing.assert_array_equal(decoder().decode(text.encode(), CSV_TYPE), np.array([NUMBERS], np.float32))


def test_an_empty_cell_is_a_missing_value():
    assert np.isnan(decoder().decode(b",,", CSV_TYPE)).all()


@pytest.mark.parametrize(
    ("body", "row", "column", "message"),
    [
        ({**ROW, "km": "far"}, 0, "km", "column 'km' of row 0: found 'far', expected a number"),
        (
            [ROW, {**ROW, "store": "oeste"}],
            1,
            "store",
            "column 'store' of row 1: found 'oeste', expected one of sur, norte",
        ),
        ([ROW, {"store": "sur"}], 1, "size", ABSENT),
        ({**ROW, "km": [1, 2]}, 0, "km", "column 'km' of row 0: found a list, expected a number"),
        ([ROW, 3], 1, None, "expected an object with a key for each feature, found 3"),
        ([[1, 2, 3]], 0, None, "expected an object with a key for each feature, found a list"),
    ],
)
def test_a_wrong_value_in_json_is_named_by_row_and_column(body: Any, row: int, column: str | None, message: str):
    found = refusal(json.dumps(body))
    assert (found.status, found.row, found.column, found.message) == (400, row, column, message)


@pytest.mark.parametrize(
    ("body", "row", "column", "message"),
    [
        ("norte,3,1.5\nnorte,x,1\n", 1, "size", "column 'size' of row 1: found 'x', expected a whole number"),
        ("store,size,km\nnorte,3\n", 0, None, "expected 3 cells, found 2"),
        (
            "store,sise,km\nnorte,3,1\n",
            0,
            "size",
            ABSENT,
        ),
        ("store,size,km,km\nnorte,3,1,1\n", None, "km", "the header names 'km' twice"),
    ],
)
def test_a_wrong_value_in_csv_is_named_by_row_and_column(body: str, row: int | None, column: str | None, message: str):
    found = refusal(body, CSV_TYPE)
    assert (found.status, found.row, found.column, found.message) == (400, row, column, message)


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"", JSON_TYPE, "the body is not JSON"),
        (b"[NaN]", JSON_TYPE, "a missing value is written null"),
        (b"\xff", JSON_TYPE, "the body is not JSON"),
        (b"[" * 100_000, JSON_TYPE, "the body is not JSON"),
        (b"[]", JSON_TYPE, "the request has no rows"),
        (b'{"instances": []}', JSON_TYPE, "the request has no rows"),
        (b"", CSV_TYPE, "the request has no rows"),
        (b"store,size,km\n", CSV_TYPE, "the request has no rows"),
        (b"norte,3,\xff", CSV_TYPE, "the body is not UTF-8: byte 8 cannot be read"),
        (b"x" * 200_000, CSV_TYPE, "the body is not CSV: field larger than field limit"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(body: bytes, content_type: str, message: str):
    found = refusal(body, content_type)
    assert found.status == 400
    assert message in found.message


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-npy"])
def test_another_media_type_is_refused_with_those_that_are_read(content_type: str):
    found = refusal(b"{}", content_type)
    assert found.status == 415
    assert "application/json or text/csv" in found.message


def test_a_long_value_is_cut_in_the_message():
    assert len(refusal(json.dumps({**ROW, "km": "x" * 100_000})).message) < 150


def test_a_feature_may_be_absent_where_the_schema_lets_it_be_missing():
    lenient = decoder(absent_feature="missing")
    assert np.isnan(lenient.decode(b'{"store": "sur"}', JSON_TYPE)[0, 1:]).all()
    assert np.isnan(lenient.decode(b"store,size\nsur,1", CSV_TYPE)[0, 2])


def test_an_unknown_category_is_missing_where_the_schema_says_so():
    lenient = decoder(unknown_category="missing")
    assert np.isnan(lenient.decode(b"oeste,1,1", CSV_TYPE)[0, 0])


def test_a_feature_called_instances_is_a_feature():
    schema = decoder(features=(FeatureColumn(name="instances", type="integer"),))
    assert schema.decode(b'{"instances": 4}', JSON_TYPE).tolist() == [[4.0]]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["store", "size", "km", "x"]), inner),
    max_leaves=8,
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from([JSON_TYPE, CSV_TYPE]))
def test_arbitrary_bytes_are_decoded_or_refused(body: bytes, content_type: str):
    _decoded_or_refused(body, content_type)


@given(VALUES)
def test_arbitrary_json_is_decoded_or_refused(document: Any):
    _decoded_or_refused(json.dumps(document).encode(), JSON_TYPE)


@given(st.lists(st.lists(st.text(max_size=8) | st.floats().map(repr), min_size=3, max_size=3), max_size=4))
def test_arbitrary_cells_are_decoded_or_refused(cells: list[list[str]]):
    _decoded_or_refused("\n".join(",".join(line) for line in cells).encode("utf-8", "replace"), CSV_TYPE)


def _decoded_or_refused(body: bytes, content_type: str) -> None:
    try:
        matrix = decoder().decode(body, content_type)
    except RefusalError:
        return
    assert matrix.shape[1] == len(FEATURES)
    assert len(matrix)
    assert not np.isinf(matrix).any()
