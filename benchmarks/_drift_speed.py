"""What a profile with its drift scores costs: 20 columns of numbers and 5 of categories, beside reading them alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._contenders import ask_peer, in_a_process, measurement, median
from benchmarks._report import Measurement
from comal.drift_score import score_window
from comal.profile import Profile
from comal.profiler import Profiler
from comal.recipe import Recipe

NUMBERS = [f"number{position}" for position in range(20)]
CATEGORIES = [f"category{position}" for position in range(5)]
_VALUES = [f"value{position}" for position in range(12)]
_GROUP_ROWS = 250_000
_THREADS = 2
PEERS = ("evidently", "nannyml")

Result = TypeVar("Result")


def recipe() -> Recipe:
    """Describes the columns; the target is the last number."""
    numbers = {name: {"type": "number"} for name in NUMBERS[:-1]}
    categories = {name: {"type": "category", "values": _VALUES} for name in CATEGORIES}
    sections = {"model": "speed", "task": "regression", "target": NUMBERS[-1], "features": {**numbers, **categories}}
    return Recipe.model_validate(sections)


def write_rows(path: Path, rows: int, seed: int) -> None:
    """Write a Parquet file, row groups of 250,000."""
    rng = np.random.default_rng(seed)
    schema = pa.schema([*((name, pa.float64()) for name in NUMBERS), *((name, pa.string()) for name in CATEGORIES)])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, _GROUP_ROWS):
            count = min(_GROUP_ROWS, rows - first)
            columns: dict[str, object] = {name: rng.normal(size=count) for name in NUMBERS}
            for name in CATEGORIES:
                codes = pa.array(rng.integers(0, len(_VALUES), count), pa.int32())
                columns[name] = pa.DictionaryArray.from_arrays(codes, _VALUES).cast(pa.string())
            writer.write_table(pa.table(columns, schema=schema))


def write_profile(path: Path) -> None:
    """Write the profile of a file's rows beside it, as training does."""
    profiler = Profiler(recipe())
    profiler.add(pq.read_table(path))
    path.with_suffix(".json").write_text(profiler.profile().to_json())


def measure(rows_path: Path, reference_path: Path, repeats: int, *, with_peers: bool) -> list[Measurement]:
    """Ours and the limit in pairs, each in a process of its own, medians; then each peer once, if it is installed."""
    path = f"profile and drift score, {pq.read_metadata(rows_path).num_rows:,} rows"
    ours, limit = [], []
    for _ in range(repeats):
        ours.append(in_a_process(_profile_and_score, rows_path, reference_path))
        limit.append(in_a_process(_decode, rows_path, reference_path))
    return [
        measurement(path, "comal", "ours", median(ours)),
        measurement(path, f"Parquet decode on {_THREADS} threads", "limit", median(limit)),
        *(
            measurement(path, peer, "peer", ask_peer(peer, "drift", rows_path, reference_path))
            for peer in (PEERS if with_peers else ())
        ),
    ]


def _profile_and_score(rows_path: Path, reference_path: Path) -> None:
    reference = Profile.from_json(reference_path.with_suffix(".json").read_text())
    described = recipe()

    def profile(groups: range) -> Profile:
        profiler = Profiler(described, reference)
        with pq.ParquetFile(rows_path, read_dictionary=CATEGORIES) as file:
            for group in groups:
                profiler.add(file.read_row_group(group, use_threads=False))
        return profiler.profile()

    first, second = _in_threads(profile, rows_path)
    score_window(first.merge(second), reference, described.monitoring, 1, list(described.features))


def _decode(rows_path: Path, _: Path) -> None:
    def read(groups: range) -> None:
        with pq.ParquetFile(rows_path, read_dictionary=CATEGORIES) as file:
            for group in groups:
                file.read_row_group(group, use_threads=False)

    _in_threads(read, rows_path)


def _in_threads(work: Callable[[range], Result], rows_path: Path) -> list[Result]:
    groups = pq.read_metadata(rows_path).num_row_groups
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, [range(thread, groups, _THREADS) for thread in range(_THREADS)]))
