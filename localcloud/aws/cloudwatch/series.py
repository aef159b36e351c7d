"""A metric's identity, and what is kept of its measurements in one second or minute."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# More different values of one second or minute are told apart by this many digits only.
_MAX_DISTINCT = 1000
_COARSE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What makes a metric, with its unit."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str


def dimensions_of(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Dimensions in the order of their names, so that the same ones are equal."""
    return tuple(sorted(values.items()))


@dataclass(slots=True)
class Bucket:
    """Measurements of one metric in one second or minute.

    Attributes:
        sample: How often each value was measured; empty where only a statistic set is known.
    """

    count: float = 0.0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    sample: dict[float, float] = field(default_factory=dict)
    _limit: int = _MAX_DISTINCT

    def add(self, value: float, count: float) -> None:
        """Adds one value, measured `count` times."""
        self._extend(count, value * count, value, value)
        self._count(value, count)

    def add_statistics(self, count: float, total: float, low: float, high: float) -> None:
        """Adds a statistic set: the values themselves are not known."""
        self._extend(count, total, low, high)

    def merge(self, other: "Bucket") -> None:
        """Adds the measurements of another bucket."""
        self._extend(other.count, other.total, other.low, other.high)
        for value, count in other.sample.items():
            self._count(value, count)

    def _count(self, value: float, count: float) -> None:
        self.sample[value] = self.sample.get(value, 0.0) + count
        if len(self.sample) > self._limit:
            self._coarsen()

    def _extend(self, count: float, total: float, low: float, high: float) -> None:
        self.count += count
        self.total += total
        self.low = min(self.low, low)
        self.high = max(self.high, high)

    def _coarsen(self) -> None:
        coarse: dict[float, float] = {}
        for value, count in self.sample.items():
            rounded = float(f"{value:.{_COARSE_DIGITS}g}")
            coarse[rounded] = coarse.get(rounded, 0.0) + count
        self.sample = coarse
        # Values over many magnitudes stay many; they are looked at again when they have doubled.
        self._limit = max(_MAX_DISTINCT, 2 * len(coarse))
