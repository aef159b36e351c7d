"""Rows as requests."""

import json

import pytest

from comal.cli.request_body import ROWS_PER_REQUEST, from_file, from_text
from comal.errors import DataError, UserError


def test_one_object_is_one_row():
    (body,) = from_text('{"a": 1}')
    assert (json.loads(body.content), body.content_type) == ([{"a": 1}], "application/json")


def test_instances_are_rows():
    (body,) = from_text('{"instances": [{"a": 1}, {"a": 2}]}')
    assert json.loads(body.content) == [{"a": 1}, {"a": 2}]


def test_text_that_is_not_json_is_a_user_error():
    with pytest.raises(UserError, match="--data is not JSON"):
        list(from_text("{a: 1}"))


def test_a_csv_file_is_cut_to_the_features(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("target,b,a\n9,2,1\n8,4,3\n")
    (body,) = from_file(path, ["a", "b"])
    assert body.content == b"a,b\n1,2\n3,4\n"
    assert body.content_type == "text/csv"


def test_many_rows_go_in_several_requests_that_know_their_first_row(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a\n" + "1\n" * (ROWS_PER_REQUEST + 5))
    assert [body.first_row for body in from_file(path, ["a"])] == [0, ROWS_PER_REQUEST]


def test_a_csv_file_without_a_feature_is_a_data_error(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column c"):
        list(from_file(path, ["a", "c"]))


def test_a_file_that_does_not_exist_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        list(from_file(tmp_path / "absent.csv", ["a"]))


def test_a_file_that_is_not_text_is_a_user_error(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1\xff\xfe\x00")
    with pytest.raises(UserError, match="not UTF-8"):
        list(from_file(path, ["a"]))
