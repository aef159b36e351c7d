"""Gradient-boosted trees: XGBoost's native booster with its own handling of categories and missing values.

A category stays one column (https://xgboost.readthedocs.io/en/stable/tutorials/categorical.html): one-hot columns would
make trees deeper and the matrix larger. Its codes are the positions of the recipe's values, kept in schema.json.
"""

from pathlib import Path

import numpy as np
import xgboost
from numpy.typing import NDArray

from comal.errors import AlgorithmError, PlatformError
from comal.recipe import Recipe
from comal.recipe_metrics import Task
from comal.run_record import Structure
from training.algorithms.collective import any_of, broken_off, joined
from training.algorithms.device import Device
from training.algorithms.parameters import DEFAULT_ROUNDS, check_names, positive_integer, shown
from training.algorithms.threads import threads_for
from training.checkpoint import Checkpoint
from training.matrix import Matrix
from training.model import absent_file
from training.progress import say
from training.schema import ModelSchema
from training.stop import StopRequest
from training.team import ALONE, Team
from training.watch import Watch

FILE_NAME = "model.ubj"
DEFAULTS = {"max_depth": 6, "eta": 0.1}

# https://xgboost.readthedocs.io/en/stable/parameter.html, without what the recipe itself decides (task, seed, device).
PARAMETERS = frozenset(
    {
        "alpha",
        "base_score",
        "colsample_bylevel",
        "colsample_bynode",
        "colsample_bytree",
        "eta",
        "gamma",
        "grow_policy",
        "lambda",
        "learning_rate",
        "max_bin",
        "max_cat_threshold",
        "max_cat_to_onehot",
        "max_delta_step",
        "max_depth",
        "max_leaves",
        "min_child_weight",
        "min_split_loss",
        "monotone_constraints",
        "num_boost_round",
        "num_parallel_tree",
        "reg_alpha",
        "reg_lambda",
        "sampling_method",
        "scale_pos_weight",
        "subsample",
    }
)
OBJECTIVES: dict[Task, str] = {
    "regression": "reg:squarederror",
    "binary": "binary:logistic",
    "multiclass": "multi:softprob",
}


