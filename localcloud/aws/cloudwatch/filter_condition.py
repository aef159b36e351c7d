"""Conditions in filter patterns: comparisons of fields, joined by && and ||.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

import operator
import re
from collections.abc import Callable
from typing import Any

# A field's value by its selector (`$.latency`, `status`); MISSING where the event has none.
Lookup = Callable[[str], Any]
Condition = Callable[[Lookup], bool]

MISSING = object()
_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<sign>&&|\|\||[()]|!=|>=|<=|=|>|<)|\"(?P<text>[^\"]*)\"|%(?P<regex>[^%]*)%"
    r"|(?P<word>(?:\[[\"'][^\"']*[\"']\]|[^\s()&|=<>!\"%])+))"
)


class PatternError(ValueError):
    """A filter pattern that CloudWatch Logs would refuse."""


def parse_condition(text: str) -> Condition:
    """The condition that a text describes.

    Raises:
        PatternError: It is none.
    """
    reader = _Reader(text)
    condition = reader.read_any()
    if not reader.is_at_end:
        raise reader.error()
    return condition


def number_of(value: Any) -> float | None:
    """A value as a number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error()
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind]))
            position = match.end()
        self._next = 0

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._tokens)

    def read_any(self) -> Condition:
        parts = [self._read_all()]
        while self._takes("||"):
            parts.append(self._read_all())
        return parts[0] if len(parts) == 1 else lambda lookup: any(part(lookup) for part in parts)

    def error(self) -> PatternError:
        return PatternError(f"'{self._text.strip()}' is no condition of a filter pattern")

    def _read_all(self) -> Condition:
        parts = [self._read_one()]
        while self._takes("&&"):
            parts.append(self._read_one())
        return parts[0] if len(parts) == 1 else lambda lookup: all(part(lookup) for part in parts)

    def _read_one(self) -> Condition:
        if self._takes("("):
            inner = self.read_any()
            if not self._takes(")"):
                raise self.error()
            return inner
        selector = self._read_word()
        kind, sign = self._take()
        if kind == "word":
            return self._read_presence(selector, sign.upper())
        kind, wanted = self._take()
        if kind == "sign":
            raise self.error()
        if sign in _ORDER:
            return self._order(selector, _ORDER[sign], wanted)
        if sign not in ("=", "!="):
            raise self.error()
        is_equal = self._equality(kind, wanted)
        return lambda lookup: (found := lookup(selector)) is not MISSING and is_equal(found) == (sign == "=")

    def _read_presence(self, selector: str, word: str) -> Condition:
        following = self._read_word().upper()
        if (word, following) == ("NOT", "EXISTS"):
            return lambda lookup: lookup(selector) is MISSING
        constants = {"NULL": None, "TRUE": True, "FALSE": False}
        if word != "IS" or following not in constants:
            raise self.error()
        wanted = constants[following]
        return lambda lookup: lookup(selector) is wanted

    def _order(self, selector: str, compare: Callable[[float, float], bool], wanted: str) -> Condition:
        limit = number_of(wanted)
        if limit is None:
            raise self.error()
        return lambda lookup: (found := number_of(lookup(selector))) is not None and compare(found, limit)

    def _equality(self, kind: str, wanted: str) -> Callable[[Any], bool]:
        if kind == "regex":
            try:
                expression = re.compile(wanted)
            except re.error:
                raise self.error() from None
            return lambda found: bool(expression.search(_text_of(found)))
        number = number_of(wanted)
        if number is not None:
            return lambda found: number_of(found) == number
        wildcard = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
        return lambda found: bool(wildcard.fullmatch(_text_of(found)))

    def _read_word(self) -> str:
        kind, text = self._take()
        if kind != "word":
            raise self.error()
        return text

    def _take(self) -> tuple[str, str]:
        if self.is_at_end:
            raise self.error()
        self._next += 1
        return self._tokens[self._next - 1]

    def _takes(self, sign: str) -> bool:
        found = not self.is_at_end and self._tokens[self._next] == ("sign", sign)
        self._next += found
        return found


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
