"""Gradient-boosted trees: LightGBM's native booster with its own handling of categories and missing values.

The model is LightGBM's text format. A category stays one column, coded by its position among the recipe's values
(https://lightgbm.readthedocs.io/en/stable/Advanced-Topics.html#categorical-feature-support).
"""

import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import lightgbm
import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError, PlatformError
from comal.recipe import Recipe
from comal.recipe_metrics import Task
from comal.run_record import Structure
from training.algorithms.parameters import DEFAULT_ROUNDS, check_names, positive_integer, shown
from training.algorithms.threads import threads_for
from training.matrix import Matrix
from training.model import absent_file
from training.progress import say
from training.schema import ModelSchema
from training.stop import StopRequest
from training.watch import Watch

FILE_NAME = "model.txt"
DIGEST_NAME = "model.txt.sha256"
DEFAULTS = {"learning_rate": 0.1, "num_leaves": 31}

# https://lightgbm.readthedocs.io/en/stable/Parameters.html, by their main names, without what the recipe itself decides
# (objective, seed, threads).
PARAMETERS = frozenset(
    {
        "bagging_fraction",
        "bagging_freq",
        "boosting",
        "cat_l2",
        "cat_smooth",
        "extra_trees",
        "feature_fraction",
        "feature_fraction_bynode",
        "is_unbalance",
        "lambda_l1",
        "lambda_l2",
        "learning_rate",
        "max_bin",
        "max_cat_threshold",
        "max_cat_to_onehot",
        "max_delta_step",
        "max_depth",
        "min_data_in_leaf",
        "min_data_per_group",
        "min_gain_to_split",
        "min_sum_hessian_in_leaf",
        "monotone_constraints",
        "num_boost_round",
        "num_leaves",
        "path_smooth",
        "scale_pos_weight",
    }
)
OBJECTIVES: dict[Task, str] = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}


class LightGBMModel:
    """A booster that predicts from the schema's matrix."""

    def __init__(self, booster: lightgbm.Booster, task: Task, first_rounds: int | None = None) -> None:
        self.booster = booster
        self.task = task
        self.first_rounds = first_rounds

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Numbers of shape (rows,) for regression, else probabilities of shape (rows, classes)."""
        found = self.booster.predict(matrix, num_iteration=self.first_rounds, num_threads=1)
        predicted = np.asarray(found, dtype=np.float32)
        if self.task == "binary":
            return np.stack((1 - predicted, predicted), axis=1)
        return predicted

    def margins(self, matrix: Matrix) -> NDArray[np.float64]:
        """See Margined."""
        found = self.booster.predict(matrix, num_iteration=self.first_rounds, raw_score=True, num_threads=1)
        return np.asarray(found, dtype=np.float64).reshape(len(matrix), -1)

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """SHAP values of the margin; see training.explain."""
        found = np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=1), dtype=np.float64)
        if self._averages:
            found /= self.rounds
        return found.reshape(len(matrix), -1, matrix.shape[1] + 1)

    @cached_property
    def _averages(self) -> bool:
        """Whether it is a random forest, which predicts the mean of its trees; LightGBM adds their SHAP values up."""
        return bool(self.booster.dump_model(num_iteration=1)["average_output"])

    @property
    def rounds(self) -> int:
        """Rounds that it grew in."""
        return int(self.booster.current_iteration())

    def after(self, rounds: int) -> "LightGBMModel":
        """The model as it was after so many rounds, to predict with."""
        return LightGBMModel(self.booster, self.task, rounds)

    def structure(self) -> Structure:
        """Its trees, counted."""
        trees = [tree["tree_structure"] for tree in self.booster.dump_model()["tree_info"]]
        shapes = [_shape(tree) for tree in trees]
        return Structure(
            features=self.booster.num_feature(),
            trees=len(trees),
            depth=max(depth for depth, _leaves in shapes),
            leaves=sum(leaves for _depth, leaves in shapes),
        )

    def save(self, directory: Path) -> None:
        """Write model.txt and its digest; the number of threads, which is the machine's, is left at 1."""
        text = re.sub(r"(?m)^\[num_threads: \d+\]$", "[num_threads: 1]", self.booster.model_to_string())
        (directory / FILE_NAME).write_text(text)
        (directory / DIGEST_NAME).write_text(_digest(text.encode()))

    @classmethod
    def load(cls, directory: Path, schema: ModelSchema) -> "LightGBMModel":
        """Read model.txt, if it is what training wrote: of a damaged text LightGBM may read without end, or beyond it.

        Raises:
            PlatformError: A file is absent, damaged or no booster.
        """
        path, digest = directory / FILE_NAME, directory / DIGEST_NAME
        for file in (path, digest):
            if not file.exists():
                raise absent_file(file)
        content = path.read_bytes()
        if _digest(content) != digest.read_text().strip():
            raise PlatformError(f"{path} is not what {digest.name} says: it is damaged.", next_step="Train it again.")
        try:
            booster = lightgbm.Booster(model_str=content.decode())
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise PlatformError(
                f"{path} is no LightGBM model: {_first_line(error)}.", next_step="Train the model again."
            ) from error
        if booster.num_feature() != len(schema.features):
            raise PlatformError(
                f"{path} has {booster.num_feature()} features, but its schema.json lists {len(schema.features)}.",
                next_step="Train the model again; these files do not belong together.",
            )
        return cls(booster, schema.task)


