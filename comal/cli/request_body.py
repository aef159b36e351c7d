"""Rows as request bodies: what a person typed or has in a file, in pieces that an endpoint takes."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from comal.errors import DataError, UserError

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"
# An endpoint takes 4 MB (serverless, https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html);
# a thousand rows of a few hundred columns stay below it.
ROWS_PER_REQUEST = 1000

Complete = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class RequestBody:
    """One request: its content, its type, and the number of its first row in what the user gave."""

    content: bytes
    content_type: str
    first_row: int = 0


def from_text(text: str, complete: Complete = dict) -> Iterator[RequestBody]:
    """Requests for JSON that was typed: an object, a list of objects, or {"instances": [...]}.

    Raises:
        UserError: The text is not JSON.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UserError(
            f"--data is not JSON: {error}.",
            next_step="Write one object such as '{\"column\": 1}', or a list of objects.",
        ) from error
    yield from from_json(value, complete)


def from_file(path: Path, features: list[str], complete: Complete = dict) -> Iterator[RequestBody]:
    """Requests for the rows of a .json or .csv file; columns that are no features are left out.

    Args:
        path: The file; a CSV file begins with a header.
        features: What the model predicts from.
        complete: What becomes of a row before it is sent.

    Raises:
        UserError: There is no such file, or it is neither JSON nor CSV.
        DataError: A CSV file has no column for a feature.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", next_step="Check the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", next_step="Name a .csv or .json file.") from error
    if path.suffix == ".json":
        try:
            yield from from_json(json.loads(text), complete)
        except ValueError as error:
            raise UserError(f"{path} is not JSON: {error}.", next_step="Mend the file.") from error
    else:
        yield from _from_csv(path, text, features, complete)


def from_json(value: Any, complete: Complete = dict) -> Iterator[RequestBody]:
    """Requests for an object, a list of objects, or {"instances": [...]}."""
    if isinstance(value, dict) and "instances" in value:
        value = value["instances"]
    rows = value if isinstance(value, list) else [value]
    for first in range(0, len(rows), ROWS_PER_REQUEST):
        some = rows[first : first + ROWS_PER_REQUEST]
        content = json.dumps([complete(row) if isinstance(row, dict) else row for row in some]).encode()
        yield RequestBody(content, JSON_TYPE, first)


def _from_csv(path: Path, text: str, features: list[str], complete: Complete) -> Iterator[RequestBody]:
    reader = csv.DictReader(io.StringIO(text))
    there = complete(dict.fromkeys(reader.fieldnames or [], ""))
    missing = [name for name in features if name not in there]
    if missing:
        raise DataError(
            f"{path} has no column {', '.join(missing)}; its header reads {', '.join(reader.fieldnames or [])}.",
            next_step="Give the file a header with the recipe's features.",
        )
    first = 0
    while chunk := list(islice(reader, ROWS_PER_REQUEST)):
        content = io.StringIO()
        writer = csv.DictWriter(content, features, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(complete, chunk))
        yield RequestBody(content.getvalue().encode(), CSV_TYPE, first)
        first += len(chunk)
