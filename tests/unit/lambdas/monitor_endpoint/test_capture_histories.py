"""Whatever is delivered twice, late, at once or dies half-way: each captured row is in one window, once."""

import contextlib
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.monitor_endpoint.captured_rows import read_slice
from lambdas.monitor_endpoint.comparison import References
from lambdas.monitor_endpoint.counting import Window
from lambdas.monitor_endpoint.messages import CaptureFile
from tests.unit.lambdas.monitor_endpoint.fake_monitored_world import NAMES, CrashError, Steps, make_monitoring
from tests.unit.lambdas.monitor_endpoint.monitored_world import NOW, RECIPE, line, reference_of, rows

WINDOW_ROWS = 7
SMALL = RECIPE.model_copy(update={"monitoring": RECIPE.monitoring.model_copy(update={"window_rows": WINDOW_ROWS})})
REFERENCE = References(reference_of(rows(200, seed=7)), None)

# Rows of version 1 and of version 2 in a file.
FILES = st.lists(st.tuples(st.integers(0, 17), st.integers(0, 4)), min_size=1, max_size=6)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[int, int, int | None]]]:
    """Files, and deliveries: which file, after how many steps it is interrupted, and by which (None: it dies)."""
    files = draw(FILES)
    one = st.integers(0, len(files) - 1)
    delivery = st.tuples(one, st.one_of(st.integers(1, 12), st.integers(1, 90)), st.one_of(st.none(), one))
    return files, draw(st.lists(delivery, max_size=12))


def captured(file: int, counts: tuple[int, int]) -> bytes:
    """A file whose rows are named after it."""
    lines = [
        line([row], version=version + 1, inference_id=f"{file}.{version}.{place}")
        for version, count in enumerate(counts)
        for place, row in enumerate(rows(count, seed=file))
    ]
    return b"".join(lines)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_each_row_is_counted_once_and_is_in_one_window(history):
    files, deliveries = history
    steps = Steps()
    monitoring = make_monitoring(SMALL, REFERENCE, steps)
    keys = [f"tacos/{number}.jsonl" for number in range(len(files))]
    messages = [CaptureFile("tacos", NAMES.bucket("capture"), key, NOW) for key in keys]
    for number, counts in enumerate(files):
        monitoring.buckets.capture[messages[number].key] = captured(number, counts)

    def die() -> None:
        raise CrashError

    for file, after, interrupter in deliveries:
        steps.left = after
        steps.surprise = die if interrupter is None else lambda other=interrupter: monitoring.handle(messages[other])
        with contextlib.suppress(CrashError):
            monitoring.handle(messages[file])
    steps.surprise = None
    for message in messages:
        monitoring.handle(message)

    totals = Counter({version: sum(counts[version - 1] for counts in files) for version in (1, 2)})
    assert {version: count.rows for version, count in monitoring.table.versions("tacos").items()} == dict(+totals)
    windows = [
        Window("dev", "tacos", version, first, WINDOW_ROWS)
        for version, total in totals.items()
        for first in range(0, total - total % WINDOW_ROWS, WINDOW_ROWS)
    ]
    times_seen = Counter(name for window in windows for name in names_in(monitoring, window))
    assert set(times_seen.values()) <= {1}
    assert {event.window_id for event in monitoring.bus.events.values()} == {window.window_id for window in windows}
    assert sorted(event.looked_at for event in monitoring.bus.events.values()) == list(range(1, len(windows) + 1))
    reports = [json.loads(text) for key, text in monitoring.buckets.files.items() if key.endswith(".json")]
    assert {(report["window_id"], report["rows"]) for report in reports} == {
        (window.window_id, WINDOW_ROWS) for window in windows
    }


def names_in(monitoring, window: Window) -> list[str]:
    """Ids of a window's rows."""
    found = []
    stop = window.first + window.rows
    with TemporaryDirectory() as folder:
        for place in monitoring.table.ranges("tacos", window.version, window.first, stop):
            path = monitoring.buckets.download(place.captured_key, Path(folder, "rows.parquet"))
            for table in read_slice(path, SMALL, window.version, place.first, place.rows):
                found += table.column("inference_id").to_pylist()
    assert len(found) == window.rows
    return found
