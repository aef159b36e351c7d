"""The recipe's algorithm, fitted to the training rows."""

from comal.recipe import Recipe
from training.model import Model, TrainedModel
from training.progress import say
from training.rows import Rows
from training.schema import schema_of
from training.stop import StopRequest


def fit(rows: Rows, recipe: Recipe, stop: StopRequest) -> tuple[TrainedModel, str]:
    """Fit the training rows.

    Returns:
        The model, and the device that it was fitted on (cpu or cuda).

    Raises:
        RecipeError: A parameter does not fit the algorithm.
        AlgorithmError: The algorithm refuses the data.
    """
    schema = schema_of(recipe, rows.training_classes())
    matrix = rows.matrix[rows.training]
    target = rows.training_target(schema.classes)
    # The algorithms are imported where they are used: a linear model needs no XGBoost.
    if recipe.training.algorithm == "xgboost":
        from training.algorithms.device import choose_device
        from training.algorithms.xgboost import fit_xgboost

        device = choose_device()
        say(f"Fitting XGBoost on {device}.")
        model: Model = fit_xgboost(matrix, target, schema, recipe, device, stop)
    elif recipe.training.algorithm == "lightgbm":
        from training.algorithms.lightgbm import fit_lightgbm

        device = "cpu"
        say("Fitting LightGBM.")
        model = fit_lightgbm(matrix, target, schema, recipe, stop)
    else:
        from training.algorithms.linear import fit_linear

        device = "cpu"
        say("Fitting a linear model.")
        model = fit_linear(matrix, target, schema, recipe)
    return TrainedModel(schema, model), device
