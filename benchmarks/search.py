"""Whether a search beats the default recipe on held-out rows: the bikes data and scikit-learn's bundled tables.

The bikes data (UCI Bike Sharing, hourly) lies in shared/data beside the checkout; the report says where it does not.
Held-out rows on which both are as good, as where the search keeps the recipe as it is, are no loss.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from benchmarks._report import Goal, Measurement, report
from comal.leaderboard import Leaderboard
from comal.recipe import Recipe
from training.dataset import find_batches
from training.evaluate import HeldOut, predict, score
from training.fit import fit
from training.rows import Rows, read_rows
from training.search.search import search
from training.stop import StopRequest

BIKES = Path(__file__).resolve().parents[2] / "shared/data/bikes_hour.csv"
_BIKES_NUMBERS = ("yr", "mnth", "hr", "holiday", "weekday", "workingday", "temp", "atemp", "hum", "windspeed")
_BIKES_CATEGORIES = ("season", "weathersit")
# Every table that scikit-learn brings along and that has one target.
BUNDLED: dict[str, tuple[Callable[[], Any], str]] = {
    "diabetes": (load_diabetes, "regression"),
    "cancer": (load_breast_cancer, "binary"),
    "wine": (load_wine, "multiclass"),
    "iris": (load_iris, "multiclass"),
    "digits": (load_digits, "multiclass"),
}
_WANTED = "search <= default"
_ENTITY = "row"


@dataclass(frozen=True)
class Bench:
    """A table with the recipe that says no more than what its columns are."""

    recipe: dict[str, Any]
    table: pa.Table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--minutes", type=float, default=2, help="time of each search (2)")
    parser.add_argument("--quick", action="store_true", help="six seconds each")
    options = parser.parse_args()
    measurements, goals = [], []
    for bench in benches():
        default, found, board = compare(bench, 0.1 if options.quick else options.minutes)
        path = f"{bench.recipe['model']}, {board.metric} of held-out rows"
        trials = f"search ({len(board.trials)} trials)"
        measurements.append(Measurement(path, "default recipe", "peer", default, board.metric))
        measurements.append(Measurement(path, trials, "ours", found, board.metric))
        got = "the recipe was kept" if found == default else f"{found / default - 1:+.1%}"
        goals.append(Goal(path, _WANTED, got, found <= default))
    if not BIKES.is_file():
        goals.append(Goal("bikes, rmse of held-out rows", _WANTED, f"{BIKES} is not there", None))
    report(measurements, goals, as_json=options.json)


def benches() -> list[Bench]:
    """The tables, bikes first if they are there."""
    tables = [bundled(name) for name in BUNDLED]
    return [bikes(BIKES), *tables] if BIKES.is_file() else tables


def bikes(path: Path) -> Bench:
    """Rented bicycles of each hour of two years (regression, 17,379 rows)."""
    table = pyarrow.csv.read_csv(path)
    columns = {name: table.column(name) for name in (*_BIKES_NUMBERS, "cnt")}
    features: dict[str, Any] = {name: {"type": "number"} for name in _BIKES_NUMBERS}
    for name in _BIKES_CATEGORIES:
        columns[name] = table.column(name).cast(pa.string())
        features[name] = {"type": "category", "values": ["1", "2", "3", "4"]}
    return Bench({"model": "bikes", "task": "regression", "target": "cnt", "features": features}, pa.table(columns))


def bundled(name: str) -> Bench:
    """One of scikit-learn's tables, all columns numbers."""
    load, task = BUNDLED[name]
    bunch = load()
    names = [column.replace(" ", "_") for column in bunch.feature_names]
    columns = {column: bunch.data[:, position] for position, column in enumerate(names)}
    features = {column: {"type": "number"} for column in names}
    recipe = {"model": name, "task": task, "target": "target", "features": features}
    return Bench(recipe, pa.table({**columns, "target": bunch.target}))


def compare(bench: Bench, minutes: float, split: int = 0, **training: Any) -> tuple[float, float, Leaderboard]:
    """Held-out metric of the default recipe, of what a search finds, and the leaderboard.

    Args:
        bench: The table and its recipe.
        minutes: Time of the search.
        split: Number of a way to hold rows out.
        training: Of the recipe's section `training`.
    """
    limits = {"trials": 1000, "minutes": minutes}
    # A row is held out by its entity: with other names of the rows others are.
    names = pa.array([f"{split}/{number}" for number in range(bench.table.num_rows)])
    sections = {
        **bench.recipe,
        "entity": _ENTITY,
        "training": {**training, "max_runtime_minutes": 600, "search": limits},
    }
    recipe = Recipe.model_validate(sections)
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pq.write_table(bench.table.append_column(_ENTITY, names), Path(folder) / "batch.parquet")
        rows = read_rows(find_batches(Path(folder)), recipe)
        found = search(rows, recipe, recipe.training.seed, StopRequest())
        return _held_out_metric(rows, recipe), _held_out_metric(rows, found.recipe), found.leaderboard


def _held_out_metric(rows: Rows, recipe: Recipe) -> float:
    trained, _device = fit(rows, recipe, StopRequest(), Path())
    matrix = rows.matrix[rows.held_out]
    held_out = HeldOut(rows.batches, rows.held_out, trained.schema, matrix, rows.target)
    return score(predict(trained, matrix, held_out), held_out).metrics[recipe.metric]


if __name__ == "__main__":
    main()
