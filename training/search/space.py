"""What a trial may choose, and where a search begins."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from optuna import Trial

from comal.recipe import Recipe
from comal.recipe_training import Algorithm, Preprocessing, Training
from training.matrix import Matrix
from training.schema import ModelSchema

# A fit of the linear model cannot be interrupted: beyond so many cells it would overrun the search's time.
_LINEAR_CELLS = 4_000_000

Params = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class Space:
    """Choices that make sense for these rows.

    Attributes:
        algorithms: To choose from.
        has_categories: Whether there is a category to encode.
        has_missing: Whether there is a missing value to fill.
        may_log: Whether every target has a logarithm.
    """

    algorithms: list[Algorithm]
    has_categories: bool
    has_missing: bool
    may_log: bool

    def starts(self) -> list[dict[str, Any]]:
        """Choices that do well on most tables: each algorithm is tried with one of them, the quickest first."""
        first: dict[str, Any] = {"target": "log"} if self.may_log else {}
        return [{"algorithm": each, **start, **first} for each, start in _STARTS.items() if each in self.algorithms]

    def choose(self, trial: Trial, own: Training) -> Training:
        """The trial's own way to train; everything that is not searched stays as the recipe has it."""
        algorithm = cast("Algorithm", trial.suggest_categorical("algorithm", self.algorithms))
        preprocessing = {}
        if self.may_log:
            preprocessing["target"] = trial.suggest_categorical("target", ["as_is", "log"])
        if algorithm == "linear":
            params, more = _linear(trial, has_missing=self.has_missing)
        else:
            params = _xgboost(trial) if algorithm == "xgboost" else _lightgbm(trial)
            more = {}
            if self.has_categories:
                choices = ["native", "ordinal", "one_hot"]
                more["categories"] = trial.suggest_categorical(f"{algorithm}.categories", choices)
        update = {
            "algorithm": algorithm,
            "params": params,
            "preprocessing": Preprocessing.model_validate({**preprocessing, **more}),
        }
        return own.model_copy(update=update)


def space_of(recipe: Recipe, schema: ModelSchema, matrix: Matrix, target: NDArray[np.float64]) -> Space:
    """What may be chosen for these training rows."""
    assert recipe.training.search is not None  # nobody searches without being asked to
    algorithms = recipe.training.search.algorithms
    rare_class = bool(schema.classes) and np.bincount(target.astype(np.int64)).min() < 2
    if rare_class or matrix.size > _LINEAR_CELLS:
        algorithms = [algorithm for algorithm in algorithms if algorithm != "linear"] or algorithms
    return Space(
        algorithms=algorithms,
        has_categories=any(feature.type == "category" for feature in schema.features),
        has_missing=bool(np.isnan(matrix).any()),
        may_log=recipe.task == "regression" and float(target.min()) >= 0,
    )


_STARTS: dict[Algorithm, dict[str, Any]] = {
    "linear": {"linear.alpha": 1.0, "linear.numbers": "as_is", "linear.missing": "native"},
    "xgboost": {
        "xgboost.eta": 0.05,
        "xgboost.max_depth": 5,
        "xgboost.min_child_weight": 2.0,
        "xgboost.subsample": 0.8,
        "xgboost.colsample_bytree": 0.8,
        "xgboost.lambda": 1.0,
        "xgboost.categories": "native",
    },
    "lightgbm": {
        "lightgbm.learning_rate": 0.05,
        "lightgbm.num_leaves": 24,
        "lightgbm.min_data_in_leaf": 15,
        "lightgbm.bagging_fraction": 0.8,
        "lightgbm.feature_fraction": 0.8,
        "lightgbm.lambda_l2": 1.0,
        "lightgbm.categories": "native",
    },
}


def _xgboost(trial: Trial) -> Params:
    return {
        "eta": _float(trial, "xgboost.eta", 0.02, 0.3, log=True),
        "max_depth": trial.suggest_int("xgboost.max_depth", 2, 10),
        "min_child_weight": _float(trial, "xgboost.min_child_weight", 1, 50, log=True),
        "subsample": _float(trial, "xgboost.subsample", 0.5, 1),
        "colsample_bytree": _float(trial, "xgboost.colsample_bytree", 0.4, 1),
        "lambda": _float(trial, "xgboost.lambda", 0.1, 30, log=True),
    }


def _lightgbm(trial: Trial) -> Params:
    return {
        "learning_rate": _float(trial, "lightgbm.learning_rate", 0.02, 0.3, log=True),
        "num_leaves": trial.suggest_int("lightgbm.num_leaves", 4, 128, log=True),
        "min_data_in_leaf": trial.suggest_int("lightgbm.min_data_in_leaf", 5, 80, log=True),
        "bagging_fraction": _float(trial, "lightgbm.bagging_fraction", 0.5, 1),
        "bagging_freq": 1,
        "feature_fraction": _float(trial, "lightgbm.feature_fraction", 0.4, 1),
        "lambda_l2": _float(trial, "lightgbm.lambda_l2", 0.05, 30, log=True),
    }


def _linear(trial: Trial, *, has_missing: bool) -> tuple[Params, dict[str, str]]:
    preprocessing = {"numbers": trial.suggest_categorical("linear.numbers", ["as_is", "log", "ranks"])}
    if has_missing:
        preprocessing["missing"] = trial.suggest_categorical("linear.missing", ["native", "median", "flag"])
    return {"alpha": _float(trial, "linear.alpha", 0.05, 500, log=True)}, preprocessing


def _float(trial: Trial, name: str, low: float, high: float, *, log: bool = False) -> float:
    """A number that a person can read: four digits tell as much as sixteen."""
    return float(f"{trial.suggest_float(name, low, high, log=log):.4g}")
