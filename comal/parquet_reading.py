"""Parquet files as record batches."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comal.reading import Reading, RowBatch

MAGIC = b"PAR1"
_BATCH_ROWS = 65_536
# One row group's column chunks are decoded page by page, but a small file can announce pages of any size.
MAX_ROW_GROUP_BYTES = 1 << 30

# A damaged footer or page surfaces as any of these.
_PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError, MemoryError)


class ParquetReading(Reading):
    """Types are as the file has them; nested columns come as they are."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with pq.ParquetFile(path, memory_map=False) as file:
                self._look_at(file)
        except _PARQUET_ERRORS as error:
            self._fail(error)

    def batches(self) -> Iterator[RowBatch]:
        """The rows, in order; ends early at a damaged page."""
        if not self.columns:
            return
        rows_before = 0
        try:
            with pq.ParquetFile(self.path, memory_map=False) as file:
                for rows in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
                    yield RowBatch(_named(rows, self.columns), rows_before)
                    rows_before += rows.num_rows
        except _PARQUET_ERRORS as error:
            self._fail(error)

    def _look_at(self, file: pq.ParquetFile) -> None:
        for index in range(file.metadata.num_row_groups):
            size_bytes = file.metadata.row_group(index).total_byte_size
            if size_bytes > MAX_ROW_GROUP_BYTES:
                found = f"a row group of {size_bytes} bytes"
                self.fail("row_group_size", found, f"row groups of at most {MAX_ROW_GROUP_BYTES}")
                return
        self.accept_columns([name.strip() for name in file.schema_arrow.names])

    def _fail(self, error: Exception) -> None:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        self.fail("unreadable", f"a Parquet file that cannot be read ({first_line[:200]})", "a complete Parquet file")


def _named(rows: pa.RecordBatch, names: tuple[str, ...]) -> pa.RecordBatch:
    """The columns that have a name, under it."""
    kept = [index for index, name in enumerate(names) if name]
    return pa.RecordBatch.from_arrays([rows.column(index) for index in kept], [names[index] for index in kept])
