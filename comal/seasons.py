"""Comparing with the reference rows of the same hours of the week, where a recipe says `reference: seasonal`."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal.profile import BooleanProfile, CategoryProfile, ColumnProfile, NumberProfile, Profile, Stratum

Floats = NDArray[np.float64]

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_S = 24 * 3600
# 1970-01-01, where the seconds of a timestamp begin, was a Thursday.
_FIRST_WEEKDAY = 3


def hours_of_week(times: pa.Array | pa.ChunkedArray) -> NDArray[np.str_]:
    """Names such as `mon-07` of timestamps, in UTC; "" where a time is missing."""
    seconds = times.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
    known = np.asarray(seconds.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    values = np.asarray(seconds.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
    weekday = (values // _DAY_S + _FIRST_WEEKDAY) % 7
    hour = values % _DAY_S // 3600
    names = np.array([f"{day}-{hour:02d}" for day in _WEEKDAYS for hour in range(24)])
    return np.where(known, names[weekday * 24 + hour], "")


def with_hours(window: Profile, times: pa.Array | pa.ChunkedArray) -> Profile:
    """The profile of a window that also says how many of its rows came in which hour of the week.

    Args:
        window: Profile of some rows.
        times: Their event times (timestamps in UTC); shape (rows,).
    """
    names, rows = np.unique(hours_of_week(times), return_counts=True)
    strata = {str(name): Stratum(rows=int(count)) for name, count in zip(names, rows, strict=True) if name}
    return window.model_copy(update={"strata": strata})


def matched(reference: Profile, window: Profile) -> Profile:
    """The reference, its hours of the week weighted as the window's are.

    An hour that the reference lacks is compared with all its rows. The result holds as many rows as its weights are
    worth: shares w of hours with n rows each have the variance of 1 / Σ (w² / n) rows (Kish's effective sample size).
    Extremes, mean and deviation of numbers stay those of all rows.
    """
    total = sum(stratum.rows for stratum in window.strata.values())
    whole = Stratum(rows=reference.rows, columns=reference.columns)
    weighted = [(stratum.rows / total, reference.strata.get(hour, whole)) for hour, stratum in window.strata.items()]
    rows = round(1 / sum(weight**2 / stratum.rows for weight, stratum in weighted))
    columns = {}
    for name, column in reference.columns.items():
        sides = [(weight, stratum.columns[name]) for weight, stratum in weighted]
        values = _values(column)
        shares = sum(weight * _shares(side, values) for weight, side in sides)
        columns[name] = _filled(column, values, _whole_numbers(np.asarray(shares) * rows))
    return Profile(model=reference.model, rows=rows, columns=columns)


def _values(column: ColumnProfile) -> list[str]:
    return list(column.values) if isinstance(column, CategoryProfile) else []


def _shares(column: ColumnProfile, values: list[str]) -> Floats:
    """Shares of the rows: of each bin or value, then of those missing."""
    if isinstance(column, NumberProfile):
        counts = [*column.bins, column.missing + column.infinite]
    elif isinstance(column, BooleanProfile):
        counts = [column.count - column.true, column.true, column.missing]
    else:
        counts = [*(column.values.get(value, 0) for value in values), column.other, column.missing]
    return np.asarray(counts, dtype=np.float64) / max(sum(counts), 1)


def _whole_numbers(counts: Floats) -> list[int]:
    """Counts as whole numbers whose sums from the left are off by half a row at most, as those are what KS compares."""
    return [int(count) for count in np.diff(np.round(np.cumsum(counts)), prepend=0.0)]


def _filled(column: ColumnProfile, values: list[str], counts: list[int]) -> ColumnProfile:
    *present, missing = counts
    sizes = {"count": sum(present), "missing": missing}
    if isinstance(column, NumberProfile):
        return column.model_copy(update={**sizes, "infinite": 0, "bins": tuple(present)})
    if isinstance(column, BooleanProfile):
        return BooleanProfile(**sizes, true=present[1])
    *known, other = present
    return CategoryProfile(**sizes, values=dict(zip(values, known, strict=True)), other=other)
