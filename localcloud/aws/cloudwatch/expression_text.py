"""Reading a metric math expression into a tree.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import re
from dataclasses import dataclass

from localcloud.aws.api_errors import ApiError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<operator>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))"
)
# From the loosest to the tightest.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("OR", "||"),
    ("AND", "&&"),
    ("==", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/"),
)


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """The result of another query, by its id."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted argument."""

    value: str


@dataclass(frozen=True, slots=True)
class Array:
    """`[m1, m2]`."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or an operator under its own sign; `-` with one argument is negation."""

    function: str
    arguments: "tuple[Node, ...]"


Node = Number | Reference | Text | Array | Call


def parse(expression: str) -> Node:
    """The tree of an expression.

    Raises:
        ApiError: It is no metric math.
    """
    reader = _Reader(expression)
    tree = reader.read(0)
    if reader.sign:
        raise reader.error()
    return tree


def references(node: Node) -> set[str]:
    """Ids that an expression asks for; `METRICS` where it asks for all."""
    match node:
        case Reference(name):
            return {name}
        case Array(items):
            return set().union(*map(references, items))
        case Call(function, arguments):
            found = set().union(*map(references, arguments))
            return found | {"METRICS"} if function == "METRICS" else found
    return set()


class _Reader:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(expression.rstrip()):
            match = _TOKEN.match(expression, position)
            if match is None:
                raise self.error()
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind]))
            position = match.end()
        self._next = 0

    @property
    def sign(self) -> str:
        """The next token, empty at the end."""
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def read(self, level: int) -> Node:
        """An expression of a level of precedence."""
        if level == len(_LEVELS):
            return self._power()
        left = self.read(level + 1)
        while self.sign.upper() in _LEVELS[level]:
            operator = {"||": "OR", "&&": "AND"}.get(self.sign, self.sign.upper())
            self._next += 1
            left = Call(operator, (left, self.read(level + 1)))
        return left

    def error(self) -> ApiError:
        """What to raise about an expression that cannot be read."""
        return ApiError("ValidationError", f"Error in expression: '{self._expression}' is no valid metric math.")

    def _power(self) -> Node:
        base = self._unary()
        if self.sign != "^":
            return base
        self._next += 1
        return Call("^", (base, self._power()))

    def _unary(self) -> Node:
        if self.sign == "-":
            self._next += 1
            return Call("-", (self._unary(),))
        if self._next >= len(self._tokens):
            raise self.error()
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            return Number(float(text))
        if kind == "text":
            return Text(text[1:-1])
        if kind == "name":
            return Call(text.upper(), self._items("(", ")")) if self.sign == "(" else Reference(text)
        if text == "(":
            inner = self.read(0)
            self._expect(")")
            return inner
        if text == "[":
            self._next -= 1
            return Array(self._items("[", "]"))
        raise self.error()

    def _items(self, opening: str, closing: str) -> tuple[Node, ...]:
        self._expect(opening)
        items: list[Node] = []
        while self.sign != closing:
            items.append(self.read(0))
            if self.sign != closing:
                self._expect(",")
        self._expect(closing)
        return tuple(items)

    def _expect(self, sign: str) -> None:
        if self.sign != sign:
            raise self.error()
        self._next += 1
