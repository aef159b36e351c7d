"""Filters and joins of transform jobs, by AWS's own examples.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from typing import Any

import pytest

from localcloud.aws.sagemaker.data_processing import DataProcessing
from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.json_path import JsonPath

RECORD = {"id": 7, "features": [1, 2, 3], "who": {"name": "ana", "age": 30}}


def processing(content_type: str = "text/csv", split: str = "Line", **wanted: str) -> DataProcessing:
    job = {
        "TransformInput": {"ContentType": content_type, "SplitType": split},
        "TransformOutput": {"Accept": content_type, "AssembleWith": split},
        "DataProcessing": wanted,
    }
    return DataProcessing(job)


@pytest.mark.parametrize(
    ("expression", "value", "chosen"),
    [
        ("$", RECORD, RECORD),
        ("$.id", RECORD, 7),
        ("$['id']", RECORD, 7),
        ("$['id','features']", RECORD, {"id": 7, "features": [1, 2, 3]}),
        ("$.who.*", RECORD, ["ana", 30]),
        ("$.who.['name','age']", RECORD, {"name": "ana", "age": 30}),
        ("$.features[1]", RECORD, 2),
        ("$.features[*]", RECORD, [1, 2, 3]),
        ("$[1]", [0, 1, 2, 3, 4, 5, 6], 1),
        ("$[-1]", [0, 1, 2, 3, 4, 5, 6], 6),
        ("$[1,3,5]", [0, 1, 2, 3, 4, 5, 6], [1, 3, 5]),
        ("$[1:4]", [0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4]),
        ("$[:5]", [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5]),
        ("$[5:]", [0, 1, 2, 3, 4, 5, 6], [5, 6]),
        ("$[0,5:]", [0, 1, 2, 3, 4, 5, 6], [0, 5, 6]),
    ],
)
def test_a_path_chooses(expression: str, value: Any, chosen: Any) -> None:
    assert JsonPath(expression).of(value) == chosen


@pytest.mark.parametrize("expression", ["", "id", "$..id", "$[?(@.id)]", "$[0].", "$[a]", "$['a','b'].c", "$[1:-1]"])
def test_other_paths_are_refused(expression: str) -> None:
    with pytest.raises(ValidationError, match="is not supported"):
        JsonPath(expression)


@pytest.mark.parametrize("expression", ["$.absent", "$['id','absent']", "$[0]", "$.features[3]", "$.features[1:3]"])
def test_what_a_record_does_not_have_fails_the_job(expression: str) -> None:
    with pytest.raises(ContainerFailure, match="chooses what a record does not have"):
        JsonPath(expression).of(RECORD)


def test_an_id_column_stays_out_of_the_request_and_comes_back_with_the_answer() -> None:
    joins = processing(InputFilter="$[1:]", JoinSource="Input", OutputFilter="$[0,-1]")
    assert joins.request(b'7,"a, b",3\n') == b'"a, b",3\n'
    assert joins.output([b'7,"a, b",3\n', b"8,c,4\n"], b"0.5\n0.25") == b"7,0.5\n8,0.25\n"


def test_an_answer_follows_the_columns_of_its_row() -> None:
    assert processing(JoinSource="Input").output([b"1,2,3\n"], b"1") == b"1,2,3,1\n"


def test_an_answer_is_an_attribute_of_its_object() -> None:
    joins = processing("application/jsonlines", InputFilter="$.features", JoinSource="Input")
    assert joins.request(b'{"id": 7, "features": [1]}') == b"[1]\n"
    assert joins.output([b'{"key":1}\n'], b'{"label":1}\n') == b'{"key": 1, "SageMakerOutput": {"label": 1}}\n'


def test_what_is_no_object_becomes_one() -> None:
    joins = processing("application/json", split="None", JoinSource="Input")
    assert joins.output([b"[1]"], b"2") == b'{"SageMakerInput": [1], "SageMakerOutput": 2}\n'


def test_answers_alone_can_be_filtered() -> None:
    assert processing(OutputFilter="$[1]").output([b"a\n", b"b\n"], b"0,1\n2,3\n") == b"1\n3\n"


def test_another_number_of_answers_fails_the_job() -> None:
    with pytest.raises(ContainerFailure, match="2 records were sent, and 1 came back"):
        processing(JoinSource="Input").output([b"a\n", b"b\n"], b"1\n")


@pytest.mark.parametrize("record", [b'"a\n', b"a\xff\n"])
def test_a_record_that_is_none_fails_the_job(record: bytes) -> None:
    with pytest.raises(ContainerFailure, match="is not one record of text/csv"):
        processing(InputFilter="$[0]").request(record)


def test_nothing_to_do_is_nothing_to_check() -> None:
    assert not DataProcessing({"TransformInput": {}, "TransformOutput": {}}).is_needed
    assert not processing("application/x-parquet", JoinSource="None", InputFilter="$", OutputFilter="$").is_needed


@pytest.mark.parametrize(
    ("content_type", "split", "wanted", "said"),
    [
        ("application/x-parquet", "Line", {"JoinSource": "Input"}, "needs ContentType and Accept text/csv"),
        ("text/csv", "None", {"JoinSource": "Input"}, "needs SplitType Line and AssembleWith Line"),
        ("text/csv", "Line", {"InputFilter": "$.id"}, "choose columns by position"),
    ],
)
def test_what_cannot_be_processed_is_refused(content_type: str, split: str, wanted: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        processing(content_type, split, **wanted)