def fit_lightgbm(
    matrix: Matrix,
    target: NDArray[np.float64],
    schema: ModelSchema,
    recipe: Recipe,
    stop: StopRequest,
    watch: Watch | None = None,
) -> LightGBMModel:
    """Fit trees on the CPU; the same inputs and seed give the same trees, whatever the number of threads.

    Args:
        matrix: Shape (rows, features), NaN where missing.
        target: Shape (rows,); positions in schema.classes for classification.
        schema: What the columns are.
        recipe: Where the parameters and the seed come from.
        stop: Ends the fit after the round in which it is asked for.
        watch: Looks on instead of the log.

    Raises:
        RecipeError: A parameter is unknown.
        AlgorithmError: LightGBM refuses a parameter or the data.
    """
    chosen = {**DEFAULTS, **recipe.training.params}
    check_names(chosen, PARAMETERS, "lightgbm")
    rounds = positive_integer(chosen, "num_boost_round", DEFAULT_ROUNDS)
    params: dict[str, Any] = {name: value for name, value in chosen.items() if name != "num_boost_round"}
    params.update(
        objective=OBJECTIVES[recipe.task],
        seed=recipe.training.seed,
        num_threads=threads_for(matrix),
        # https://lightgbm.readthedocs.io/en/stable/Parameters.html#deterministic
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    if recipe.task == "multiclass":
        params["num_class"] = len(schema.classes)
    if recipe.training.quantile is not None:
        params.update(objective="quantile", alpha=recipe.training.quantile)
    categories = [position for position, feature in enumerate(schema.features) if feature.type == "category"]
    rows = lightgbm.Dataset(matrix, label=target, categorical_feature=categories or "auto")
    try:
        booster = lightgbm.train(params, rows, rounds, callbacks=[_Rounds(rounds, recipe.task, stop, watch)])
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise AlgorithmError(
            f"LightGBM refused ({shown(recipe)}): {_first_line(error)}.",
            next_step="Correct training.params in the recipe, or choose a larger instance if memory ran out.",
        ) from error
    return LightGBMModel(booster, recipe.task)


class _Rounds:
    """Tells how far the fit is, ten times at most, and ends it when the job is asked to stop."""

    def __init__(self, rounds: int, task: Task, stop: StopRequest, watch: Watch | None) -> None:
        self.rounds = rounds
        self.every = max(1, rounds // 10)
        self.task = task
        self.stop = stop
        self.watch = watch

    def __call__(self, env: lightgbm.callback.CallbackEnv) -> None:
        done = env.iteration + 1
        if self.watch is not None:
            if self.watch(done, LightGBMModel(cast("lightgbm.Booster", env.model), self.task)):
                raise lightgbm.callback.EarlyStopException(env.iteration, [])
            return
        if done % self.every == 0 or done == self.rounds:
            say(f"Round {done} of {self.rounds}.")
        if self.stop.asked:
            say(f"Asked to stop: keeping the model of {done} rounds.")
            raise lightgbm.callback.EarlyStopException(env.iteration, [])


def _shape(node: dict[str, Any]) -> tuple[int, int]:
    """Depth and leaves of a tree."""
    sides = [_shape(node[side]) for side in ("left_child", "right_child") if side in node]
    return (1 + max(depth for depth, _ in sides), sum(leaves for _, leaves in sides)) if sides else (0, 1)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
