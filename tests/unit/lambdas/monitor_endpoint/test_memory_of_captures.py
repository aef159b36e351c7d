"""Memory does not grow with the rows of a capture file."""

import subprocess
import sys
from pathlib import Path

from tests.running_cloud import REPOSITORY

# Writes a capture file of so many rows, reads it, profiles it as one window, and prints the peak in MB.
PROGRAM = """
import resource, sys
from pathlib import Path
from lambdas.monitor_endpoint.capture_reading import read_capture
from lambdas.monitor_endpoint.captured_rows import read_slice
from lambdas.monitor_endpoint.window_profile import profile_window
from tests.unit.lambdas.monitor_endpoint.monitored_world import RECIPE, line, reference_of, rows

folder, count = Path(sys.argv[1]), int(sys.argv[2])
call = line(rows(100))
reference = reference_of(rows(200))
with (folder / "captured.jsonl").open("wb") as file:
    for _ in range(count // 100):
        file.write(call)
found = read_capture(folder / "captured.jsonl", folder / "typed.parquet", RECIPE)
assert found.rows == {1: count}, found
window = profile_window(read_slice(folder / "typed.parquet", RECIPE, 1, 0, count), RECIPE, [reference])
assert window.profiles[0].rows == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(folder: Path, rows: int) -> int:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(rows)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_ten_times_the_rows_take_no_more_memory(tmp_path):
    small, large = peak_mb(tmp_path / "small", 20_000), peak_mb(tmp_path / "large", 200_000)
    # The file grows by 16 MB, its rows as Python objects by hundreds.
    assert large - small < 30, (small, large)
