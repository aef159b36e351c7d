"""A guess about each column from its facts: what it is used for, as which type, in which range, and why."""

import math
from dataclasses import dataclass, field
from typing import Any

from comal.column_facts import ColumnFacts
from comal.finding import shown

LEFT_OUT = "left out"
_MAX_CATEGORIES = 100
_ROWS_PER_CATEGORY = 2
_MOSTLY_MISSING = 0.5
_SURE_OF_ID_FROM_ROWS = 20
# Share of the range by which values may later exceed it: demand grows, thermometers break records.
_MARGIN = 0.25
_BEYOND = "a quarter of the range allowed beyond"
_COMPLETE_SET = 50


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    Attributes:
        column: Its name.
        role: target, event_time, entity, integer, number, boolean, category, or `left out`.
        why: One sentence.
        feature: Keys of the recipe's feature; empty unless it is one.
    """

    column: str
    role: str
    why: str
    feature: dict[str, Any] = field(default_factory=dict)


def guess_feature(facts: ColumnFacts, *, is_time: bool) -> Guess:
    """A feature, or left out with the reason.

    Args:
        facts: What the file says.
        is_time: Whether every value reads as a time.
    """
    reason = _reason_to_leave_out(facts, is_time=is_time)
    if reason:
        return Guess(facts.name, LEFT_OUT, reason)
    if facts.is_boolean:
        values = " and ".join(shown(value) for value in facts.some_values)
        return _feature(facts, "boolean", f"holds {values} only")
    if facts.is_number:
        return _numeric(facts)
    return _category(facts)


def _reason_to_leave_out(facts: ColumnFacts, *, is_time: bool) -> str:
    distinct = len(facts.distinct) if facts.distinct is not None else None
    if not facts.name:
        return "has no name"
    if not facts.values:
        return "is empty"
    if facts.missing_share > _MOSTLY_MISSING:
        return f"{facts.missing_share:.0%} is missing"
    if distinct == 1:
        return f"is {shown(facts.some_values[0])} in every row, so it tells nothing"
    if is_time and not (facts.is_number and distinct is not None):
        return "is a time; name it with --time if it says when a row happened"
    enough = facts.rows >= _SURE_OF_ID_FROM_ROWS
    if facts.is_integer and facts.increases and not facts.missing and enough:
        return "counts the rows up: an id, from which a model would learn the order of the file"
    if facts.is_integer and facts.all_differ and distinct is None:
        return "differs in every row: an id"
    if not facts.is_number and not facts.is_boolean:
        return _reason_to_leave_text_out(facts, distinct)
    return ""


def _reason_to_leave_text_out(facts: ColumnFacts, distinct: int | None) -> str:
    few = min(_MAX_CATEGORIES, max(2, facts.values // _ROWS_PER_CATEGORY))
    if distinct is not None and distinct <= few:
        return ""
    many = f"{distinct} different texts" if distinct is not None else "very many different texts"
    if facts.words_per_value >= 3:
        return f"is free text ({many}), which this kit's models cannot read"
    if facts.all_differ:
        return f"differs in every row: an id ({many})"
    return f"holds {many} such as {facts.not_number}; a category has at most {_MAX_CATEGORIES}"


def _feature(facts: ColumnFacts, kind: str, why: str, **keys: Any) -> Guess:
    missing = f"; {facts.missing_share:.1%} missing" if facts.missing else ""
    infinite = "; holds infinite values, which validation refuses" if facts.has_infinite else ""
    return Guess(facts.name, kind, why + missing + infinite, {"type": kind, **keys})


def _numeric(facts: ColumnFacts) -> Guess:
    if not math.isfinite(2 * (abs(facts.max) + abs(facts.min))):
        return _feature(facts, "number", "numbers too large for a range")
    low, high = facts.min, facts.max
    if facts.is_integer:
        found = f"whole numbers from {low:.0f} to {high:.0f}"
        if _is_complete_set(facts):
            return _feature(facts, "integer", f"{found}, both ends common: the whole set", min=int(low), max=int(high))
        low, high = _widened(low, high, whole=True)
        return _feature(
            facts, "integer", f"{found}; a quarter of the range allowed beyond", min=int(low), max=int(high)
        )
    low, high = _widened(low, high, whole=False)
    found = f"numbers from {facts.min:.6g} to {facts.max:.6g}"
    return _feature(facts, "number", f"{found}; {_BEYOND}", min=low, max=high)


def _is_complete_set(facts: ColumnFacts) -> bool:
    """Hours, months, grades: no gap, and both ends about as common as the rest, so a value beyond would be an error."""
    distinct = facts.distinct
    span = facts.max - facts.min + 1
    if distinct is None or span > _COMPLETE_SET or len(distinct) != span or facts.values < 10 * span:
        return False
    by_value: dict[float, int] = {}
    for text, rows in distinct.items():
        by_value[float(text)] = by_value.get(float(text), 0) + rows
    common = facts.values / (4 * span)
    return min(by_value[facts.min], by_value[facts.max]) >= common


def _widened(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """A range with its margin, rounded outwards to readable numbers; what is never negative stays so."""
    span = high - low
    margin = span * _MARGIN
    step = 10.0 ** (math.floor(math.log10(span)) - 1) if span > 0 else 0.0
    if whole:
        step = max(1.0, step)
    wide_low, wide_high = low - margin, high + margin
    if step > max(abs(low), abs(high)) * 1e-12:  # else the numbers are too close together to be rounded apart
        wide_low, wide_high = math.floor(wide_low / step) * step, math.ceil(wide_high / step) * step
    wide_low, wide_high = min(low, _readable(wide_low)), max(high, _readable(wide_high))
    return (max(wide_low, 0.0) if low >= 0 else wide_low), (min(wide_high, 0.0) if high <= 0 else wide_high)


def _readable(number: float) -> float:
    """Without the digits that binary fractions leave behind."""
    return float(f"{number:.12g}")


def _category(facts: ColumnFacts) -> Guess:
    values = sorted(facts.distinct or {})
    return _feature(facts, "category", f"{len(values)} different texts", values=values)
