"""Columns as they come (text from CSV, anything from Parquet) into a recipe's types, with a mask of what does not fit.

Policy: spaces around a value are dropped; empty text, NaN and the usual words are missing values; -0 is 0; a whole
number may be written 5.0 or 5e0; infinities, hexadecimal, thousands separators and units are refused.
"""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from comal.finding import Mask

# What pandas.read_csv takes for missing by default, without its historic oddities.
# https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html
MISSING_WORDS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "<NA>", "NaT"})
BOOLEAN_WORDS = {
    "true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True,
    "false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False,
}  # fmt: skip

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_SHORT_INTEGER = r"^[+-]?[0-9]{1,18}$"
_INT64_LIMIT = 2.0**63


@dataclass
class Converted:
    """A column in the recipe's type.

    Attributes:
        values: Arrow array; null where the value is missing or does not fit.
        missing: Rows without a value; shape (rows,).
        problems: Rows that do not fit, by check (type, infinite, overflow).
    """

    values: pa.Array
    missing: Mask
    problems: dict[str, Mask] = field(default_factory=dict)


def numbers(column: pa.Array) -> Converted:
    """As float64."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return _finite(column.cast(pa.float64(), safe=False), _no_rows(column))
    texts = as_texts(column)
    if texts is None:
        return _nothing_fits(column, pa.float64())
    try:
        values = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return _numbers_from(texts)
    # "nan" is a word of its own for Arrow; the slow way decides what is missing.
    if pc.any(pc.is_nan(values)).as_py() or pc.any(pc.is_inf(values)).as_py():
        return _numbers_from(texts)
    return _finite(values, _no_rows(column))


def integers(column: pa.Array) -> Converted:
    """As int64."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        overflow = _no_rows(column)
        if kind == pa.uint64():
            overflow = column.fill_null(0).to_numpy() > np.uint64(2**63 - 1)
        values = _without(column, overflow).cast(pa.int64())
        return Converted(values, _mask(column.is_null()), {"overflow": overflow})
    if pa.types.is_floating(kind):
        return _whole(numbers(column))
    texts = as_texts(column)
    if texts is None:
        return _nothing_fits(column, pa.int64())
    if not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():  # Arrow would read 0x1F
        try:
            return Converted(texts.cast(pa.int64()), _mask(texts.is_null()))
        except pa.ArrowInvalid:
            pass  # some value is no plain integer: the slow way tells which
    return _integers_from(texts)


def booleans(column: pa.Array) -> Converted:
    """As booleans; see BOOLEAN_WORDS."""
    if pa.types.is_boolean(column.type):
        return Converted(column, _mask(column.is_null()))
    texts = as_texts(column)
    if texts is None:
        return _nothing_fits(column, pa.bool_())
    texts = _with_missing(texts)
    words = pa.array(BOOLEAN_WORDS)
    position = pc.index_in(pc.utf8_lower(texts), value_set=words)
    values = pc.take(pa.array(BOOLEAN_WORDS.values(), pa.bool_()), position)
    return _converted(texts, values)


def categories(column: pa.Array, known: frozenset[str] = frozenset()) -> Converted:
    """As text; a word for missing values that is one of the `known` values is that value."""
    texts = as_texts(column)
    if texts is None:
        return _nothing_fits(column, pa.string())
    texts = _with_missing(texts, MISSING_WORDS - known)
    return Converted(texts, _mask(texts.is_null()))


def labels(column: pa.Array) -> Converted:
    """Classes of a target as text, each spelt one way: 1.0 is 1, True is true."""
    converted = categories(column)
    values = pc.replace_substring_regex(converted.values, r"^([+-]?[0-9]+)\.0+$", r"\1")
    lower = pc.utf8_lower(values)
    is_boolean = pc.is_in(lower, value_set=pa.array(["true", "false"]))
    return Converted(pc.if_else(is_boolean, lower, values), converted.missing, converted.problems)


