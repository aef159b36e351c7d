"""A request's body as the model's matrix; whatever is wrong is said with its row and column."""

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from training.matrix import Matrix
from training.schema import ModelSchema
from training.serve.refusal import RefusalError
from training.serve.values import Converter, converter

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"

_SHOWN_LENGTH = 60
_ABSENT = object()


class Decoder:
    """Reads bodies by one model's schema.

    Keys and columns that are no features are ignored: callers send whole records, with identifiers and all.
    """

    def __init__(self, schema: ModelSchema) -> None:
        refuse_unknown = schema.unknown_category == "refuse"
        self._columns: list[tuple[str, Converter]] = [
            (feature.name, converter(feature, refuse_unknown=refuse_unknown)) for feature in schema.features
        ]
        self._names = [feature.name for feature in schema.features]
        self._may_be_absent = schema.absent_feature == "missing"

    def decode(self, body: bytes, content_type: str) -> Matrix:
        """The matrix of a request, of shape (rows, features).

        Args:
            body: The request's body.
            content_type: Its media type, parameters and all.

        Raises:
            RefusalError: 415 for another media type, 400 for a body that does not fit the schema.
        """
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == JSON_TYPE:
            return self._from_json(body)
        if media_type == CSV_TYPE:
            return self._from_csv(body)
        raise RefusalError(415, f"content type '{media_type}' is not supported; send {JSON_TYPE} or {CSV_TYPE}")

    def _from_json(self, body: bytes) -> Matrix:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RefusalError(400, f"the body is not JSON: {error}; a missing value is written null") from None
        if isinstance(document, dict) and "instances" in document and "instances" not in self._names:
            document = document["instances"]
        rows = document if isinstance(document, list) else [document]
        return self._matrix([self._record(row, index) for index, row in enumerate(rows)])

    def _record(self, record: Any, row: int) -> list[float]:
        if not isinstance(record, dict):
            raise RefusalError(400, f"expected an object with a key for each feature, found {_shown(record)}", row=row)
        numbers = []
        for name, convert in self._columns:
            value = record.get(name, _ABSENT)
            if value is _ABSENT:
                numbers.append(self._absent(name, row))
                continue
            try:
                numbers.append(convert(value))
            except (ValueError, OverflowError) as error:
                raise _wrong_value(value, error, row, name) from None
        return numbers

    def _from_csv(self, body: bytes) -> Matrix:
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RefusalError(400, f"the body is not UTF-8: byte {error.start} cannot be read") from None
        try:
            lines = [cells for cells in csv.reader(io.StringIO(text, newline="")) if cells]
        except csv.Error as error:
            raise RefusalError(400, f"the body is not CSV: {error}") from None
        header = self._names
        if lines and self._is_header(lines[0]):
            header = [cell.strip() for cell in lines.pop(0)]
        positions = self._positions(header)
        return self._matrix(
            [self._line(cells, len(header), positions, row) for row, cells in enumerate(lines)],
        )

    def _is_header(self, cells: Sequence[str]) -> bool:
        """Whether a line names the features: at least half of them, so that a misspelt one is reported as absent."""
        named = {cell.strip() for cell in cells}.intersection(self._names)
        return 2 * len(named) >= len(self._names)

    def _positions(self, header: Sequence[str]) -> list[int]:
        """Where each feature stands in a line; -1 where it is absent."""
        doubled = [name for name in self._names if header.count(name) > 1]
        if doubled:
            raise RefusalError(400, f"the header names '{doubled[0]}' twice", column=doubled[0])
        return [header.index(name) if name in header else -1 for name in self._names]

    def _line(self, cells: Sequence[str], width: int, positions: Sequence[int], row: int) -> list[float]:
        if len(cells) != width:
            raise RefusalError(400, f"expected {width} cells, found {len(cells)}", row=row)
        numbers = []
        for (name, convert), position in zip(self._columns, positions, strict=True):
            if position < 0:
                numbers.append(self._absent(name, row))
                continue
            try:
                numbers.append(convert(cells[position]))
            except (ValueError, OverflowError) as error:
                raise _wrong_value(cells[position], error, row, name) from None
        return numbers

    def _absent(self, name: str, row: int) -> float:
        if self._may_be_absent:
            return math.nan
        raise RefusalError(
            400, f"feature '{name}' is absent; send it, or null where its value is missing", row=row, column=name
        )

    def _matrix(self, rows: list[list[float]]) -> Matrix:
        if not rows:
            raise RefusalError(400, "the request has no rows")
        return np.array(rows, dtype=np.float32)


def _wrong_value(value: Any, error: Exception, row: int, column: str) -> RefusalError:
    reason = "expected a finite number" if isinstance(error, OverflowError) else str(error)
    return RefusalError(400, f"column '{column}' of row {row}: found {_shown(value)}, {reason}", row=row, column=column)


def _shown(value: Any) -> str:
    """A value as it may stand in a message; what a caller sent can be megabytes long."""
    text = repr(value) if not isinstance(value, dict | list) else f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"
