"""The recipe's preprocessing and algorithm, fitted to the training rows."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comal.recipe import Recipe
from training.calibration import Calibration, learn_calibration
from training.checkpoint import Checkpoint
from training.matrix import Matrix
from training.model import Margined, Model, TrainedModel
from training.prepared_model import algorithms_schema, prepared
from training.preprocessing import learn
from training.progress import say
from training.rows import Rows
from training.schema import ModelSchema, schema_of
from training.search.folds import make_folds
from training.stop import StopRequest
from training.team import ALONE, Team
from training.watch import Watch


def fit(
    rows: Rows,
    recipe: Recipe,
    stop: StopRequest,
    own_fit: Path,
    checkpoints: Path | None = None,
    team: Team = ALONE,
) -> tuple[TrainedModel, str]:
    """Fit the training rows.

    Args:
        rows: The run's rows.
        recipe: Says how.
        stop: Ends the fit after the round in which it is asked for; a team's own fit does not know of it.
        own_fit: File of the team's own fit, for a recipe that names one.
        checkpoints: Folder of the job's checkpoint, which XGBoost goes on from; without it there is none.
        team: Hosts that fit together.

    Returns:
        The model, and the device that it was fitted on (cpu or cuda).

    Raises:
        RecipeError: A parameter does not fit the algorithm.
        AlgorithmError: The algorithm refuses the data.
    """
    schema = schema_of(recipe, rows.training_classes())
    matrix, target = rows.matrix[rows.training], rows.training_target(schema.classes)
    if recipe.training.fit is None:
        calibration = _learn_calibration(matrix, target, schema, recipe, stop)
        schema = schema.model_copy(update={"calibration": calibration})
        return fit_matrix(matrix, target, schema, recipe, stop, checkpoints=checkpoints, team=team)
    from training.own_fit import fit_own

    return fit_own(matrix, target, schema, recipe, own_fit), "cpu"


def fit_matrix(
    matrix: Matrix,
    target: NDArray[np.float64],
    schema: ModelSchema,
    recipe: Recipe,
    stop: StopRequest,
    watch: Watch | None = None,
    checkpoints: Path | None = None,
    team: Team = ALONE,
) -> tuple[TrainedModel, str]:
    """Fit rows, as `fit` does.

    Args:
        matrix: Shape (rows, features), NaN where missing.
        target: Shape (rows,); positions in schema.classes for classification.
        schema: What the columns are.
        recipe: Where preprocessing, algorithm, parameters and seed come from.
        stop: Ends the fit after the round in which it is asked for.
        watch: Looks on while the model grows, and nothing is printed; a linear model has no rounds.
        checkpoints: Folder of the checkpoint; without it, as in the trials of a search, there is none.
        team: Hosts that fit together.
    """
    preparation = learn(recipe, schema.features, matrix, target)
    schema = schema.model_copy(update={"preparation": preparation})
    if preparation is not None:
        matrix, target = preparation.matrix(matrix), preparation.learnt_target(target)
    inner_watch: Watch | None = None
    if watch is not None:

        def inner_watch(done: int, model: Model) -> bool:
            return watch(done, prepared(model, schema))

    model, device = _fit_algorithm(
        matrix, target, algorithms_schema(schema), recipe, stop, inner_watch, checkpoints, team
    )
    return TrainedModel(schema, prepared(model, schema)), device


def _learn_calibration(
    matrix: Matrix, target: NDArray[np.float64], schema: ModelSchema, recipe: Recipe, stop: StopRequest
) -> Calibration | None:
    """From what models of the other rows say of each row; None where none is wanted, and for a job that has to stop."""
    if recipe.training.calibration == "none":
        return None
    folds = make_folds(target, recipe.training.seed, two_classes=recipe.task == "binary")
    say(f"Learning the calibration from {len(folds)} fits.")
    found = np.empty((len(target), 1 if len(schema.classes) == 2 else len(schema.classes)))
    for fold in folds:
        fitted, _ = fit_matrix(
            matrix[fold.fitted], target[fold.fitted], schema, recipe, stop, watch=lambda _done, _model: stop.asked
        )
        if stop.asked:
            say("Asked to stop: the probabilities are not calibrated.")
            return None
        assert isinstance(fitted.model, Margined)  # a team's own fit is not calibrated
        found[fold.scored] = fitted.model.margins(matrix[fold.scored])
    return learn_calibration(found, target)


def _fit_algorithm(
    matrix: Matrix,
    target: NDArray[np.float64],
    schema: ModelSchema,
    recipe: Recipe,
    stop: StopRequest,
    watch: Watch | None,
    checkpoints: Path | None,
    team: Team,
) -> tuple[Model, str]:
    announce = say if watch is None else _say_nothing
    # The algorithms are imported where they are used: a linear model needs no XGBoost.
    if recipe.training.algorithm == "xgboost":
        from training.algorithms.device import choose_device
        from training.algorithms.xgboost import fit_xgboost

        device = choose_device()
        announce(f"Fitting XGBoost on {device}" + (f" of {team.size} hosts." if team.size > 1 else "."))
        # Hosts that fit together would have to go on from the same round.
        checkpoint = Checkpoint(checkpoints, recipe, matrix, target) if checkpoints and team.size == 1 else None
        return fit_xgboost(matrix, target, schema, recipe, device, stop, watch, team, checkpoint), device
    if recipe.training.algorithm == "lightgbm":
        from training.algorithms.lightgbm import fit_lightgbm

        announce("Fitting LightGBM.")
        return fit_lightgbm(matrix, target, schema, recipe, stop, watch), "cpu"
    from training.algorithms.linear import fit_linear

    announce("Fitting a linear model.")
    return fit_linear(matrix, target, schema, recipe), "cpu"


def _say_nothing(_text: str) -> None:
    """Trials of a search say what became of them, not how."""
