"""What a whole file says about one column, gathered batch by batch: enough to guess its type, range and use."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comal.conversion import booleans, categories, integers, numbers
from comal.finding import shown

# Beyond this a column is neither a category nor a set of classes.
MAX_DISTINCT = 1000


class ColumnFacts:
    """Facts of one column.

    Attributes:
        rows: Rows seen.
        missing: Of them, without a value.
        distinct: Rows of each value; None once there are more than MAX_DISTINCT values.
        is_integer: Every value is a whole number.
        is_number: Every value is a number.
        is_boolean: Every value is a word for true or false.
        not_number: The first value that is no number, for an explanation.
        has_infinite: Some value is infinite, or too large to hold.
        min: Smallest number.
        max: Largest number.
        increases: Every number is above the one before it.
        all_differ: No value came twice within one batch.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self.missing = 0
        self.distinct: dict[str, int] | None = {}
        self.is_integer = True
        self.is_number = True
        self.is_boolean = True
        self.not_number = ""
        self.has_infinite = False
        self.min = np.inf
        self.max = -np.inf
        self.increases = True
        self.all_differ = True
        self._words = 0
        self._last = -np.inf

    def add(self, column: pa.Array) -> None:
        """Look at the column in one more batch."""
        texts = categories(column)
        self.rows += len(column)
        self.missing += int(texts.missing.sum())
        self._count(texts.values)
        if self.is_boolean:
            self.is_boolean = not booleans(column).problems.get("type", np.array([])).any()
        if self.is_number:
            self._add_numbers(column)

    @property
    def values(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    @property
    def missing_share(self) -> float:
        """Between 0 and 1."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def words_per_value(self) -> float:
        """Mean number of words; free text has several."""
        return self._words / self.values if self.values else 0.0

    @property
    def some_values(self) -> list[str]:
        """The most frequent values first; empty when there are too many."""
        return sorted(self.distinct or {}, key=lambda value: -(self.distinct or {})[value])

    def _count(self, texts: pa.Array) -> None:
        known = texts.drop_null()
        counted = pc.value_counts(known)
        self.all_differ = self.all_differ and len(counted) == len(known)
        self._words += len(known) + (pc.sum(pc.count_substring(known, " ")).as_py() or 0)
        if self.distinct is None:
            return
        if len(counted) > MAX_DISTINCT:
            self.distinct = None
            return
        for entry in counted.to_pylist():
            self.distinct[entry["values"]] = self.distinct.get(entry["values"], 0) + entry["counts"]
        if len(self.distinct) > MAX_DISTINCT:
            self.distinct = None

    def _add_numbers(self, column: pa.Array) -> None:
        converted = numbers(column)
        wrong = converted.problems.get("type", np.array([], dtype=np.bool_))
        if wrong.any():
            self.is_number = self.is_integer = self.increases = False
            self.not_number = shown(column[int(wrong.argmax())].as_py())
            return
        self.has_infinite |= any(rows.any() for check, rows in converted.problems.items() if check != "type")
        if self.is_integer:
            self.is_integer = not any(rows.any() for rows in integers(column).problems.values())
        found = np.asarray(converted.values.drop_null().to_numpy(), dtype=np.float64)
        if not len(found):
            return
        self.min = min(self.min, float(found.min()))
        self.max = max(self.max, float(found.max()))
        self.increases = self.increases and bool(found[0] > self._last and np.all(found[1:] > found[:-1]))
        self._last = float(found[-1])
