"""Computing a metric math expression over the periods of its metrics.

A series is a mapping from the start of a period to a value; a constant counts for every period; an array is a list of
series. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import itertools
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from localcloud.aws.api_errors import ApiError
from localcloud.aws.cloudwatch.expression_text import Array, Call, Node, Number, Reference, Text

Series = dict[int, float]
Value = float | Series | list[Series]


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(base: float, exponent: float) -> float | None:
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, float) else None


_Binary = Callable[[float, float], float | None]
_OPERATORS: dict[str, _Binary] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
    "STDDEV": statistics.pstdev,
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Where an expression is computed.

    Attributes:
        values: Results of other queries by id.
        metrics: Ids of the queries that are metrics, in order.
        periods: Starts of all periods asked for, ascending.
        period_s: Length of a period.
    """

    values: Mapping[str, Value]
    metrics: Sequence[str]
    periods: Sequence[int]
    period_s: int

    def compute(self, node: Node) -> Value:
        """The value of a tree.

        Raises:
            ApiError: A function is unknown, or its arguments are not what it takes.
        """
        match node:
            case Number(value):
                return value
            case Reference(name):
                if name not in self.values:
                    raise _refusal(f"{name} is no id of a query")
                return self.values[name]
            case Array(items):
                return [self._series(self.compute(item)) for item in items]
            case Text():
                raise _refusal(f"a text ({node.value!r}) has no value")
            case Call("METRICS", arguments):
                return self._metrics(arguments)
            case Call("FILL", (series, filling)):
                return self._fill(self.compute(series), filling)
            case Call(function, arguments):
                return self._call(function, [self.compute(argument) for argument in arguments])

    def as_series(self, value: Value) -> Series:
        """A result as one series; a constant fills every period.

        Raises:
            ApiError: It is an array.
        """
        if isinstance(value, list):
            raise _refusal("the result is an array, where one series is wanted")
        return self._series(value)

    def _series(self, value: Value) -> Series:
        if isinstance(value, list):
            raise _refusal("an array stands where a series is wanted")
        return value if isinstance(value, dict) else dict.fromkeys(self.periods, value)

    def _call(self, function: str, arguments: list[Value]) -> Value:
        match function, arguments:
            case "-", [value]:
                return self._each(lambda a, b: a - b, 0.0, value)
            case _, [left, right] if function in _OPERATORS:
                return self._each(_OPERATORS[function], left, right)
            case "IF", [condition, then]:
                return self._choose(condition, then, None)
            case "IF", [condition, then, otherwise]:
                return self._choose(condition, then, otherwise)
            case _, [value] if function in _AGGREGATES:
                return _aggregate(_AGGREGATES[function], value)
            case "ABS", [value]:
                return self._each(lambda a, _: abs(a), value, 0.0)
            case "CEIL", [value]:
                return self._each(lambda a, _: float(-(-a // 1)), value, 0.0)
            case "FLOOR", [value]:
                return self._each(lambda a, _: float(a // 1), value, 0.0)
            case "PERIOD", [_]:
                return float(self.period_s)
            case "DIFF", [dict() as series]:
                return _differences(series)
            case "RATE", [dict() as series]:
                return {b: (series[b] - series[a]) / (b - a) for a, b in itertools.pairwise(sorted(series))}
        raise _refusal(f"{function} with {len(arguments)} arguments is not computed on this machine")

    def _each(self, apply: _Binary, left: Value, right: Value) -> Value:
        if isinstance(left, list) or isinstance(right, list):
            return [self._pair(apply, a, b) for a, b in _paired(left, right)]
        if isinstance(left, dict) or isinstance(right, dict):
            return self._pair(apply, left, right)
        result = apply(left, right)
        return {} if result is None else result

    def _pair(self, apply: _Binary, left: Value, right: Value) -> Series:
        a, b = self._series(left), self._series(right)
        results = {moment: apply(a[moment], b[moment]) for moment in sorted(a.keys() & b.keys())}
        return {moment: result for moment, result in results.items() if result is not None}

    def _choose(self, condition: Value, then: Value, otherwise: Value | None) -> Value:
        """IF(condition, then, otherwise): for each period; without `otherwise` nothing where it does not hold."""
        if isinstance(condition, float):
            chosen = then if condition else otherwise
            return {} if chosen is None else chosen
        conditions = self._series(condition)
        yes, no = self._series(then), {} if otherwise is None else self._series(otherwise)
        found = {moment: (yes if holds else no).get(moment) for moment, holds in conditions.items()}
        return {moment: value for moment, value in found.items() if value is not None}

    def _fill(self, value: Value, filling: Node) -> Value:
        if isinstance(value, list):
            return [self._filled(one, filling) for one in value]
        return self._filled(self._series(value), filling)

    def _filled(self, series: Series, filling: Node) -> Series:
        match filling:
            case Reference("REPEAT"):
                filled: Series = {}
                for moment in self.periods:
                    if moment in series:
                        filled[moment] = series[moment]
                    elif filled:
                        filled[moment] = filled[max(filled)]
                return filled
            case Reference("LINEAR"):
                raise _refusal("FILL(…, LINEAR) is not computed on this machine")
        other = self._series(self.compute(filling))
        return {
            moment: series.get(moment, other.get(moment, 0.0))
            for moment in self.periods
            if moment in series or moment in other
        }

    def _metrics(self, arguments: Sequence[Node]) -> list[Series]:
        wanted = arguments[0].value if arguments and isinstance(arguments[0], Text) else ""
        return [self._series(self.values[name]) for name in self.metrics if wanted in name]


def _aggregate(apply: Callable[[Sequence[float]], float], value: Value) -> Value:
    """Of a series one number; of an array, a series of each period's number."""
    if isinstance(value, list):
        moments = sorted({moment for series in value for moment in series})
        return {moment: apply([series[moment] for series in value if moment in series]) for moment in moments}
    if isinstance(value, dict):
        return apply(list(value.values())) if value else {}
    return value


def _differences(series: Series) -> Series:
    return {b: series[b] - series[a] for a, b in itertools.pairwise(sorted(series))}


def _paired(left: Value, right: Value) -> list[tuple[Value, Value]]:
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise _refusal("two arrays of different lengths cannot be combined")
        return list(zip(left, right, strict=True))
    if isinstance(left, list):
        return [(one, right) for one in left]
    assert isinstance(right, list)
    return [(left, one) for one in right]


def _refusal(why: str) -> ApiError:
    return ApiError("ValidationError", f"Error in expression: {why}.")
