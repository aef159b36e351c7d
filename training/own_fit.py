"""A team's own `fit(table, params)`, which lies in the recipe channel, and the model that it returns.

Its code runs as the training job, with the job's role. A booster of XGBoost or LightGBM is saved in its own format and
nothing of the team's runs in an endpoint; a model with `save` is loaded there by the file's own `load`.
"""

import hashlib
import importlib.util
import shutil
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError, ComalError, PlatformError, UserError
from comal.own_fit import FILE_NAME, file_and_function
from comal.recipe import Recipe
from comal.recipe_metrics import Task
from training.absent import reveal
from training.matrix import Matrix
from training.model import Model, TrainedModel, absent_file
from training.progress import say
from training.schema import FeatureColumn, Label, ModelSchema

# Beside schema.json: what the team's own save() wrote.
FOLDER = "own"
_MODULE = "comal_own_fit"
_ROWS_TO_CHECK = 100
_PICKLES = (".pkl", ".pickle", ".joblib")


@dataclass(frozen=True)
class TrainingTable:
    """What a `fit` is given: the training rows, and no others.

    Attributes:
        matrix: float32, rows by features: a number as it is, a boolean as 0 or 1, a category as its position among the
            recipe's values, NaN where a value is missing. A model is asked with the same columns.
        target: float64, of each row: a number, or the position among `classes`.
        features: Columns of the matrix: name, type, values.
        classes: Labels, in the order that a model's probabilities have; empty for regression.
        task: regression, binary or multiclass.
        seed: The recipe's seed.
    """

    matrix: Matrix
    target: NDArray[np.float64]
    features: tuple[FeatureColumn, ...]
    classes: tuple[Label, ...]
    task: Task
    seed: int

    @property
    def categories(self) -> list[int]:
        """Positions of the columns that are categories."""
        return [position for position, feature in enumerate(self.features) if feature.type == "category"]