class XGBoostModel:
    """A booster that predicts from the schema's matrix."""

    def __init__(self, booster: xgboost.Booster, task: Task) -> None:
        self.booster = booster
        self.task = task

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Numbers of shape (rows,) for regression, else probabilities of shape (rows, classes)."""
        predicted: NDArray[np.float32] = self.booster.inplace_predict(matrix, validate_features=False)
        if self.task == "binary":
            return np.stack((1 - predicted, predicted), axis=1)
        return predicted

    def margins(self, matrix: Matrix) -> NDArray[np.float64]:
        """See Margined."""
        found = self.booster.inplace_predict(matrix, predict_type="margin", validate_features=False)
        return np.asarray(found, dtype=np.float64).reshape(len(matrix), -1)

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """SHAP values of the margin; see training.explain."""
        rows = xgboost.DMatrix(matrix, feature_types=self.booster.feature_types, enable_categorical=True, nthread=1)
        found = self.booster.predict(rows, pred_contribs=True, strict_shape=True, validate_features=False)
        return np.asarray(found, dtype=np.float64)

    @property
    def rounds(self) -> int:
        """Rounds that it grew in."""
        return int(self.booster.num_boosted_rounds())

    def after(self, rounds: int) -> "XGBoostModel":
        """The model as it was after so many rounds."""
        return XGBoostModel(self.booster[:rounds], self.task)

    def structure(self) -> Structure:
        """Its trees, counted."""
        trees = [tree.splitlines() for tree in self.booster.get_dump()]
        return Structure(
            features=self.booster.num_features(),
            trees=len(trees),
            # A node stands below its parent, one tab further in.
            depth=max(len(node) - len(node.lstrip("\t")) for tree in trees for node in tree),
            leaves=sum("leaf=" in node for tree in trees for node in tree),
        )

    def save(self, directory: Path) -> None:
        """Write model.ubj."""
        self.booster.save_model(directory / FILE_NAME)

    @classmethod
    def load(cls, directory: Path, schema: ModelSchema) -> "XGBoostModel":
        """Read model.ubj, for one thread of a CPU.

        Raises:
            PlatformError: The file is absent or no booster.
        """
        path = directory / FILE_NAME
        if not path.exists():
            raise absent_file(path)
        try:
            booster = xgboost.Booster({"nthread": 1, "device": "cpu"}, model_file=path)
        except xgboost.core.XGBoostError as error:
            raise PlatformError(
                f"{path} is no XGBoost model: {_first_line(error)}.", next_step="Train the model again."
            ) from error
        if booster.num_features() != len(schema.features):
            raise PlatformError(
                f"{path} has {booster.num_features()} features, but its schema.json lists {len(schema.features)}.",
                next_step="Train the model again; these files do not belong together.",
            )
        return cls(booster, schema.task)


def fit_xgboost(
    matrix: Matrix,
    target: NDArray[np.float64],
    schema: ModelSchema,
    recipe: Recipe,
    device: Device,
    stop: StopRequest,
    watch: Watch | None = None,
    team: Team = ALONE,
    checkpoint: Checkpoint | None = None,
) -> XGBoostModel:
    """Fit trees with the `hist` method.

    A team's hosts have the same rows and end with the same model, the one that a single host would fit but for the
    order of additions and the draw of `subsample`: the bins are those of all rows, the histograms each host's share.

    Args:
        matrix: Shape (rows, features), NaN where missing.
        target: Shape (rows,); positions in schema.classes for classification.
        schema: What the columns are.
        recipe: Where the parameters and the seed come from.
        device: Where to fit.
        stop: Ends the fit after the round in which it is asked for.
        watch: Looks on instead of the log.
        team: Hosts that fit together.
        checkpoint: What the fit goes on from, and leaves for a job that is started again.

    Raises:
        RecipeError: A parameter is unknown.
        AlgorithmError: XGBoost refuses a parameter or the data.
        LostHostError: Another host ended; the first host's message names it.
    """
    chosen = {**DEFAULTS, **recipe.training.params}
    check_names(chosen, PARAMETERS, "xgboost")
    rounds = positive_integer(chosen, "num_boost_round", DEFAULT_ROUNDS)
    params = {name: value for name, value in chosen.items() if name != "num_boost_round"}
    params.update(
        objective=OBJECTIVES[recipe.task],
        tree_method="hist",
        device=device,
        seed=recipe.training.seed,
        nthread=threads_for(matrix),
    )
    if recipe.task == "multiclass":
        params["num_class"] = len(schema.classes)
    if recipe.training.quantile is not None:
        params.update(objective="reg:quantileerror", quantile_alpha=recipe.training.quantile)
    columns = {
        "feature_types": ["c" if feature.type == "category" else "q" for feature in schema.features],
        "enable_categorical": True,
        "max_bin": params.get("max_bin", 256),
        "nthread": params["nthread"],
    }
    try:
        rows = xgboost.QuantileDMatrix(matrix, label=target, **columns)
        with joined(team):
            if team.size > 1:
                share = slice(team.rank, None, team.size)
                rows = xgboost.QuantileDMatrix(matrix[share], label=target[share], ref=rows, **columns)
            done, begun = _begun(checkpoint)
            rounds_seen = _Rounds(done, rounds, recipe.task, stop, watch, team, checkpoint)
            booster = xgboost.train(params, rows, rounds - done, xgb_model=begun, callbacks=[rounds_seen])
    except (xgboost.core.XGBoostError, ValueError) as error:
        if problem := broken_off(error):
            raise team.lost(problem) from error
        raise AlgorithmError(
            f"XGBoost refused ({shown(recipe)}): {_first_line(error)}.",
            next_step="Correct training.params in the recipe, or choose a larger instance if memory ran out.",
        ) from error
    return XGBoostModel(booster, recipe.task)


def _begun(checkpoint: Checkpoint | None) -> tuple[int, xgboost.Booster | None]:
    """Rounds that are done, and the trees that they grew."""
    found = checkpoint.load() if checkpoint else None
    if found is None:
        return 0, None
    done, model = found
    booster = xgboost.Booster()
    booster.load_model(bytearray(model))
    return done, booster


class _Rounds(xgboost.callback.TrainingCallback):
    """Tells how far the fit is, ten times at most, and ends it when the job, on any host, is asked to stop."""

    def __init__(
        self,
        before: int,
        rounds: int,
        task: Task,
        stop: StopRequest,
        watch: Watch | None,
        team: Team,
        checkpoint: Checkpoint | None,
    ) -> None:
        """`before` rounds of `rounds` were done earlier."""
        self.before = before
        self.checkpoint = checkpoint
        self.rounds = rounds
        self.every = max(1, rounds // 10)
        self.task = task
        self.stop = stop
        self.watch = watch
        self.team = team

    def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: object) -> bool:  # noqa: ARG002
        done = self.before + epoch + 1
        if self.watch is not None:
            return self.watch(done, XGBoostModel(model, self.task))
        if done % self.every == 0 or done == self.rounds:
            say(f"Round {done} of {self.rounds}.")
        asked = any_of(self.team, self.stop.asked)
        if asked:
            say(f"Asked to stop: keeping the model of {done} rounds.")
        elif self.checkpoint is not None:
            self.checkpoint.save_if_due(done, lambda: bytes(model.save_raw("ubj")))
        return asked


def _first_line(error: Exception) -> str:
    """XGBoost's messages go on with a C++ stack trace; the reason is what follows `Check failed:` or the time."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    return line.split("] ", 1)[-1].split(".cc:", 1)[-1].rstrip(".")
