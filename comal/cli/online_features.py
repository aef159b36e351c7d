"""What is online of the entities of rows that a model is asked about."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal.cli.feature_groups import OpenGroup
from comal.contract_columns import ColumnCheck, column_checks
from comal.recipe import Recipe


def entity_texts(check: ColumnCheck, column: pa.Array) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Entities as the feature store names them, whatever a file calls them: the text of what validation makes of them.

    Returns:
        Texts, null where there is no value, and which rows do not fit the recipe.
    """
    converted = check.convert(column)
    texts = converted.values.cast(pa.string())
    return texts, np.asarray(texts.is_null().to_numpy(zero_copy_only=False) & ~converted.missing, dtype=np.bool_)


class OnlineFeatures:
    """Completes rows for a model with what is online of their entities; what a row says itself stays."""

    def __init__(self, groups: list[OpenGroup], recipe: Recipe) -> None:
        self._groups = groups
        self._checks = column_checks(recipe)
        self._known: dict[tuple[str, str], dict[str, float]] = {}

    def complete(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the windows of its entities; null where nothing is known."""
        for one in self._groups:
            texts, _ = entity_texts(self._checks[one.group.entity], pa.array([row.get(one.group.entity)]))
            (entity,) = texts.to_pylist()
            known = self._of(one, entity) if entity is not None else {}
            row = {**{window: known.get(window) for window in one.group.windows}, **row}
        return row

    def _of(self, one: OpenGroup, entity: str) -> dict[str, float]:
        key = (one.name, entity)
        if key not in self._known:
            self._known[key] = one.online(entity) or {}
        return self._known[key]
