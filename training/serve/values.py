"""One value of a request as the number that the model's matrix holds.

A converter takes what JSON or CSV gave (None, bool, int, float, str) and returns a float, NaN for a missing value; it
raises ValueError with what it expected. The recipe's ranges are not checked: they guard the training data, and a caller
is better served by a prediction than by a refusal.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from training.matrix import FLOAT32_MAX
from training.schema import FeatureColumn

Converter = Callable[[Any], float]

MISSING_TEXTS = frozenset({"", "na", "n/a", "nan", "null", "none"})
_BOOLEAN_TEXTS = {"true": 1.0, "yes": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "0": 0.0}


def converter(feature: FeatureColumn, *, refuse_unknown: bool) -> Converter:
    """The converter of a feature; `refuse_unknown` makes a category outside its values an error, else it is missing."""
    if feature.type == "category":
        return _category(feature.values, refuse_unknown=refuse_unknown)
    return {"integer": _integer, "number": _number, "boolean": _boolean}[feature.type]


def _number(value: Any) -> float:
    if isinstance(value, str):
        value = _parsed(value)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")  # noqa: TRY004 - one kind of error for whatever does not fit
    number = float(value)
    if math.isinf(number):
        raise ValueError("expected a finite number")
    # The largest doubles become float32's largest, as they did in training.
    return min(max(number, -FLOAT32_MAX), FLOAT32_MAX)


def _integer(value: Any) -> float:
    try:
        number = _number(value)
    except ValueError as error:
        raise ValueError(str(error).replace("number", "whole number")) from None
    if not math.isnan(number) and not number.is_integer():
        raise ValueError("expected a whole number")
    return number


def _boolean(value: Any) -> float:
    if value is True or value is False:
        return float(value)
    if value is None:
        return math.nan
    text = _text(value).strip().lower()
    if text in MISSING_TEXTS:
        return math.nan
    if text not in _BOOLEAN_TEXTS:
        raise ValueError("expected true or false (also 1/0 or yes/no)")
    return _BOOLEAN_TEXTS[text]


def _category(values: Sequence[str], *, refuse_unknown: bool) -> Converter:
    codes = {value: float(position) for position, value in enumerate(values)}
    allowed = ", ".join(values)

    def convert(value: Any) -> float:
        if value is None:
            return math.nan
        text = _text(value)
        code = codes.get(text)
        if code is not None:
            return code
        if text.strip().lower() in MISSING_TEXTS or not refuse_unknown:
            return math.nan
        raise ValueError(f"expected one of {allowed}")

    return convert


def _parsed(text: str) -> float | None:
    """A number's text; None where it stands for a missing value."""
    text = text.strip()
    if text.lower() in MISSING_TEXTS:
        return None
    if "_" in text:  # Python reads 1_000 as a number; the validated data does not
        raise ValueError("expected a number")
    try:
        return float(text)
    except ValueError:
        raise ValueError("expected a number") from None


def _text(value: Any) -> str:
    """A scalar as a CSV file would spell it: 1 for 1.0, true for True."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    raise ValueError("expected a single value")
