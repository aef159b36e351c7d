"""Which batches a run trains on: all that are ready, or the newest that hold enough rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from comal import s3_layout
from comal.recipe import Recipe


@dataclass(frozen=True)
class BatchCounts:
    """How many validated batches a model has: ready to train on, and waiting for their windows."""

    ready: int
    waiting: int = 0

    @property
    def lack(self) -> str:
        """Why there is nothing to train on, without a full stop; empty when there is something."""
        if self.ready:
            return ""
        if not self.waiting:
            return "there is no validated batch to train on"
        batches = (
            "1 validated batch waits for its"
            if self.waiting == 1
            else f"{self.waiting} validated batches wait for their"
        )
        return f"{batches} windows, which are still being computed"


def count_batches(batches: Iterable[dict[str, Any]], recipe: Recipe) -> BatchCounts:
    """Counts rows of the batches table that are validated."""
    validated = list(batches)
    ready = sum(1 for _ in ready_batches(validated, recipe))
    return BatchCounts(ready, len(validated) - ready)


def keys_in_window(batches: Iterable[dict[str, Any]], recipe: Recipe) -> list[str]:
    """Keys in the lake of the batches of a run, in order of their names.

    Args:
        batches: Rows of the batches table that are validated.
        recipe: Says how many rows the newest batches must hold together; a batch is taken whole.
    """
    ready = list(ready_batches(batches, recipe))
    newest_rows = recipe.training.newest_rows
    if newest_rows is None:
        return sorted(batch["key"] for batch in ready)
    keys: list[str] = []
    rows = 0
    for batch in sorted(ready, key=lambda each: (each["received_at"], each["key"]), reverse=True):
        if rows >= newest_rows:
            break
        keys.append(batch["key"])
        rows += int(batch["rows"])
    return sorted(keys)


def ready_batches(batches: Iterable[dict[str, Any]], recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Rows of the batches table, each with the `key` to train from; those that wait for their windows are left out."""
    for row in batches:
        key = row["validated_key"]
        if recipe.feature_groups:
            key = s3_layout.features_of(key, recipe.model, recipe.feature_definition)
            if row.get("features_key") != key:
                continue
        yield {**row, "key": key}
