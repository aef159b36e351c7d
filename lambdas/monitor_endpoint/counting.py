"""Which place each captured row has in its version's sequence, and which windows are full. Pure arithmetic.

Rows of a version are numbered in the order in which their files are counted. A window is `monitoring.window_rows`
consecutive places, so a row is in one window, whatever comes late or twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from comal.events import event_id


@dataclass(frozen=True)
class VersionCount:
    """What was counted of one version so far.

    Attributes:
        rows: Rows that have a place.
        open_from: First place of the window that is not full.
        latest: When the newest of the rows was answered; ISO 8601 in UTC.
    """

    rows: int = 0
    open_from: int = 0
    latest: str = ""

    def to_row(self) -> dict[str, Any]:
        """Attributes of its row of the table."""
        return {"rows": self.rows, "open_from": self.open_from, "latest": self.latest}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "VersionCount":
        """Back from `to_row`."""
        return cls(row["rows"], row["open_from"], row["latest"])


@dataclass(frozen=True)
class Place:
    """Where one file's rows of one version stand: `rows` places from `first` on.

    Attributes:
        open_from: First place of the window that was open before.
        window_rows: Rows of a window at the time.
        after: What is counted of the version with them.
    """

    version: int
    first: int
    rows: int
    open_from: int
    window_rows: int
    after: VersionCount

    def windows(self, stack: str, model: str) -> list["Window"]:
        """The windows that these rows have filled."""
        starts = range(self.open_from, self.after.open_from, self.window_rows)
        return [Window(stack, model, self.version, start, self.window_rows) for start in starts]

    def to_row(self) -> dict[str, Any]:
        """As a map of the table."""
        values = {name: getattr(self, name) for name in ("version", "first", "rows", "open_from", "window_rows")}
        return values | {"after": self.after.to_row()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Place":
        """Back from `to_row`."""
        return cls(**{**row, "after": VersionCount.from_row(row["after"])})


@dataclass(frozen=True)
class Counted:
    """A capture file whose rows have their places; `done` once the windows that it filled are scored."""

    captured_key: str
    places: list[Place] = field(default_factory=list)
    done: bool = False

    def to_row(self) -> dict[str, Any]:
        """Attributes of its row of the table."""
        return {
            "captured_key": self.captured_key,
            "places": [place.to_row() for place in self.places],
            "done": self.done,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Counted":
        """Back from `to_row`."""
        return cls(row["captured_key"], [Place.from_row(place) for place in row["places"]], row["done"])


@dataclass(frozen=True)
class Window:
    """A full window: `rows` places of a version's sequence from `first` on."""

    stack: str
    model: str
    version: int
    first: int
    rows: int

    @property
    def window_id(self) -> str:
        """16 hex digits; the same on every attempt."""
        return event_id("window", self.stack, self.model, str(self.version), str(self.first), str(self.rows))

    @property
    def sort_key(self) -> str:
        """Its row of the table; the windows of a version sort by age."""
        return f"window#{self.version:08d}#{self.first:015d}"


@dataclass(frozen=True)
class Range:
    """Rows of a window in one captured file: `rows` of its version's rows there, from number `first` on."""

    captured_key: str
    first: int
    rows: int


def take_places(
    rows: Mapping[int, int], latest: Mapping[int, datetime], before: Mapping[int, VersionCount], window_rows: int
) -> list[Place]:
    """The places that a file's rows get.

    Args:
        rows: Rows of each version in the file.
        latest: Time of the newest of them.
        before: What was counted of each version so far.
        window_rows: Rows of a window; may differ from what it was for earlier files.
    """
    places = []
    for version, count in sorted(rows.items()):
        seen = before.get(version, VersionCount())
        total = seen.rows + count
        full = (total - seen.open_from) // window_rows
        after = VersionCount(
            total, seen.open_from + full * window_rows, max(seen.latest, latest[version].isoformat(timespec="seconds"))
        )
        places.append(Place(version, seen.rows, count, seen.open_from, window_rows, after))
    return places
