"""A column's two histograms as inline SVG: what the reference holds, and what the window holds."""

from collections.abc import Sequence

from comal.charts import Pair, paired_bars
from comal.profile import BooleanProfile, CategoryProfile, ColumnProfile, NumberProfile

# Bars that fit a page; finer bins are added up.
MAX_BARS = 16


def histograms(column: str, window: ColumnProfile, reference: ColumnProfile) -> str:
    """The SVG of a column; empty where one side has no values or the two do not go together.

    Args:
        column: Name of the column.
        window: Profile of the window's rows.
        reference: What it is compared with.
    """
    label = f"{column}: share of rows, reference and window"
    return paired_bars(label, _bars(window, reference), ("reference", "window"))


def _bars(window: ColumnProfile, reference: ColumnProfile) -> list[Pair]:
    if not window.count or not reference.count:
        return []
    if isinstance(window, NumberProfile) and isinstance(reference, NumberProfile):
        return _of_numbers(window, reference) if window.edges == reference.edges else []
    if isinstance(window, BooleanProfile) and isinstance(reference, BooleanProfile):
        true = Pair("true", reference.true / reference.count, window.true / window.count)
        return [Pair("false", 1 - true.first, 1 - true.second), true]
    if isinstance(window, CategoryProfile) and isinstance(reference, CategoryProfile):
        return _of_categories(window, reference)
    return []


def _of_numbers(window: NumberProfile, reference: NumberProfile) -> list[Pair]:
    """Neighbouring bins added up to bars of about equal shares of the reference."""
    names = [*(f"≤ {edge:.4g}" for edge in reference.edges), f"> {reference.edges[-1]:.4g}"]
    bars: list[Pair] = []
    expected = found = 0.0
    for name, wanted, seen in zip(names, _shares(reference), _shares(window), strict=True):
        expected, found = expected + wanted, found + seen
        if expected >= 1 / MAX_BARS or found >= 2 / MAX_BARS:
            bars.append(Pair(name, expected, found))
            expected = found = 0.0
    return [*bars, Pair(names[-1], expected, found)] if expected or found else bars


def _of_categories(window: CategoryProfile, reference: CategoryProfile) -> list[Pair]:
    """The most frequent values of both, then all others together."""
    shares = {
        value: (reference.values.get(value, 0) / reference.count, window.values.get(value, 0) / window.count)
        for value in {**reference.values, **window.values}
    }
    names = sorted(shares, key=lambda value: -max(shares[value]))
    bars = [Pair(name, *shares[name]) for name in names[: MAX_BARS - 1]]
    rest = Pair("others", 1 - sum(bar.first for bar in bars), 1 - sum(bar.second for bar in bars))
    return [*bars, rest] if max(rest.first, rest.second) > 1e-9 else bars


def _shares(column: NumberProfile) -> Sequence[float]:
    return [rows / column.count for rows in column.bins]
