"""Filter patterns of CloudWatch Logs: which log events match, and what can be taken from them.

Terms (`ERROR -debug "timed out" ?a ?b %regex%`), JSON (`{ $.latency > 100 && $.path = "/api*" }`) and columns
(`[ip, ..., status = 4*, bytes]`).
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.aws.cloudwatch.filter_condition import MISSING, Condition, Lookup, PatternError, parse_condition

_TERM = re.compile(r"\s*(?P<sign>[-?]?)(?:\"(?P<phrase>[^\"]*)\"|%(?P<regex>[^%]*)%|(?P<word>\w+))(?=\s|$)")
_SELECTOR = re.compile(r"\.?\[[\"']([^\"']*)[\"']\]|\.([^.\[\]]+)|\[(\d+)\]")
_SELECTORS = re.compile(r"\$(?:\.?\[[\"'][^\"']*[\"']\]|\.[^\s.\[\]()=<>!&|]+|\[\d+\])+")
_COLUMN = re.compile(r"\"([^\"]*)\"|\[([^\]]*)\]|(\S+)")
_COLUMN_NAME = re.compile(r"\s*([\w-]+)")
_COMMA = re.compile(r",(?=(?:[^\"%]|\"[^\"]*\"|%[^%]*%)*$)")
_ELLIPSIS = "..."


@dataclass(frozen=True, slots=True)
class Match:
    """A log event that matches.

    Attributes:
        lookup: A field's value by its selector, as in `metricValue` (`$.latency`, `$bytes`); MISSING if there is none.
        extracted: What TestMetricFilter shows.
    """

    lookup: Lookup
    extracted: dict[str, str]


# What matches of a message, or None.
Pattern = Callable[[str], Match | None]


def parse_pattern(text: str) -> Pattern:
    """The pattern that a text describes.

    Raises:
        PatternError: It is none.
    """
    text = text.strip()
    if text.startswith("{"):
        return _json_pattern(text)
    if text.startswith("["):
        return _column_pattern(text)
    return _term_pattern(text)


def _term_pattern(text: str) -> Pattern:
    wanted: dict[str, list[Callable[[str], bool]]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise PatternError(f"'{text[position:].strip()}': terms with other signs than letters must be in quotes")
        wanted[match["sign"]].append(_term(match))
        position = match.end()
    # "You can't combine the question mark with other filter patterns": those are the ones that count then.
    optional = [] if wanted[""] else wanted["?"]

    def match_terms(message: str) -> Match | None:
        if not all(is_in(message) for is_in in wanted[""]) or any(is_in(message) for is_in in wanted["-"]):
            return None
        if optional and not any(is_in(message) for is_in in optional):
            return None
        return Match(lambda _: MISSING, {})

    return match_terms


def _term(match: re.Match[str]) -> Callable[[str], bool]:
    if match["regex"] is not None:
        try:
            expression = re.compile(match["regex"])
        except re.error:
            raise PatternError(f"%{match['regex']}% is no regular expression") from None
        return lambda message: bool(expression.search(message))
    term = match["phrase"] if match["phrase"] is not None else match["word"]
    return lambda message: term in message


def _json_pattern(text: str) -> Pattern:
    if not text.endswith("}"):
        raise PatternError(f"'{text}' has no closing brace")
    condition = parse_condition(text[1:-1])
    selectors = _SELECTORS.findall(text)
    if not selectors:
        raise PatternError(f"'{text}' names no field, as $.latency does")

    def match_json(message: str) -> Match | None:
        document = _document_of(message)
        if document is None:
            return None

        def lookup(selector: str) -> Any:
            return _select(document, selector)

        if not condition(lookup):
            return None
        found = {selector: lookup(selector) for selector in selectors}
        shown = {name: v if isinstance(v, str) else json.dumps(v) for name, v in found.items() if v is not MISSING}
        return Match(lookup, shown)

    return match_json


def _document_of(message: str) -> Any:
    if "{" not in message:
        return None
    try:
        document = json.loads(message)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _select(document: Any, selector: str) -> Any:
    for quoted, name, index in _SELECTOR.findall(selector.removeprefix("$")):
        if index:
            there = isinstance(document, list) and int(index) < len(document)
            document = document[int(index)] if there else MISSING
        else:
            document = document.get(quoted or name, MISSING) if isinstance(document, dict) else MISSING
        if document is MISSING:
            return MISSING
    return document


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    condition: Condition | None


def _column_pattern(text: str) -> Pattern:
    if not text.endswith("]"):
        raise PatternError(f"'{text}' has no closing bracket")
    columns = [_column(part.strip()) for part in _COMMA.split(text[1:-1])]
    gaps = [position for position, column in enumerate(columns) if column.name == _ELLIPSIS]
    if len(gaps) > 1:
        raise PatternError(f"'{text}' has more than one {_ELLIPSIS}")

    def match_columns(message: str) -> Match | None:
        found = [quoted or bracketed or plain for quoted, bracketed, plain in _COLUMN.findall(message)]
        skipped = len(found) - len(columns) + 1
        if (not gaps and len(found) != len(columns)) or skipped < 0:
            return None
        named = columns
        if gaps:
            at = gaps[0]
            between = [_Column(str(at + number + 1), None) for number in range(skipped)]
            named = [*columns[:at], *between, *columns[at + 1 :]]
        values = {column.name: value for column, value in zip(named, found, strict=True)}

        def lookup(selector: str) -> Any:
            return values.get(selector.removeprefix("$"), MISSING)

        if not all(column.condition is None or column.condition(lookup) for column in named):
            return None
        return Match(lookup, {f"${name}": value for name, value in values.items()})

    return match_columns


def _column(text: str) -> _Column:
    if text == _ELLIPSIS:
        return _Column(_ELLIPSIS, None)
    name = _COLUMN_NAME.match(text)
    if name is None:
        raise PatternError(f"'{text}' is no column of a filter pattern")
    return _Column(name[1], parse_condition(text) if name.end() < len(text) else None)