class OwnModel:
    """A model of the team's own class; asked by one thread at a time, as its code need not know of any other."""

    def __init__(self, model: Any, source: Path, name: str) -> None:
        """Takes a model of the team's.

        Args:
            model: Has predict(matrix) and save(folder).
            source: The file with its code.
            name: What errors call that file.
        """
        self.model = model
        self._source = source
        self._name = name
        self._lock = threading.Lock()

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Numbers of shape (rows,) for regression, else probabilities of shape (rows, classes).

        Raises:
            UserError: The team's code fails.
        """
        with self._lock, _own_code(self._source, self._name):
            return np.asarray(self.model.predict(matrix), dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Let the model write its files below own/, and put its code beside them.

        Raises:
            UserError: The team's code fails, or wrote a pickle, or nothing.
        """
        folder = directory / FOLDER
        folder.mkdir()
        with _own_code(self._source, self._name):
            self.model.save(folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        if not files:
            raise UserError("The own model's save(folder) wrote no file.", next_step="Write the model below `folder`.")
        for path in files:
            with path.open("rb") as file:
                # https://docs.python.org/3/library/pickle.html#data-stream-format: protocol 2 and later begin with it.
                pickled = path.suffix in _PICKLES or file.read(1) == b"\x80"
            if pickled:
                raise UserError(
                    f"The own model's save(folder) wrote {path.name}, a pickle, which runs code when it is read.",
                    next_step="Save numbers: JSON, numpy.savez, ONNX, or a library's own text format.",
                )
        shutil.copyfile(self._source, directory / FILE_NAME)

    @classmethod
    def load(cls, directory: Path, schema: ModelSchema) -> "OwnModel":
        """Read it with the code that lies beside it.

        Raises:
            PlatformError: The code is absent, or not that of training.
            UserError: The team's code fails.
        """
        source = directory / FILE_NAME
        if not source.exists():
            raise absent_file(source)
        if digest(source) != schema.fit_sha256:
            raise PlatformError(
                f"{source} is not the file that the model was trained by.", next_step="Train the model again."
            )
        reveal()
        with _own_code(source, source.name):
            return cls(_module(source).load(directory / FOLDER), source, source.name)


def fit_own(
    matrix: Matrix, target: NDArray[np.float64], schema: ModelSchema, recipe: Recipe, source: Path
) -> TrainedModel:
    """Call the team's fit, and make a model of what it returns.

    Args:
        matrix: Shape (rows, features), NaN where missing.
        target: Shape (rows,); positions in schema.classes for classification.
        schema: What the columns are.
        recipe: Names the function and its parameters.
        source: Its file.

    Raises:
        UserError: The file or the function fails, or returns nothing that can predict and be saved.
        AlgorithmError: The model answers what nobody can use.
    """
    assert recipe.training.fit is not None  # the caller has looked
    if not source.exists():
        raise absent_file(source)
    name, function = file_and_function(recipe.training.fit)
    table = TrainingTable(matrix, target, schema.features, schema.classes, recipe.task, recipe.training.seed)
    say(f"Fitting by {recipe.training.fit}.")
    with _own_code(source, name):
        module = _module(source)
        returned = getattr(module, function)(table, dict(recipe.training.params))
    algorithm, model = _model_of(returned, module, source, name, schema, recipe)
    _check(model, matrix, schema, recipe)
    update = {"algorithm": algorithm, "fit_sha256": digest(source)}
    return TrainedModel(schema.model_copy(update=update), model)


def digest(source: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(source.read_bytes()).hexdigest()


def _module(source: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_MODULE, source)
    assert spec is not None  # a path that ends in .py has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _model_of(
    returned: Any, module: ModuleType, source: Path, name: str, schema: ModelSchema, recipe: Recipe
) -> tuple[str, Model]:
    kind = f"{type(returned).__module__}.{type(returned).__qualname__}"
    if kind == "xgboost.core.Booster":
        from training.algorithms.xgboost import XGBoostModel

        return "xgboost", XGBoostModel(returned, schema.task)
    if kind == "lightgbm.basic.Booster":
        from training.algorithms.lightgbm import LightGBMModel

        return "lightgbm", LightGBMModel(returned, schema.task)
    absent = [method for method in ("predict", "save") if not callable(getattr(returned, method, None))]
    if absent or not callable(getattr(module, "load", None)):
        raise UserError(
            f"{recipe.training.fit} returned a {type(returned).__name__}; expected a booster of XGBoost or LightGBM, "
            "or an object with predict(matrix) and save(folder) from a file that also defines load(folder).",
            next_step="See `A fit of your own` in docs/guide.md.",
        )
    return "own", OwnModel(returned, source, name)


def _check(model: Model, matrix: Matrix, schema: ModelSchema, recipe: Recipe) -> None:
    """Refuse a model whose answers to some training rows cannot be right."""
    rows = matrix[:_ROWS_TO_CHECK]
    try:
        answers = np.asarray(model.predict(rows), dtype=np.float64)
    except ComalError:
        raise
    except Exception as error:
        raise UserError(
            f"The model that {recipe.training.fit} returned cannot predict the training rows: {error}.",
            next_step="It is asked with table.matrix's columns.",
        ) from error
    wanted = (len(rows),) if recipe.task == "regression" else (len(rows), len(schema.classes))
    if answers.shape != wanted:
        raise AlgorithmError(
            f"The model that {recipe.training.fit} returned answers {len(rows)} rows with the shape {answers.shape}; "
            f"{recipe.task} has {wanted}.",
            next_step="Return a number for each row (regression), else a probability for each row and class.",
        )
    if recipe.task != "regression" and not (np.all(answers >= 0) and np.allclose(answers.sum(axis=1), 1, atol=1e-3)):
        raise AlgorithmError(
            f"The model that {recipe.training.fit} returned answers with what are no probabilities.",
            next_step="Use an objective that gives probabilities, such as binary:logistic or multi:softprob.",
        )


@contextmanager
def _own_code(source: Path, name: str) -> Iterator[None]:
    """Whatever ends the team's code is one sentence with its place: `sys.exit(0)`, too, left no model."""
    try:
        yield
    except ComalError:
        raise
    except (Exception, SystemExit) as error:
        traceback.print_exception(error)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(source)]
        place = f"{name}, line {lines[-1]}" if lines else name
        raise UserError(
            f"{place}: {type(error).__name__}: {' '.join(str(error).split())}.",
            next_step="Correct the file and run `comal up`; the log has the trace.",
        ) from error
