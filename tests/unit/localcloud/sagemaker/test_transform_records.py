"""Cutting inputs of transform jobs into requests, and refusing what this machine does not do."""

from pathlib import Path
from typing import Any

import pytest

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.transform_records import assembled, check_data_processing, payloads

MIB = 1024 * 1024
LINES = [b"%d," % row + b"x" * 99_990 + b"\n" for row in range(33)]


def job(split: str, **more: Any) -> dict[str, Any]:
    return {"TransformInput": {"SplitType": split}, "TransformOutput": {}, "MaxPayloadInMB": 1, **more}


@pytest.fixture
def lines_file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"".join(LINES))
    return path


def test_lines_are_packed_up_to_the_largest_payload_and_none_is_cut(lines_file: Path) -> None:
    bodies = list(payloads(lines_file, job("Line")))
    assert max(map(len, bodies)) <= MIB
    assert all(body.endswith(b"\n") for body in bodies)
    assert len(bodies) == 4
    assert b"".join(bodies) == b"".join(LINES)


def test_single_record_sends_line_by_line(lines_file: Path) -> None:
    assert list(payloads(lines_file, job("Line", BatchStrategy="SingleRecord"))) == LINES


def test_a_last_line_without_an_end_is_sent_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"1\n2")
    assert list(payloads(path, job("Line", BatchStrategy="SingleRecord"))) == [b"1\n", b"2"]


def test_a_file_that_is_not_split_is_one_request(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"a\nb\n")
    assert list(payloads(path, job("None"))) == [b"a\nb\n"]


@pytest.mark.parametrize(("split", "what"), [("None", "long.csv is longer"), ("Line", "a line of long.csv is longer")])
def test_what_is_longer_than_the_largest_payload_is_refused(tmp_path: Path, split: str, what: str) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"x" * (MIB + 1))
    with pytest.raises(ContainerFailure, match=what):
        list(payloads(path, job(split)))


def test_answers_are_put_together_in_order_with_and_without_line_ends() -> None:
    assert assembled([b"1", b"2\n"], job("Line", TransformOutput={"AssembleWith": "Line"})) == b"1\n2\n"
    assert assembled([b"1", b"2"], job("Line", TransformOutput={"AssembleWith": "None"})) == b"12"


@pytest.mark.parametrize("split", ["RecordIO", "TFRecord"])
def test_other_ways_to_split_are_refused(split: str) -> None:
    with pytest.raises(ValidationError, match=f"SplitType {split} is not done"):
        check_data_processing(job(split))


@pytest.mark.parametrize("processing", [{"JoinSource": "Input"}, {"InputFilter": "$[1:]"}, {"OutputFilter": "$[0]"}])
def test_joining_and_filtering_are_refused(processing: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="DataProcessing"):
        check_data_processing(job("Line", DataProcessing=processing))
