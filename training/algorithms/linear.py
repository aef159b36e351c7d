"""The linear baseline: scikit-learn's Ridge or LogisticRegression, kept as plain numbers in linear.json.

Numbers and booleans are centred and scaled, missing ones become the training rows' mean; a category becomes one column
for each value, all of them 0 where it is missing. Predicting takes numpy alone.
"""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from comal.errors import PlatformError
from comal.recipe import Recipe
from comal.recipe_metrics import Task
from training.algorithms.parameters import check_names, positive_integer, positive_number
from training.matrix import Matrix
from training.model import absent_file
from training.progress import say
from training.schema import ModelSchema

FILE_NAME = "linear.json"
PARAMETERS = frozenset({"alpha", "max_iter"})


class LinearWeights(BaseModel):
    """The linear.json of one model.

    Attributes:
        sizes: Design columns a feature takes: 0 for a number, else the number of its categories.
        means: Mean of each feature over the training rows; 0 for categories.
        scales: Standard deviation of each feature, 1 where it is constant or a category.
        coefficients: Shape (outputs, design columns).
        intercepts: Shape (outputs,).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    task: Task
    sizes: list[int]
    means: list[float]
    scales: list[float]
    coefficients: list[list[float]]
    intercepts: list[float]


class LinearModel:
    """Weights applied to the schema's matrix."""

    def __init__(self, weights: LinearWeights) -> None:
        self.weights = weights
        self._coefficients = np.asarray(weights.coefficients, dtype=np.float64)
        self._intercepts = np.asarray(weights.intercepts, dtype=np.float64)
        self._means = np.asarray(weights.means)
        self._scales = np.asarray(weights.scales)

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Numbers of shape (rows,) for regression, else probabilities of shape (rows, classes)."""
        outputs = self.margins(matrix)
        if self.weights.task == "regression":
            return outputs[:, 0].astype(np.float32)
        if self._intercepts.size == 1:  # two classes share one output
            outputs = np.concatenate((np.zeros_like(outputs), outputs), axis=1)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        return probabilities.astype(np.float32)  # type: ignore[no-any-return]  # numpy's stubs lose the type here

    def margins(self, matrix: Matrix) -> NDArray[np.float64]:
        """See Margined; of regression the predictions, of shape (rows, 1)."""
        design = design_matrix(matrix, self.weights.sizes, self._means, self._scales)
        return np.asarray(design @ self._coefficients.T + self._intercepts)

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """The terms of the sum, by feature; a number at its mean and a missing category add nothing."""
        design = design_matrix(matrix, self.weights.sizes, self._means, self._scales)
        columns = np.repeat(np.arange(len(self.weights.sizes)), np.maximum(self.weights.sizes, 1))
        terms = design[:, None, :] * self._coefficients[None]
        found = np.zeros((len(matrix), len(self._intercepts), len(self.weights.sizes) + 1))
        for column, feature in enumerate(columns):
            found[:, :, feature] += terms[:, :, column]
        found[:, :, -1] = self._intercepts
        return found

    def save(self, directory: Path) -> None:
        """Write linear.json."""
        (directory / FILE_NAME).write_text(self.weights.model_dump_json(indent=1))

    @classmethod
    def load(cls, directory: Path) -> "LinearModel":
        """Read linear.json.

        Raises:
            PlatformError: The file is absent or does not fit.
        """
        path = directory / FILE_NAME
        if not path.exists():
            raise absent_file(path)
        try:
            return cls(LinearWeights.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            raise PlatformError(
                f"{path} is no linear model: {error.errors(include_url=False)[0]['msg']}.",
                next_step="Train the model again.",
            ) from error


def design_matrix(
    matrix: Matrix, sizes: list[int], means: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The columns that the weights apply to, of shape (rows, numbers + categories of every feature)."""
    columns: list[NDArray[np.float64]] = []
    for position, size in enumerate(sizes):
        values = matrix[:, position].astype(np.float64)
        if size:
            columns.append((values[:, None] == np.arange(size)).astype(np.float64))
        else:
            scaled = (values - means[position]) / scales[position]
            columns.append(np.nan_to_num(scaled, nan=0.0)[:, None])
    return np.concatenate(columns, axis=1)


def fit_linear(matrix: Matrix, target: NDArray[np.float64], schema: ModelSchema, recipe: Recipe) -> LinearModel:
    """Fit Ridge (regression) or LogisticRegression, with `alpha` as the strength of the L2 penalty.

    Args:
        matrix: Shape (rows, features), NaN where missing; every feature has at least one value.
        target: Shape (rows,); positions in schema.classes for classification.
        schema: What the columns are.
        recipe: Where the parameters and the seed come from.

    Raises:
        RecipeError: A parameter is unknown or out of range.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    params = recipe.training.params
    check_names(params, PARAMETERS, "linear")
    alpha = positive_number(params, "alpha", 1.0)
    max_iter = positive_integer(params, "max_iter", 1000)
    sizes = [len(feature.values) for feature in schema.features]
    means, scales = _standardisation(matrix, sizes)
    design = design_matrix(matrix, sizes, means, scales)
    if recipe.task == "regression":
        estimator = Ridge(alpha=alpha, random_state=recipe.training.seed)
    else:
        estimator = LogisticRegression(C=1 / alpha, max_iter=max_iter, random_state=recipe.training.seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(design, target if recipe.task == "regression" else target.astype(np.int64))
    if caught:
        say(f"The fit did not converge in {max_iter} iterations; raise training.params.max_iter.")
    return LinearModel(
        LinearWeights(
            task=recipe.task,
            sizes=sizes,
            means=means.tolist(),
            scales=scales.tolist(),
            coefficients=np.atleast_2d(estimator.coef_).tolist(),
            intercepts=np.atleast_1d(estimator.intercept_).tolist(),
        )
    )


def _standardisation(matrix: Matrix, sizes: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    matrix = np.where(np.isnan(matrix).all(axis=0), np.float32(0), matrix)
    means = np.asarray(np.nanmean(matrix, axis=0, dtype=np.float64))
    scales = np.asarray(np.nanstd(matrix, axis=0, dtype=np.float64))
    categories = np.asarray(sizes) > 0
    means[categories] = 0.0
    scales[categories | (scales == 0)] = 1.0
    return means, scales
