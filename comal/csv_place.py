"""Where in a CSV file something is, looked up only when there is something to report."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_BLOCK_BYTES = 1 << 20


def lines_of_rows(path: Path, row_numbers: set[int]) -> dict[int, int]:
    """Lines (the header's is 1) on which data rows (from 1) begin.

    Needed where rows and lines differ: empty lines, or line breaks inside quotes. Rows behind a value that is too long
    for a CSV reader are left out.
    """
    lines: dict[int, int] = {}
    last = max(row_numbers, default=0)
    # Latin-1 reads any byte; the characters that CSV is made of are the same as in UTF-8.
    with path.open(encoding="latin-1", newline="") as file:
        reader = csv.reader(_short_lines(file))
        row = -1
        begins_on = 1
        try:
            for record in reader:
                if record:
                    row += 1
                    if row in row_numbers:
                        lines[row] = begins_on
                    if row >= last:
                        break
                begins_on = reader.line_num + 1
        except csv.Error:
            return lines
    return lines


def _short_lines(file: IO[str]) -> Iterator[str]:
    """Lines up to the first that is too long to hold."""
    while line := file.readline(_BLOCK_BYTES):
        if len(line) == _BLOCK_BYTES:
            return
        yield line


def undecodable_byte(path: Path) -> int | None:
    """Offset of the first byte that is not UTF-8; None if all are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - pending + error.start
            if not block:
                return None
            offset += len(block)


def line_of_byte(path: Path, offset: int) -> int:
    """Line that holds a byte."""
    newlines = 0
    with path.open("rb") as file:
        while offset > 0:
            block = file.read(min(_BLOCK_BYTES, offset))
            newlines += block.count(b"\n")
            offset -= len(block)
    return newlines + 1
