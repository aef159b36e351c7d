"""One check a column: its type in the recipe, the values that may stand in it, how many may be missing."""

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comal.conversion import Converted, booleans, categories, integers, labels, numbers
from comal.event_time import TIMESTAMP, event_times
from comal.finding import Finding, Mask, Tally, shown
from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature, CategoryFeature, IntegerFeature, NumberFeature

# More classes than this are no classes; training refuses them too.
MAX_CLASSES = 1000
_NAMED_VALUES = 8
_INT64_MAX = 2**63 - 1

RowNumber = Callable[[int], int]


class ColumnCheck:
    """A column that is text and may be anything: the entity.

    Attributes:
        name: Name of the column.
        role: What the recipe uses it for.
        type: Arrow type of the checked column.
    """

    role = "entity"
    type: pa.DataType = pa.string()
    expected_type = "text"

    def __init__(self, name: str, max_missing: float) -> None:
        self.name = name
        self._max_missing = max_missing

    def convert(self, column: pa.Array) -> Converted:
        """The column in its type, whatever values may stand in it."""
        return self._convert(column)

    def _convert(self, column: pa.Array) -> Converted:
        return categories(column)

    def _check_values(self, values: pa.Array) -> dict[str, Mask]:  # noqa: ARG002 any text is an entity
        """Rows whose value, though of the right type, is not allowed; by check."""
        return {}

    def check(self, column: pa.Array, tally: Tally, row_number: RowNumber) -> pa.Array:
        """Count what is wrong with some rows.

        Returns:
            The column in its type; null where a value is missing or does not fit.
        """
        converted = self.convert(column)
        tally.add("missing", self.name, converted.missing, row_number, column)
        for check, rows in {**converted.problems, **self._check_values(converted.values)}.items():
            tally.add(check, self.name, rows, row_number, column)
        return converted.values

    def findings(self, tally: Tally, rows: int) -> list[Finding]:
        """What is wrong with all rows of a file."""
        findings = []
        expectations = {
            "type": ("a value of another type", self.expected_type),
            "infinite": ("an infinite value", "finite numbers"),
            "overflow": ("a number too large to hold", self.expected_type),
        }
        for check, (found, expected) in expectations.items():
            if tally.rows(check, self.name):
                findings.append(tally.finding(check, self.name, "error", found, expected))
        missing = tally.rows("missing", self.name)
        if rows and missing / rows > self._max_missing:
            found = f"{missing / rows:.1%} missing"
            findings.append(
                tally.finding("missing", self.name, "error", found, f"at most {self._max_missing:.1%} (max_missing)")
            )
        return [*findings, *self._value_findings(tally)]

    def _value_findings(self, tally: Tally) -> list[Finding]:  # noqa: ARG002 any text is an entity
        """What is wrong with values of the right type."""
        return []


class EventTimeCheck(ColumnCheck):
    """When a row happened."""

    role = "event_time"
    type = TIMESTAMP

    def __init__(self, name: str, max_missing: float, pattern: str) -> None:
        super().__init__(name, max_missing)
        self._pattern = pattern
        self.expected_type = f"times in the format {pattern}"

    def _convert(self, column: pa.Array) -> Converted:
        return event_times(column, self._pattern)


class NumericCheck(ColumnCheck):
    """Integers and numbers, in their range."""

    role = "feature"

    def __init__(self, name: str, max_missing: float, feature: IntegerFeature | NumberFeature) -> None:
        super().__init__(name, max_missing)
        self._feature = feature
        self._is_integer = isinstance(feature, IntegerFeature)
        self.type = pa.int64() if self._is_integer else pa.float64()
        self.expected_type = "whole numbers" if self._is_integer else "numbers"

    def _convert(self, column: pa.Array) -> Converted:
        return integers(column) if self._is_integer else numbers(column)

    def _check_values(self, values: pa.Array) -> dict[str, Mask]:
        problems = {}
        if self._feature.min is not None:
            problems["below_min"] = self._is_below(values, self._feature.min)
        if self._feature.max is not None:
            problems["above_max"] = self._is_above(values, self._feature.max)
        return problems

    def _is_below(self, values: pa.Array, bound: float) -> Mask:
        if not self._is_integer:
            return _mask(pc.less(values, bound))
        # Whole numbers are compared as such: beyond 2**53 a float is too coarse.
        least = math.ceil(bound)
        return _mask(values.is_valid() if least > _INT64_MAX else pc.less(values, max(least, -_INT64_MAX - 1)))

    def _is_above(self, values: pa.Array, bound: float) -> Mask:
        if not self._is_integer:
            return _mask(pc.greater(values, bound))
        most = math.floor(bound)
        return _mask(values.is_valid() if most < -_INT64_MAX - 1 else pc.greater(values, min(most, _INT64_MAX)))

    def _value_findings(self, tally: Tally) -> list[Finding]:
        findings: list[Finding] = []
        for check, word, bound in (("below_min", "min", self._feature.min), ("above_max", "max", self._feature.max)):
            if bound is not None and tally.rows(check, self.name):
                side = "below" if word == "min" else "above"
                limit = "at least" if word == "min" else "at most"
                findings.append(
                    tally.finding(check, self.name, "error", f"values {side} {bound:g}", f"{limit} {bound:g} ({word})")
                )
        return findings


