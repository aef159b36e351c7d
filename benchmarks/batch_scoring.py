"""What predictions for whole files of 20 features cost, asked of the container as a transform job does.

The limit decodes the same files and predicts as many rows on every core, with nothing between. The peer is what most
scripts for SageMaker's batch transform do: pandas reads CSV, predicts, and writes the rows with their predictions.
"""

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import xgboost

from benchmarks._batch_container import Container, container
from benchmarks._batch_files import FEATURES, FEW_ROWS, KEY, matrix_of, write_files, write_model
from benchmarks._contenders import Took, ask_peer, in_a_process, measurement, median
from benchmarks._report import Goal, report
from training.algorithms.xgboost import FILE_NAME

_SHARE_OF_LIMIT = 0.8
_FASTER_THAN_PANDAS = 5
_MAX_MB = 1024
# 94 MB of Parquet: a transform job's largest request holds 100.
_FILE_ROWS = 500_000
_CORES = len(os.sched_getaffinity(0))
_ROWS_AT_A_TIME = 65_536
PEER = "pandas"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one pair of runs")
    options = parser.parse_args()
    files, file_rows, pairs = (2, 250_000, 1) if options.quick else (10, _FILE_ROWS, 3)
    # The peer takes its time: it gets a part, and so do we, to compare with it.
    compared = files // 5 or 1
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        write_model(base / "model")
        write_files(base, files, file_rows, csv=compared)
        ours, limit = [], []
        for _ in range(pairs):
            ours.append(_score(base, files, join=False))
            limit.append(in_a_process(_decode_and_predict, base, files))
        _check(base, files)
        joined = _score(base, compared, join=True)
        peer = ask_peer(PEER, "batch", base, compared)
    path = f"batch scoring, {files * file_rows:,} rows of {len(FEATURES)} features"
    joining = f"batch scoring joined to its rows, {compared * file_rows:,} rows"
    share = median(limit)["value"] / median(ours)["value"]
    memory = max(took["peak_mb"] for took in (*ours, joined))
    report(
        [
            measurement(path, "comal", "ours", median(ours)),
            measurement(path, f"decode and predict on {_CORES} threads", "limit", median(limit)),
            measurement(joining, "comal", "ours", joined),
            measurement(joining, PEER, "peer", peer),
        ],
        [
            Goal("share of the limit", f">= {_SHARE_OF_LIMIT:.0%}", f"{share:.0%}", share >= _SHARE_OF_LIMIT),
            _faster(joined, peer),
            Goal("memory of the container", f"<= {_MAX_MB} MB", f"{memory:.0f} MB", memory <= _MAX_MB),
        ],
        as_json=options.json,
    )


def _faster(joined: Took, peer: Took | None) -> Goal:
    goal, wanted = f"against {PEER}, input joined to output", f">= {_FASTER_THAN_PANDAS} ×"
    if peer is None:
        return Goal(goal, wanted, "peer absent", None)
    times = peer["value"] / joined["value"]
    return Goal(goal, wanted, f"{times:.1f} ×", times >= _FASTER_THAN_PANDAS)


def _score(base: Path, files: int, *, join: bool) -> Took:
    """Caller and container together; the memory is the container's."""
    with container(base) as running:
        # Imports what it needs for files with the first one.
        running.score(base / FEW_ROWS, base / f"{FEW_ROWS}.out")
        started, cpu_started = time.perf_counter(), time.process_time() + running.cpu_s()
        for number in range(files):
            _score_file(running, base, number, join=join)
        value = time.perf_counter() - started
        cpu_s = time.process_time() + running.cpu_s() - cpu_started
        return {"value": value, "cpu_s": cpu_s, "peak_mb": running.peak_mb()}


def _score_file(running: Container, base: Path, number: int, *, join: bool) -> None:
    rows, target = base / f"rows{number}.parquet", base / f"rows{number}.parquet.out"
    running.score(rows, target)
    if join:
        predictions = pq.read_table(target, columns=["prediction"]).column(0)
        with pq.ParquetFile(rows) as file, pq.ParquetFile(target) as answered:
            schema = file.schema_arrow.append(answered.schema_arrow.field("prediction"))
            with pq.ParquetWriter(base / "joined.parquet", schema, use_dictionary=False) as writer:
                first = 0
                for group in range(file.num_row_groups):
                    part = file.read_row_group(group)
                    writer.write_table(part.append_column("prediction", predictions.slice(first, part.num_rows)))
                    first += part.num_rows


def _decode_and_predict(base: Path, files: int) -> None:
    """Any rows do to be predicted: what lies between decoding and predicting is no part of the limit."""
    booster = xgboost.Booster({"nthread": 1}, model_file=base / "model" / FILE_NAME)
    matrix = np.random.default_rng(0).standard_normal((_ROWS_AT_A_TIME, len(FEATURES)), np.float32)

    def work(part: tuple[int, int]) -> None:
        number, group = part
        with pq.ParquetFile(base / f"rows{number}.parquet") as file:
            columns = [KEY, *FEATURES]
            for rows in file.iter_batches(_ROWS_AT_A_TIME, row_groups=[group], columns=columns, use_threads=False):
                booster.inplace_predict(matrix[: rows.num_rows], validate_features=False)

    groups = pq.read_metadata(base / "rows0.parquet").num_row_groups
    with ThreadPoolExecutor(_CORES) as pool:
        list(pool.map(work, [(number, group) for number in range(files) for group in range(groups)]))


def _check(base: Path, files: int) -> None:
    """Every row has its prediction, in order."""
    booster = xgboost.Booster(model_file=base / "model" / FILE_NAME)
    for number in range(files):
        rows, found = (pq.read_table(base / f"rows{number}.parquet{end}") for end in ("", ".out"))
        assert (found.column("row_number").to_numpy() == np.arange(rows.num_rows)).all()
        assert found.column(KEY).equals(rows.column(KEY))
    expected = booster.inplace_predict(matrix_of(rows), validate_features=False)
    assert (found.column("prediction").to_numpy() == expected).all()


if __name__ == "__main__":
    main()
