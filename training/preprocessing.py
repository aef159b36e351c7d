"""The recipe's preprocessing, learnt from the training rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError
from comal.recipe import Recipe
from comal.recipe_training import Preprocessing
from training.matrix import Matrix
from training.preparation import Preparation, PreparedColumn
from training.schema import FeatureColumn

# Percentiles are fine enough for a place among the rows, and few enough to lie in schema.json.
RANKS = 101


def learn(
    recipe: Recipe, features: Sequence[FeatureColumn], matrix: Matrix, target: NDArray[np.float64]
) -> Preparation | None:
    """What the algorithm shall read; None where that is the matrix and the target themselves.

    Args:
        recipe: Says how.
        features: Columns of the matrix.
        matrix: Training rows of shape (rows, features).
        target: Their targets, of shape (rows,).

    Raises:
        AlgorithmError: The target is below 0 and has no logarithm.
    """
    chosen = recipe.training.preprocessing
    if chosen == Preprocessing():
        return None
    if chosen.target == "log" and target.min() < 0:
        raise AlgorithmError(
            f"Target '{recipe.target}' holds {target.min():g}; training.preprocessing.target: log needs 0 and more.",
            next_step="Set training.preprocessing.target: as_is.",
        )
    columns: list[PreparedColumn] = []
    for position, feature in enumerate(features):
        columns.extend(_columns(feature, position, matrix[:, position], chosen))
    return Preparation(columns=tuple(columns), target=chosen.target)


def _columns(
    feature: FeatureColumn, position: int, values: NDArray[np.float32], chosen: Preprocessing
) -> list[PreparedColumn]:
    columns = _category(feature, position, chosen) if feature.values else [_number(feature, position, values, chosen)]
    if chosen.missing == "flag" and np.isnan(values).any():
        columns.append(PreparedColumn(name=f"{feature.name} is missing", source=position, kind="missing"))
    return columns


def _category(feature: FeatureColumn, position: int, chosen: Preprocessing) -> list[PreparedColumn]:
    if chosen.categories == "one_hot":
        return [
            PreparedColumn(name=f"{feature.name} is {value}", source=position, kind="is", value=code)
            for code, value in enumerate(feature.values)
        ]
    return [
        PreparedColumn(name=feature.name, source=position, kind="code" if chosen.categories == "ordinal" else "as_is")
    ]


def _number(
    feature: FeatureColumn, position: int, values: NDArray[np.float32], chosen: Preprocessing
) -> PreparedColumn:
    known = values[~np.isnan(values)].astype(np.float64)  # the mean of two of the largest float32 is none
    fill = float(np.median(known)) if chosen.missing == "median" and len(known) else None
    if feature.type == "boolean" or chosen.numbers == "as_is" or not len(known):
        return PreparedColumn(name=feature.name, source=position, fill=fill)
    if chosen.numbers == "log":
        return PreparedColumn(name=feature.name, source=position, kind="log", fill=fill)
    ranks = np.unique(np.quantile(known, np.linspace(0, 1, RANKS)))
    return PreparedColumn(
        name=feature.name, source=position, kind="rank", fill=fill, ranks=tuple(float(rank) for rank in ranks)
    )
