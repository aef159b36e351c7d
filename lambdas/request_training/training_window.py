"""Which validated batches a run trains on: all of them, or the newest that hold enough rows."""

from collections.abc import Iterable
from typing import Any


def keys_in_window(batches: Iterable[dict[str, Any]], newest_rows: int | None) -> list[str]:
    """Keys of the batches of a run, in order of their names.

    Args:
        batches: Rows of the batches table: key, received_at (ISO 8601, UTC) and rows.
        newest_rows: Rows that the newest batches must hold together; None takes every batch. A batch is taken whole.
    """
    if newest_rows is None:
        return sorted(batch["key"] for batch in batches)
    keys: list[str] = []
    rows = 0
    for batch in sorted(batches, key=lambda each: (each["received_at"], each["key"]), reverse=True):
        if rows >= newest_rows:
            break
        keys.append(batch["key"])
        rows += int(batch["rows"])
    return sorted(keys)
