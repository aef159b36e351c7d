"""What a whole training job takes beside scripts that call XGBoost on the same rows: time, CPU seconds, memory.

The job reads, splits, fits, scores, and leaves model, evaluation, profiles, lineage and card; a script reads, fits,
scores the held-out rows and saves its model: one hands XGBoost the Arrow table, one a matrix of float32. The goal is
held against the faster. All must give the same trees, byte for byte.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._report import Goal, Measurement, report
from comal.recipe import Recipe
from training.dataset import find_batches
from training.holdout import read_held_out
from training.paths import TrainPaths

FEATURES = [f"feature{position:02d}" for position in range(30)]
TARGET = "target"
HOLDOUT = 0.2
# The split as the job will make it, which the script is given: its own would cost it less than a hash of 31 columns.
SPLIT_FILE = "held_out.npy"
ROUNDS = 200
MAX_OVER = 0.05
_BATCHES = 10
_MIB_PER_KIB = 1 / 1024

Took = dict[str, float]
Work = Callable[[Path], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one pair of runs")
    options = parser.parse_args()
    rows, repeats = (100_000, 1) if options.quick else (1_000_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        _lay_out(base, rows)
        took, same = _measure(base, repeats)
    path = f"training job, {rows:,} rows of {len(FEATURES)} features, {ROUNDS} rounds"
    ours, *scripts = took.values()
    over = _least(ours, "value") / min(_least(direct, "value") for direct in scripts) - 1
    report(
        [_measurement(path, name, "ours" if runs is ours else "limit", runs) for name, runs in took.items()],
        [
            Goal("wall time over the faster direct call", f"<= {MAX_OVER:.0%}", f"{over:+.1%}", over <= MAX_OVER),
            Goal("model", "identical trees", "identical" if same else "different", same),
        ],
        as_json=options.json,
    )


def _lay_out(base: Path, rows: int) -> None:
    """A job's folder: the recipe, and the rows in ten batches."""
    recipe = {
        "model": "speed",
        "task": "regression",
        "target": TARGET,
        "features": {name: {"type": "number"} for name in FEATURES},
        "training": {"holdout": HOLDOUT, "params": {"num_boost_round": ROUNDS}},
    }
    paths = TrainPaths(base)
    for directory in (paths.config, paths.channel("recipe"), paths.channel("train")):
        directory.mkdir(parents=True)
    (paths.config / "hyperparameters.json").write_text(json.dumps({"model": "speed", "run_id": "f00dcafe0123"}))
    (paths.channel("recipe") / "recipe.json").write_text(json.dumps(recipe))
    rng = np.random.default_rng(7)
    for number in range(_BATCHES):
        values = rng.normal(size=(rows // _BATCHES, len(FEATURES)))
        noise = rng.normal(size=len(values))
        target = values[:, 0] * values[:, 1] + np.sin(3 * values[:, 2]) + values[:, 3:10].sum(axis=1) + noise
        columns = {name: values[:, position] for position, name in enumerate(FEATURES)}
        pq.write_table(pa.table({**columns, TARGET: target}), paths.channel("train") / f"batch{number}.parquet")
    np.save(base / SPLIT_FILE, read_held_out(find_batches(paths.channel("train")), Recipe.model_validate(recipe)))


def _measure(base: Path, repeats: int) -> tuple[dict[str, list[Took]], bool]:
    """Each contender in a process of its own, in turn, and whether they always gave one model."""
    models: set[bytes] = set()
    took: dict[str, list[Took]] = {name: [] for name in CONTENDERS}
    for _ in range(repeats):
        for name, work in CONTENDERS.items():
            took[name].append(_in_a_process(work, base))
            models.add(_trees(base / "model" / "model.ubj"))
            shutil.rmtree(base / "model")
    return took, len(models) == 1


def _trees(path: Path) -> bytes:
    """A model without its columns' names and types, which XGBoost takes from an Arrow table and not from a matrix."""
    import xgboost

    booster = xgboost.Booster(model_file=path)
    booster.feature_names = booster.feature_types = None
    return bytes(booster.save_raw("ubj"))


def _job(base: Path) -> None:
    from training.stop import StopRequest
    from training.train import train

    train(TrainPaths(base), StopRequest())


def _script_of_tables(base: Path) -> None:
    _script(base, lambda table: table)


def _script_of_matrices(base: Path) -> None:
    _script(base, lambda table: np.column_stack([column.to_numpy().astype(np.float32) for column in table.columns]))


def _script(base: Path, shape: Callable[[pa.Table], Any]) -> None:
    """Anybody's; `shape` makes of the features what XGBoost is handed."""
    import xgboost

    files = sorted((base / "input/data/train").glob("*.parquet"))
    table = pa.concat_tables([pq.read_table(file) for file in files])
    held_out = np.load(base / SPLIT_FILE)  # anybody splits somehow; the same rows make the models comparable
    train, test = table.filter(pa.array(~held_out)), table.filter(pa.array(held_out))
    params = {"max_depth": 6, "eta": 0.1, "tree_method": "hist", "objective": "reg:squarederror", "seed": 7}
    params["nthread"] = len(os.sched_getaffinity(0))
    rows = xgboost.QuantileDMatrix(shape(train.select(FEATURES)), label=train.column(TARGET).to_numpy())
    booster = xgboost.train(params, rows, ROUNDS)
    predicted = booster.predict(xgboost.DMatrix(shape(test.select(FEATURES))))
    print("rmse", float(np.sqrt(np.mean((predicted - test.column(TARGET).to_numpy()) ** 2))))
    (base / "model").mkdir()
    booster.save_model(base / "model" / "model.ubj")


CONTENDERS: dict[str, Work] = {
    "comal": _job,
    "pyarrow and xgboost.train": _script_of_tables,
    "pyarrow, numpy and xgboost.train": _script_of_matrices,
}


def _in_a_process(work: Work, base: Path) -> Took:
    """What one run takes, imports left out; a process of its own tells its own memory."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_timed, args=(work, base, there))
    process.start()
    took: Took = here.recv()
    process.join()
    return took


def _timed(work: Work, base: Path, pipe: Connection) -> None:
    import sklearn.metrics  # noqa: F401 - imported ahead, as the time is the work's
    import xgboost  # noqa: F401

    import training.train  # noqa: F401

    started, cpu_started = time.perf_counter(), time.process_time()
    with (base / "log").open("a") as log, redirect_stdout(log):
        work(base)
    took = {"value": time.perf_counter() - started, "cpu_s": time.process_time() - cpu_started}
    # getrusage would tell the peak of the process that started this one, where that is higher.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    pipe.send({**took, "peak_mb": int(peak.split()[1]) * _MIB_PER_KIB})


def _measurement(path: str, contender: str, role: Literal["ours", "limit"], runs: list[Took]) -> Measurement:
    value, cpu_s, peak_mb = (_least(runs, name) for name in ("value", "cpu_s", "peak_mb"))
    return Measurement(path, contender, role, value, "s", cpu_s, peak_mb)


def _least(runs: list[Took], name: str) -> float:
    """The least disturbed run: threads that share their cores with somebody else wait for each other in every round."""
    return min(took[name] for took in runs)


if __name__ == "__main__":
    main()
