"""What each feature adds to one prediction, exactly: the contributions and the base add up to the model's output.

For trees they are SHAP values (Lundberg et al., From local explanations to global understanding with explainable AI for
trees, Nature Machine Intelligence 2, 2020), computed by the library that grew them; for a linear model its own terms.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from training.matrix import Matrix
from training.schema import ModelSchema

# What the sum is: the prediction itself, its log(1 + x), or the log-odds before they become probabilities.
PREDICTION, LOG1P, LOG_ODDS, MARGINS = "prediction", "log1p_prediction", "log_odds", "margins"


@runtime_checkable
class Explained(Protocol):
    """A model that can say so; a team's own need not."""

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape (rows, outputs, features + 1), the base last; one output but for three classes and more."""
        ...


def sum_of(schema: ModelSchema) -> str:
    """What contributions and base add up to."""
    if schema.task == "binary":
        return LOG_ODDS
    if schema.task == "multiclass":
        return MARGINS
    return LOG1P if schema.preparation is not None and schema.preparation.target == "log" else PREDICTION


def by_feature(contributions: NDArray[np.float64], sources: list[int], features: int) -> NDArray[np.float64]:
    """Contributions of prepared columns, added up by the features that they were made of.

    Args:
        contributions: Shape (rows, outputs, columns + 1).
        sources: Position of each column's feature.
        features: How many features there are.
    """
    added = np.zeros((*contributions.shape[:2], features + 1))
    for column, source in enumerate(sources):
        added[:, :, source] += contributions[:, :, column]
    added[:, :, -1] = contributions[:, :, -1]
    return added
