"""Which format the times of a column are written in, by trying all that are in use."""

import numpy as np
import pyarrow as pa

from comal.event_time import event_times

_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
CANDIDATES = ("iso", *(day + time for day in _DAYS for time in _TIMES))

# Seconds and milliseconds of the years 1990 to 2100; smaller whole numbers are more likely something else.
_EPOCHS = {"epoch_s": (631_152_000.0, 4_102_444_800.0), "epoch_ms": (631_152_000_000.0, 4_102_444_800_000.0)}


class TimeFormat:
    """Formats that fit every value seen so far, the likelier first."""

    def __init__(self) -> None:
        self.candidates: list[str] = []
        self._started = False

    def add(self, column: pa.Array) -> None:
        """Drop the formats that some value of the column does not fit."""
        if not self._started:
            self.candidates = _by_range(column) or list(CANDIDATES)
            self._started = True
        # Most formats fail on the first values, which spares trying them on all.
        few = [pattern for pattern in self.candidates if _fits(column.slice(0, 10), pattern)]
        self.candidates = [pattern for pattern in few if _fits(column, pattern)]


def _by_range(column: pa.Array) -> list[str]:
    """Epoch formats, where all values are numbers of their size."""
    converted = event_times(column, "epoch_s")
    if any(rows.any() for rows in converted.problems.values()) or not converted.values.is_valid().to_numpy(False).any():
        return ["epoch_ms"] if _in_range(column, "epoch_ms") else []
    return [pattern for pattern in _EPOCHS if _in_range(column, pattern)]


def _in_range(column: pa.Array, pattern: str) -> bool:
    if pa.types.is_timestamp(column.type):
        return False
    converted = event_times(column, pattern)
    seconds = converted.values.drop_null().cast(pa.int64()).to_numpy() / 1e6
    low, high = _EPOCHS["epoch_s"]
    fits = not any(rows.any() for rows in converted.problems.values())
    return fits and len(seconds) > 0 and bool(np.all((seconds >= low) & (seconds <= high)))


def _fits(column: pa.Array, pattern: str) -> bool:
    return not any(rows.any() for rows in event_times(column, pattern).problems.values())
