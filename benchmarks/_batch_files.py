"""What batch scoring is measured on: files of rows as they lie in the lake, and a model as a training job leaves it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import xgboost
from numpy.typing import NDArray

from training.algorithms.xgboost import DEFAULT_ROUNDS, DEFAULTS, OBJECTIVES, XGBoostModel
from training.artifacts import RECIPE_FILE
from training.model import TrainedModel
from training.schema import FeatureColumn, ModelSchema

FEATURES = [f"feature{position:02d}" for position in range(20)]
KEY = "order_id"
FEW_ROWS = "few.parquet"
_GROUP_ROWS = 250_000
_TRAINING_ROWS = 5_000


def write_files(folder: Path, files: int, file_rows: int, *, csv: int) -> None:
    """Write Parquet files, the first `csv` of them as CSV without a header, too; and one of one row."""
    pq.write_table(_rows(1, seed=0), folder / FEW_ROWS)
    for number in range(files):
        rows = _rows(file_rows, seed=number)
        pq.write_table(rows, folder / f"rows{number}.parquet", row_group_size=_GROUP_ROWS)
        if number < csv:
            pyarrow.csv.write_csv(rows, folder / f"rows{number}.csv", pyarrow.csv.WriteOptions(include_header=False))


def write_model(folder: Path) -> None:
    """Write what is in a model.tar.gz, of a booster by the kit's default parameters."""
    folder.mkdir(parents=True)
    matrix = matrix_of(_rows(_TRAINING_ROWS, seed=-1))
    target = 2 * matrix[:, 0] + matrix[:, 1] * matrix[:, 2]
    parameters = DEFAULTS | {"objective": OBJECTIVES["regression"], "tree_method": "hist"}
    booster = xgboost.train(parameters, xgboost.QuantileDMatrix(matrix, target), DEFAULT_ROUNDS)
    columns = tuple(FeatureColumn(name=name, type="number") for name in FEATURES)
    schema = ModelSchema(model="speed", task="regression", target="target", algorithm="xgboost", features=columns)
    TrainedModel(schema, XGBoostModel(booster, "regression")).save(folder)
    (folder / RECIPE_FILE).write_text(json.dumps({"entity": KEY}))


def matrix_of(rows: pa.Table) -> NDArray[np.float32]:
    """The features of rows."""
    return np.column_stack([rows.column(name).to_numpy() for name in FEATURES]).astype(np.float32)


def _rows(count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng([seed + 1])
    keys = pa.array(np.arange(count)).cast(pa.string())
    return pa.table({KEY: keys} | {name: rng.normal(size=count) for name in FEATURES})