class BooleanCheck(ColumnCheck):
    """True or false."""

    role = "feature"
    type = pa.bool_()
    expected_type = "true/false, 1/0 or yes/no"

    def _convert(self, column: pa.Array) -> Converted:
        return booleans(column)


class CategoryCheck(ColumnCheck):
    """One of the recipe's values."""

    role = "feature"

    def __init__(self, name: str, max_missing: float, feature: CategoryFeature, *, new_is_error: bool) -> None:
        super().__init__(name, max_missing)
        self._known = frozenset(feature.values)
        self._values = pa.array(feature.values, pa.string())
        self._new_is_error = new_is_error
        self._new: dict[str, None] = {}

    def _convert(self, column: pa.Array) -> Converted:
        return categories(column, self._known)

    def _check_values(self, values: pa.Array) -> dict[str, Mask]:
        unknown = _mask(pc.invert(pc.is_in(values, value_set=self._values))) & _mask(values.is_valid())
        if unknown.any() and len(self._new) < _NAMED_VALUES:
            for value in pc.unique(values.filter(pa.array(unknown))).to_pylist()[:_NAMED_VALUES]:
                self._new.setdefault(value)
        return {"category": unknown}

    def _value_findings(self, tally: Tally) -> list[Finding]:
        findings: list[Finding] = []
        if tally.rows("category", self.name):
            severity = "error" if self._new_is_error else "warning"
            found = f"unknown values {_listed(list(self._new))}"
            known = _listed(sorted(self._known))
            findings.append(tally.finding("category", self.name, severity, found, f"one of {known}"))  # type: ignore[arg-type]
        return findings


class ClassTargetCheck(ColumnCheck):
    """The target of a classifier: classes, spelt one way each, exactly two for a binary task."""

    role = "target"
    expected_type = "classes"

    def __init__(self, name: str, max_missing: float, *, is_binary: bool) -> None:
        super().__init__(name, max_missing)
        self._max_classes = 2 if is_binary else MAX_CLASSES
        self._classes: dict[str, None] = {}

    def _convert(self, column: pa.Array) -> Converted:
        return labels(column)

    def _check_values(self, values: pa.Array) -> dict[str, Mask]:
        for value in pc.unique(values.drop_null()).to_pylist():
            if len(self._classes) >= self._max_classes:
                break
            self._classes.setdefault(value)
        known = pa.array(list(self._classes), pa.string())
        return {"target": _mask(pc.invert(pc.is_in(values, value_set=known))) & _mask(values.is_valid())}

    def _value_findings(self, tally: Tally) -> list[Finding]:
        findings: list[Finding] = []
        if tally.rows("target", self.name):
            found = f"more classes than {_listed(list(self._classes))}"
            expected = f"at most {self._max_classes} classes"
            findings.append(tally.finding("target", self.name, "error", found, expected))
        elif len(self._classes) == 1:
            found = f"a single class {_listed(list(self._classes))}"
            findings.append(Finding("target", self.name, "warning", found, "rows of every class"))
        return findings


class NumberTargetCheck(NumericCheck):
    """The target of a regression: finite numbers."""

    role = "target"

    def __init__(self, name: str, max_missing: float) -> None:
        super().__init__(name, max_missing, NumberFeature(type="number"))


def column_checks(recipe: Recipe) -> dict[str, ColumnCheck]:
    """The checks of a recipe, in the order of the typed columns: entity, event time, features, target."""
    allowed = recipe.validation.max_missing
    checks: dict[str, ColumnCheck] = {}
    if recipe.entity is not None and recipe.entity not in recipe.features:
        checks[recipe.entity] = ColumnCheck(recipe.entity, allowed)
    time = recipe.event_time
    if time is not None and time.column not in recipe.features:
        checks[time.column] = EventTimeCheck(time.column, allowed, time.format)
    for name, feature in recipe.features.items():
        if isinstance(feature, CategoryFeature):
            new_is_error = recipe.validation.on_new_category == "quarantine"
            checks[name] = CategoryCheck(name, allowed, feature, new_is_error=new_is_error)
        elif isinstance(feature, BooleanFeature):
            checks[name] = BooleanCheck(name, allowed)
        else:
            checks[name] = NumericCheck(name, allowed, feature)
    if recipe.task == "regression":
        checks[recipe.target] = NumberTargetCheck(recipe.target, allowed)
    else:
        checks[recipe.target] = ClassTargetCheck(recipe.target, allowed, is_binary=recipe.task == "binary")
    return checks


def _listed(values: list[str]) -> str:
    text = ", ".join(shown(value) for value in values[:_NAMED_VALUES])
    return f"{text}, …" if len(values) > _NAMED_VALUES else text


def _mask(array: pa.Array) -> Mask:
    mask: Mask = np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return mask
