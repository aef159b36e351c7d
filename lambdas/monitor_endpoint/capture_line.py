"""One line of a capture file: the rows that were asked and the predictions that were answered.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import binascii
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


class UnreadableLineError(Exception):
    """A line that is no captured call of this kit's container; says why."""


@dataclass(frozen=True)
class Call:
    """One captured call.

    Attributes:
        event_id: SageMaker's id of the call.
        inference_id: The caller's id, or SageMaker's where the caller gave none.
        time: When it was answered, timezone-aware.
        version: Version of the model that answered.
        rows: What was asked, a mapping of column to value each.
        predictions: What was answered to each row: `prediction`, and of classes `probability` or `probabilities`.
    """

    event_id: str
    inference_id: str
    time: datetime
    version: int
    rows: list[dict[str, Any]]
    predictions: list[dict[str, Any]]

    def row_id(self, position: int) -> str:
        """What a label names a row by: the call's id, with the row's number (from 0) where there are several."""
        return self.inference_id if len(self.rows) == 1 else f"{self.inference_id}/{position}"


def read_line(line: bytes, features: Sequence[str]) -> Call:
    """Read a line.

    Args:
        line: JSON.
        features: Columns of a CSV body without a header.

    Raises:
        UnreadableLineError: It is no captured call with an answer.
    """
    try:
        document = json.loads(line)
        metadata, data = document["eventMetadata"], document["captureData"]
        answer = json.loads(_body(data["endpointOutput"]))
        predictions, version = answer["predictions"], int(answer["model_version"])
        rows = _rows(data["endpointInput"], features)
        event_id = str(metadata["eventId"])
        call = Call(
            event_id=event_id,
            inference_id=str(metadata.get("inferenceId") or event_id),
            time=datetime.fromisoformat(metadata["inferenceTime"]).astimezone(UTC),
            version=version,
            rows=rows,
            predictions=predictions,
        )
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error, binascii.Error, RecursionError) as error:
        raise UnreadableLineError(f"{type(error).__name__}: {error}") from error
    _check(call)
    return call


def _check(call: Call) -> None:
    if not isinstance(call.predictions, list) or len(call.predictions) != len(call.rows):
        raise UnreadableLineError(f"{len(call.rows)} rows were asked, and not as many predictions answered")
    if not all(isinstance(entry, dict) and "prediction" in entry for entry in call.predictions):
        raise UnreadableLineError("an answer holds no prediction")
    if not all(isinstance(row, dict) for row in call.rows):
        raise UnreadableLineError("a row is no object")


def _body(side: dict[str, Any]) -> str:
    """A side's body as text, whatever it was written in."""
    if side["encoding"] == "BASE64":
        return base64.b64decode(side["data"]).decode("utf-8-sig")
    return str(side["data"])


def _rows(side: dict[str, Any], features: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a request, read as the container reads them (training/serve/decode.py)."""
    media_type = str(side.get("observedContentType", "")).partition(";")[0].strip().lower()
    body = _body(side)
    if side["encoding"] == "CSV" or media_type == "text/csv":
        return _csv_rows(body, features)
    document = json.loads(body)
    if isinstance(document, dict) and "instances" in document and "instances" not in features:
        document = document["instances"]
    return document if isinstance(document, list) else [document]


def _csv_rows(body: str, features: Sequence[str]) -> list[dict[str, Any]]:
    lines = [cells for cells in csv.reader(io.StringIO(body.removeprefix("\ufeff"), newline="")) if cells]
    header = list(features)
    if lines and 2 * len({cell.strip() for cell in lines[0]}.intersection(features)) >= len(features):
        header = [cell.strip() for cell in lines.pop(0)]
    return [dict(zip(header, cells, strict=True)) for cells in lines]
