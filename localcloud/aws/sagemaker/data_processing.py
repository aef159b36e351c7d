"""DataProcessing of a transform job: which part of a record its container sees, and which is kept beside the answer.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.json_path import JsonPath
from localcloud.aws.sagemaker.store import Document

_CSV = "text/csv"
_JSON = ("application/json", "application/jsonlines")
_INPUT, _OUTPUT = "SageMakerInput", "SageMakerOutput"


class DataProcessing:
    """Filters and joins the records of one job, whose request was checked.

    Raises:
        ValidationError: A filter is none that is supported, or the records are neither CSV nor JSON.
    """

    def __init__(self, job: Document) -> None:
        wanted = job.get("DataProcessing", {})
        self._input = JsonPath(wanted.get("InputFilter", "$"))
        self._output = JsonPath(wanted.get("OutputFilter", "$"))
        self._joins = wanted.get("JoinSource", "None") == "Input"
        self.is_needed = self._joins or not (self._input.is_root and self._output.is_root)
        self._content_type = job["TransformInput"].get("ContentType", "")
        self._is_csv = self._content_type == _CSV
        if self.is_needed:
            self._check(job)

    def request(self, record: bytes) -> bytes:
        """What the container gets of a record.

        Raises:
            ContainerFailure: The record has no such part.
        """
        return record if self._input.is_root else self._write(self._input.of(self._read(record)))

    def output(self, records: Sequence[bytes], answer: bytes) -> bytes:
        """What is kept of the answer to some records, line by line where there are several.

        Raises:
            ContainerFailure: The answer has another number of records, or no such part.
        """
        answers = [answer] if len(records) == 1 else [line for line in answer.splitlines() if line.strip()]
        if len(answers) != len(records):
            raise ContainerFailure(
                f"ClientError: {len(records)} records were sent, and {len(answers)} came back; they cannot be joined."
            )
        return b"".join(
            self._write(self._output.of(self._joined(record, line)))
            for record, line in zip(records, answers, strict=True)
        )

    def _joined(self, record: bytes, line: bytes) -> Any:
        answer = self._read(line)
        if not self._joins:
            return answer
        source = self._read(record)
        if self._is_csv:
            return source + answer
        return source | {_OUTPUT: answer} if isinstance(source, dict) else {_INPUT: source, _OUTPUT: answer}

    def _read(self, record: bytes) -> Any:
        try:
            if not self._is_csv:
                return json.loads(record)
            (row,) = csv.reader(io.StringIO(record.decode()), strict=True)
        except (ValueError, csv.Error) as error:
            raise ContainerFailure(
                f"ClientError: {record[:120]!r} is not one record of {self._content_type}: {error}"
            ) from error
        return row

    def _write(self, value: Any) -> bytes:
        if not self._is_csv:
            return json.dumps(value, ensure_ascii=False).encode() + b"\n"
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(value if isinstance(value, list) else [value])
        return line.getvalue().encode()

    def _check(self, job: Document) -> None:
        types = (self._content_type, job["TransformOutput"].get("Accept", ""))
        if any(one != _CSV and one not in _JSON for one in types) or self._is_csv != (types[1] == _CSV):
            raise ValidationError(
                f"DataProcessing needs ContentType and Accept text/csv, {' or '.join(_JSON)}, both of one kind; found "
                f"{types[0]!r} and {types[1]!r}."
            )
        lines = (job["TransformInput"].get("SplitType"), job["TransformOutput"].get("AssembleWith"))
        if self._is_csv and lines != ("Line", "Line"):
            raise ValidationError("DataProcessing of text/csv needs SplitType Line and AssembleWith Line.")
        if self._is_csv and not (self._input.suits_rows and self._output.suits_rows):
            raise ValidationError("Filters of text/csv choose columns by position, as $[0] or $[1:].")
