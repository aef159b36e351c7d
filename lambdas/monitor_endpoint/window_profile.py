"""The profiles of one window of captured rows, made in one pass over the files that hold them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from comal.profile import Profile, Stratum
from comal.profiler import Profiler
from comal.recipe import Recipe
from comal.seasons import hours_of_week
from lambdas.monitor_endpoint.captured_rows import Columns, profiled, read_slice
from lambdas.monitor_endpoint.counting import Range


@dataclass
class WindowProfiles:
    """What a window's rows are summed up to.

    Attributes:
        rows: Rows that were found; fewer than the window has where the lake lost files.
        first_time: When the oldest row was answered.
        last_time: And the newest.
        profiles: The rows' profile by the edges of each reference that was asked for, in that order.
    """

    rows: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    profiles: list[Profile] = field(default_factory=list)


def profile_window(tables: Iterator[pa.Table], recipe: Recipe, references: Sequence[Profile]) -> WindowProfiles:
    """Profile rows as `read_slice` gives them; the prediction stands in the target's place."""
    columns = Columns(recipe)
    profilers = [Profiler(recipe, reference) for reference in references]
    hours: Counter[str] = Counter()
    found = WindowProfiles()
    for table in tables:
        rows = profiled(table, recipe)
        for profiler in profilers:
            profiler.add(rows)
        times = table.column(columns.of_call("inference_time"))
        hours.update(hour for hour in hours_of_week(_happened(table, columns, times)).tolist() if hour)
        bounds = pc.min_max(times).as_py()
        found.first_time = min(filter(None, (found.first_time, bounds["min"])))
        found.last_time = max(filter(None, (found.last_time, bounds["max"])))
        found.rows += table.num_rows
    strata = {hour: Stratum(rows=rows) for hour, rows in sorted(hours.items())}
    found.profiles = [profiler.profile().model_copy(update={"strata": strata}) for profiler in profilers]
    return found


def rows_of_ranges(
    ranges: Sequence[Range], recipe: Recipe, version: int, fetch: Callable[[str], Path]
) -> Iterator[pa.Table]:
    """The rows of a window, group by group; one file is on the disk at a time beside those that `fetch` keeps."""
    for one in ranges:
        yield from read_slice(fetch(one.captured_key), recipe, version, one.first, one.rows)


def _happened(table: pa.Table, columns: Columns, answered: Any) -> Any:
    """When each row happened: its event time where the caller sent one, else when it was answered."""
    name = next((name for name, role in columns.joins.items() if role == "event_time"), None)
    if name is None or name not in table.schema.names:
        return answered
    return pc.coalesce(table.column(name), answered)


def shown_time(time: datetime | None) -> str:
    """ISO 8601 in UTC to the second; empty without a time."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if time else ""
