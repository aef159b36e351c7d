"""Cutting inputs of transform jobs into requests, and refusing what this machine does not do."""

from pathlib import Path
from typing import Any

import pytest

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.transform_parameters import settle
from localcloud.aws.sagemaker.transform_records import Payload, Records, check_input

MIB = 1024 * 1024
LINES = [b"%d," % row + b"x" * 99_990 + b"\n" for row in range(33)]


def job(split: str, **more: Any) -> dict[str, Any]:
    return {"TransformInput": {"SplitType": split}, "TransformOutput": {}, "MaxPayloadInMB": 1, **more}


def records(split: str, **more: Any) -> Records:
    asked = job(split, **more)
    return Records(asked, settle(asked, {}))


def bodies(path: Path, split: str, **more: Any) -> list[bytes]:
    return [payload.body for payload in records(split, **more).payloads(path)]


@pytest.fixture
def lines_file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"".join(LINES))
    return path


def test_lines_are_packed_up_to_the_largest_payload_and_none_is_cut(lines_file: Path) -> None:
    sent = bodies(lines_file, "Line")
    assert max(map(len, sent)) <= MIB
    assert all(body.endswith(b"\n") for body in sent)
    assert len(sent) == 4
    assert b"".join(sent) == b"".join(LINES)


def test_single_record_sends_line_by_line(lines_file: Path) -> None:
    assert bodies(lines_file, "Line", BatchStrategy="SingleRecord") == LINES


def test_a_last_line_without_an_end_is_sent_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"1\n2")
    assert bodies(path, "Line", BatchStrategy="SingleRecord") == [b"1\n", b"2"]


def test_an_empty_file_that_is_split_has_no_requests(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.touch()
    assert bodies(path, "Line") == []


def test_a_file_that_is_not_split_is_one_request(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"a\nb\n")
    assert bodies(path, "None") == [b"a\nb\n"]


@pytest.mark.parametrize(("split", "what"), [("None", "long.csv is longer"), ("Line", "a line of long.csv is longer")])
def test_what_is_longer_than_the_largest_payload_is_refused(tmp_path: Path, split: str, what: str) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"x" * (MIB + 1))
    with pytest.raises(ContainerFailure, match=what):
        bodies(path, split)


@pytest.mark.parametrize(("assemble", "expected"), [("Line", b"1\n2\n"), ("None", b"12\n")])
def test_answers_are_put_together_with_and_without_line_ends(assemble: str, expected: bytes) -> None:
    asked = records("Line", TransformOutput={"AssembleWith": assemble})
    assert b"".join(asked.output(Payload(b""), answer) for answer in (b"1", b"2\n")) == expected


@pytest.mark.parametrize(
    "wanted", [{"SplitType": "RecordIO"}, {"SplitType": "TFRecord"}, {"CompressionType": "Gzip", "SplitType": "Line"}]
)
def test_other_input_is_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="not done on this machine"):
        check_input({"TransformInput": wanted})