def as_texts(column: pa.Array) -> pa.Array | None:
    """The column as strings, untouched; None for nested columns and bytes that are no text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type):
        return column
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _numbers_from(texts: pa.Array) -> Converted:
    texts = _with_missing(texts)
    is_number = pc.match_substring_regex(texts, _NUMBER)
    is_infinite = _mask(pc.match_substring_regex(texts, _INFINITE))
    values = pc.if_else(is_number, texts, None).cast(pa.float64())
    overflow = _mask(pc.is_inf(values))
    wrong = ~_mask(is_number) & _mask(texts.is_valid()) & ~is_infinite
    return Converted(
        _positive_zero(_without(values, overflow)),
        _mask(texts.is_null()),
        {"type": wrong, "infinite": is_infinite, "overflow": overflow},
    )


def _integers_from(texts: pa.Array) -> Converted:
    texts = _with_missing(texts)
    plain = pc.replace_substring_regex(texts, r"^([+-]?[0-9]+)\.0*$", r"\1")
    short = _mask(pc.match_substring_regex(plain, _SHORT_INTEGER))
    values = np.zeros(len(texts), dtype=np.int64)
    fits = short.copy()
    digits = pc.utf8_ltrim(_without(plain, ~short), "+").cast(pa.int64())
    values[short] = digits.drop_null().to_numpy()
    overflow = _no_rows(texts)
    wrong = _no_rows(texts)
    infinite = _mask(pc.match_substring_regex(plain, _INFINITE))
    # Exponents and 19 digits or more: rare, and exact only one at a time.
    for position in np.flatnonzero(~short & ~infinite & _mask(texts.is_valid())):
        whole = _whole_number(plain[int(position)].as_py())
        if whole is None:
            wrong[position] = True
        elif -(2**63) <= whole < 2**63:
            values[position] = whole
            fits[position] = True
        else:
            overflow[position] = True
    return Converted(
        pa.array(values, pa.int64(), mask=~fits),
        _mask(texts.is_null()),
        {"type": wrong, "infinite": infinite, "overflow": overflow},
    )


def _whole_number(text: str) -> int | None:
    """The integer a text stands for, 2**64 for anything larger, None if it is no whole number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or not text.isascii() or "_" in text:
        return None
    if number.adjusted() > 20:
        return 2**64
    return int(number) if number == number.to_integral_value() else None


def _whole(converted: Converted) -> Converted:
    """Float values that are whole, as int64."""
    values = converted.values
    known = _mask(values.is_valid())
    floats: NDArray[np.float64] = np.where(known, values.fill_null(0.0).to_numpy(zero_copy_only=False), 0.0)
    overflow = np.abs(floats) >= _INT64_LIMIT
    fraction = (floats != np.floor(floats)) & ~overflow
    fits = known & ~overflow & ~fraction
    whole = pa.array(np.where(fits, floats, 0.0).astype(np.int64), mask=~fits)
    problems = {**converted.problems, "type": fraction, "overflow": overflow}
    return Converted(whole, converted.missing, problems)


def _finite(values: pa.Array, missing: Mask) -> Converted:
    """Float values with NaN as missing and infinities apart."""
    missing = missing | _mask(values.is_null(nan_is_null=True))
    infinite = _mask(pc.is_inf(values))
    return Converted(_positive_zero(_without(values, missing | infinite)), missing, {"infinite": infinite})


def _with_missing(texts: pa.Array, words: frozenset[str] = MISSING_WORDS) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, value_set=pa.array(sorted(words))), None, trimmed)


def _converted(texts: pa.Array, values: pa.Array) -> Converted:
    missing = _mask(texts.is_null())
    return Converted(values, missing, {"type": _mask(values.is_null()) & ~missing})


def _nothing_fits(column: pa.Array, kind: pa.DataType) -> Converted:
    missing = _mask(column.is_null())
    return Converted(pa.nulls(len(column), kind), missing, {"type": ~missing})


def _positive_zero(values: pa.Array) -> pa.Array:
    return pc.add(values, 0.0)


def _without(values: pa.Array, rows: Mask) -> pa.Array:
    """The values with null in these rows."""
    return pc.if_else(pa.array(rows), None, values) if rows.any() else values


def _no_rows(column: pa.Array) -> Mask:
    return np.zeros(len(column), dtype=np.bool_)


def _mask(array: pa.Array) -> Mask:
    """A boolean array as numpy, null as false."""
    mask: Mask = array.fill_null(False).to_numpy(zero_copy_only=False)
    return mask
