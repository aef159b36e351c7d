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

# The words of comal.conversion, by which the training data was read; written out once more because that module needs
# pyarrow, which would double the memory of an endpoint. A test holds the two together.
MISSING_WORDS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "<NA>", "NaT"})
BOOLEAN_WORDS = {
    "true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True,
    "false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False,
}  # fmt: skip


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
    if isinstance(value, bool):
        return float(value)
    try:
        number = _number(value)
    except ValueError as error:
        raise ValueError(str(error).replace("number", "whole number")) from None
    if not math.isnan(number) and not number.is_integer():
        raise ValueError("expected a whole number")
    return number


def _boolean(value: Any) -> float:
    if value is None:
        return math.nan
    text = _text(value).strip()
    if text in MISSING_WORDS:
        return math.nan
    known = BOOLEAN_WORDS.get(text.lower())
    if known is None:
        raise ValueError("expected true or false (also 1/0 or yes/no)")
    return float(known)


def _category(values: Sequence[str], *, refuse_unknown: bool) -> Converter:
    codes = {value: float(position) for position, value in enumerate(values)}
    allowed = ", ".join(values)

    def convert(value: Any) -> float:
        if value is None:
            return math.nan
        text = _text(value).strip()
        code = codes.get(text)
        if code is not None:
            return code
        if text in MISSING_WORDS or not refuse_unknown:
            return math.nan
        raise ValueError(f"expected one of {allowed}")

    return convert


def _parsed(text: str) -> float | None:
    """A number's text; None where it stands for a missing value."""
    text = text.strip()
    if text in MISSING_WORDS:
        return None
    if "_" in text or not text.isascii():  # Python reads 1_000 and ١٢ as numbers; validation does not
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
