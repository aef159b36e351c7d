"""Opening a pushed file by what it holds, not by what it is called."""

from pathlib import Path

from comal.csv_reading import CsvReading
from comal.parquet_reading import MAGIC, ParquetReading
from comal.reading import Reading


def open_file(path: Path) -> Reading:
    """Look at a file's beginning and make ready to read it; nothing is raised for what it holds."""
    with path.open("rb") as file:
        is_parquet = file.read(len(MAGIC)) == MAGIC
    return ParquetReading(path) if is_parquet else CsvReading(path)
