"""CSV files as record batches of text, in memory that does not grow with the file, whatever the file holds.

CSV is RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180) in UTF-8 with a header: commas, double quotes, any line ending,
a byte-order mark allowed, empty lines skipped. What cannot be read is a Finding, never a crash.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pacsv

from comal.csv_place import line_of_byte, lines_of_rows, undecodable_byte
from comal.finding import shown
from comal.reading import Reading, RowBatch

# The longest row, and the unit of reading. A file that is one line of 1 GB is refused after this much of it.
MAX_ROW_BYTES = 4 << 20
# A file with more rows of the wrong length is not read further: it has another shape than its header says.
MAX_RAGGED_ROWS = 1000

_NOT_CSV = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word document",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a SQLite database",
    b"ARROW1": "an Arrow file",
    b"Obj\x01": "an Avro file",
}
_TEXT_NOT_CSV = {"{": "JSON", "[": "JSON", "<": "HTML or XML"}
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class CsvReading(Reading):
    """A CSV file; every value is text, as the file has it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._ragged_example = ""
        self._ragged_shape = (0, 0)
        self._stream = _Scanner(io.BytesIO())
        self._rows = 0
        with path.open("rb") as file:
            beginning = file.read(MAX_ROW_BYTES)
        self._header = self._read_header(beginning, complete=path.stat().st_size <= MAX_ROW_BYTES)
        self.accept_columns([name.strip() for name in self._header])

    def batches(self) -> Iterator[RowBatch]:
        """The rows, in order; ends early where the file cannot be read any further."""
        if not self.columns:
            return
        with self.path.open("rb") as file:
            self._stream = _Scanner(file)
            last: pa.RecordBatch | None = None
            try:
                for rows in self._open_csv():
                    named = self._named(rows)
                    yield RowBatch(named, self._rows)
                    self._rows += rows.num_rows
                    last = rows if rows.num_rows else last
            except pa.ArrowInvalid as error:
                self._diagnose(error)
            except _NulByteError as error:
                line = line_of_byte(self.path, error.offset)
                self.fail("nul_byte", f"a NUL character at byte {error.offset}", "text", line=line)
        self._report_ragged()
        if last is not None and self._stream.quotes % 2 and self._ends_inside_quotes(last):
            row = self.row_number(self._rows - 1)
            self.fail("quotes", "a quoted value that never ends", "a closing double quote", first_row=row)

    def lines(self, row_numbers: set[int]) -> dict[int, int]:
        """Lines on which rows begin; the header's is 1."""
        rows = self._rows + len(self.skipped_rows)
        if self._stream.at_end and self._stream.lines == rows + 1:
            return {row: row + 1 for row in row_numbers}
        return lines_of_rows(self.path, row_numbers)

    def _read_header(self, beginning: bytes, *, complete: bool) -> list[str]:
        """Names in the first record; empty, with a finding, where there is none."""
        problem = _other_format(beginning)
        if problem:
            self.fail("not_csv", problem, "a CSV file with a header, or Parquet")
            return []
        try:
            # The last bytes may be half a character.
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(beginning, final=complete)
        except UnicodeDecodeError as error:
            self._fail_encoding(error.start)
            return []
        if not text.strip():
            self.fail("empty", "an empty file", "a header and rows")
            return []
        if text.lstrip()[0] in _TEXT_NOT_CSV:
            self.fail("not_csv", _TEXT_NOT_CSV[text.lstrip()[0]], "a CSV file with a header, or Parquet")
            return []
        names = _first_record(text)
        if names is None or (len(text.split("\n", 1)) == 1 and "\r" not in text and not complete):
            self.fail("row_size", f"a header longer than {MAX_ROW_BYTES} bytes", "a header of column names")
            return []
        self._look_at_names(names)
        return names

    def _look_at_names(self, names: list[str]) -> None:
        if len(names) == 1:
            for separator, word in _OTHER_SEPARATORS.items():
                if separator in names[0]:
                    self.fail("separator", f"a header separated by {word}", "commas", line=1, example=shown(names[0]))
        elif all(_is_number(name) for name in names):
            self.fail("header", "numbers in the first line", "names of columns", line=1, example=shown(names[0]))

    def _open_csv(self) -> pacsv.CSVStreamingReader:
        return pacsv.open_csv(
            pa.PythonFile(self._stream, mode="r"),
            read_options=pacsv.ReadOptions(block_size=MAX_ROW_BYTES, use_threads=False),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._skip_ragged),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in self._header}, strings_can_be_null=False
            ),
        )

    def _skip_ragged(self, row: pacsv.InvalidRow) -> str:
        if not self.skipped_rows:
            self._ragged_shape = (row.actual_columns, row.expected_columns)
            self._ragged_example = shown(row.text)
        if len(self.skipped_rows) >= MAX_RAGGED_ROWS:
            return "error"
        self.skipped_rows.append(row.number - 1)  # Arrow counts the header
        return "skip"

    def _report_ragged(self) -> None:
        if self.skipped_rows:
            actual, expected = self._ragged_shape
            self.fail(
                "ragged_row",
                f"a row of {actual} value{'s' if actual > 1 else ''}",
                f"{expected} values, as the header has",
                rows=len(self.skipped_rows),
                first_row=self.skipped_rows[0],
                example=self._ragged_example,
            )

    def _named(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        kept = [index for index, name in enumerate(self.columns) if name]
        names = [self.columns[index] for index in kept]
        return pa.RecordBatch.from_arrays([rows.column(index) for index in kept], names)

    def _ends_inside_quotes(self, last: pa.RecordBatch) -> bool:
        return any("\n" in (value or "") for value in last.slice(last.num_rows - 1).to_pylist()[0].values())

    def _diagnose(self, error: pa.ArrowInvalid) -> None:
        """A finding for what Arrow could not parse."""
        if len(self.skipped_rows) >= MAX_RAGGED_ROWS:
            return  # _report_ragged says it
        if str(error).endswith("cannot infer number of columns") and not self._rows:
            return  # a header without even a line ending: a file without rows, which the contract judges
        offset = undecodable_byte(self.path) if "UTF8" in str(error) else None
        if offset is not None:
            self._fail_encoding(offset)
        elif "straddling" in str(error):
            found = f"a row longer than {MAX_ROW_BYTES} bytes"
            self.fail("row_size", found, "shorter rows, or closed quotes", first_row=self.row_number(self._rows))
        else:
            self.fail("unreadable", str(error).splitlines()[0][:200], "CSV as in RFC 4180")

    def _fail_encoding(self, offset: int) -> None:
        line = line_of_byte(self.path, offset)
        self.fail("encoding", f"a byte at {offset} that is not UTF-8", "a file saved as UTF-8", line=line)


class _NulByteError(Exception):
    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class _Scanner(io.RawIOBase):
    """The file as Arrow reads it, block by block, counting what tells lines from rows and text from bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._read_bytes = 0
        self._ends_open = False
        self._newlines = 0
        self.quotes = 0
        self.at_end = False

    @property
    def lines(self) -> int:
        """Lines read so far; the last need not have an ending."""
        return self._newlines + self._ends_open

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        nul = block.find(b"\0")
        if nul >= 0:
            raise _NulByteError(self._read_bytes + nul)
        self._read_bytes += len(block)
        self._newlines += block.count(b"\n")
        self.quotes += block.count(b'"')
        if block:
            self._ends_open = not block.endswith(b"\n")
        else:
            self.at_end = True
        return block


def _other_format(beginning: bytes) -> str | None:
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "text in UTF-16 (save it as UTF-8)"
    for magic, name in _NOT_CSV.items():
        if beginning.startswith(magic):
            return name
    if b"\0" not in beginning:
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return "a binary file"
    return None  # text with a stray NUL: reading will say where


def _first_record(text: str) -> list[str] | None:
    """The first record that is no empty line; None where a value is too long to be a name."""
    try:
        return next((record for record in csv.reader(io.StringIO(text, newline="")) if record), [])
    except csv.Error:
        return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text.strip()
    return True
