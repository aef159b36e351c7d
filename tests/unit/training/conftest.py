"""Real tables to train on, and a maker of job folders."""

from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from tests.unit.training.job_folder import JobFolder, NewJob, Sample, lay_out


@pytest.fixture
def new_job(tmp_path: Path) -> NewJob:
    """Lays out one job after the other below tmp_path."""
    numbers = count(1)

    def make(
        recipe: dict[str, Any],
        batches: dict[str, pa.Table],
        champion: Path | None = None,
        own_fit: str | None = None,
    ) -> JobFolder:
        return lay_out(tmp_path / f"job{next(numbers)}", recipe, batches, champion, own_fit)

    return make


def _sample(bunch: Any, model: str, task: str, target: pa.Array) -> Sample:
    names = [name.replace(" ", "_") for name in bunch.feature_names]
    columns = {name: bunch.data[:, position] for position, name in enumerate(names)}
    recipe = {
        "model": model,
        "task": task,
        "target": "target",
        "features": {name: {"type": "number"} for name in names},
    }
    return Sample(recipe, pa.table({**columns, "target": target}))


@pytest.fixture(scope="session")
def diabetes() -> Sample:
    """Progression of diabetes (regression, 442 rows); sex is a category here, and some blood pressures are missing."""
    bunch = load_diabetes()
    sample = _sample(bunch, "diabetes", "regression", pa.array(bunch.target))
    sex = pa.array(["f" if value > 0 else "m" for value in bunch.data[:, 1]])
    pressure = pa.array(bunch.data[:, 3], mask=bunch.data[:, 3] > 0.1)
    table = sample.table.set_column(1, "sex", sex).set_column(3, "bp", pressure)
    features = {**sample.recipe["features"], "sex": {"type": "category", "values": ["m", "f"]}}
    return Sample({**sample.recipe, "features": features}, table)


@pytest.fixture(scope="session")
def cancer() -> Sample:
    """Breast tumours (two classes, 569 rows)."""
    bunch = load_breast_cancer()
    return _sample(bunch, "cancer", "binary", pa.array([str(bunch.target_names[code]) for code in bunch.target]))


@pytest.fixture(scope="session")
def wine() -> Sample:
    """Cultivars of wine (three classes, 178 rows); the labels are whole numbers."""
    bunch = load_wine()
    return _sample(bunch, "wine", "multiclass", pa.array(bunch.target + 1))
