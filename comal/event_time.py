"""When a row happened, read by the recipe's format, as UTC timestamps."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comal.conversion import Converted, categories, numbers
from comal.finding import Mask

TIMESTAMP = pa.timestamp("us", "UTC")

# Seconds from 1677 to 2262, what nanosecond readers of Parquet (pandas) can hold.
_MAX_EPOCH_S = 9_223_372_036.0
_UNITS_PER_SECOND = {"epoch_s": 1, "epoch_ms": 1000}


def event_times(column: pa.Array, pattern: str) -> Converted:
    """A column as timestamps.

    Args:
        column: Text, numbers or timestamps.
        pattern: `iso`, `epoch_s`, `epoch_ms` or a strptime pattern; a time without a zone is taken as UTC.
    """
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return _from_timestamps(column)
    if pattern in _UNITS_PER_SECOND:
        return _from_epoch(column, _UNITS_PER_SECOND[pattern])
    texts = categories(column)
    if texts.problems:
        return Converted(pa.nulls(len(column), TIMESTAMP), texts.missing, texts.problems)
    if pattern == "iso":
        return _from_iso(texts)
    return _from_distinct(texts, lambda text: datetime.strptime(text, pattern))


def _from_timestamps(column: pa.Array) -> Converted:
    values = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
    if values.type.tz is None:
        values = pc.assume_timezone(values, "UTC")
    missing: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return Converted(values.cast(TIMESTAMP), missing)


def _from_epoch(column: pa.Array, units_per_second: int) -> Converted:
    converted = numbers(column)
    seconds = converted.values.fill_null(0.0).to_numpy(zero_copy_only=False) / units_per_second
    outside = np.abs(seconds) > _MAX_EPOCH_S
    unknown = converted.values.is_null().to_numpy(zero_copy_only=False) | outside
    microseconds = (np.where(unknown, 0.0, seconds) * 1e6).astype(np.int64)
    values = pa.array(microseconds, pa.int64(), mask=unknown).cast(TIMESTAMP)
    wrong = outside
    for rows in converted.problems.values():
        wrong = wrong | rows
    return Converted(values, converted.missing, {"type": wrong})


def _from_iso(texts: Converted) -> Converted:
    for kind in (pa.timestamp("us"), TIMESTAMP):  # Arrow wants all values with a zone, or none
        try:
            values = texts.values.cast(kind)
        except pa.ArrowInvalid:
            continue
        return Converted(values if kind == TIMESTAMP else pc.assume_timezone(values, "UTC"), texts.missing)
    return _from_distinct(texts, datetime.fromisoformat)


def _from_distinct(texts: Converted, parse: Callable[[str], datetime]) -> Converted:
    """Times repeat a lot: each distinct text is parsed once."""
    encoded = texts.values.dictionary_encode()
    times = [_parsed(text, parse) for text in encoded.dictionary.to_pylist()]
    values = pc.take(pa.array(times, TIMESTAMP), encoded.indices)
    wrong: Mask = values.is_null().to_numpy(zero_copy_only=False) & ~texts.missing
    return Converted(values, texts.missing, {"type": wrong})


def _parsed(text: str, parse: Callable[[str], datetime]) -> datetime | None:
    try:
        time = parse(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
