"""Files that must end in quarantine, one for each way in which a file breaks its recipe."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from examples.tacos.simulator import write_csv

NULL_SHARE = 0.4
_EVERY = 10


def poison(table: pa.Table, kind: str) -> bytes:
    """A broken CSV made from good orders.

    Args:
        table: Good orders.
        kind: One of KINDS: missing_column, wrong_type, unknown_store, many_nulls, empty, not_csv.

    Raises:
        KeyError: There is no such kind.
    """
    return KINDS[kind](table)


def _missing_column(table: pa.Table) -> bytes:
    return _as_csv(table.drop_columns(["distance_km"]))


def _wrong_type(table: pa.Table) -> bytes:
    """Every tenth basket is written in words."""
    sizes = [str(size) for size in table.column("basket_size").to_pylist()]
    sizes[::_EVERY] = ["three"] * len(sizes[::_EVERY])
    return _as_csv(_with(table, "basket_size", pa.array(sizes)))


def _unknown_store(table: pa.Table) -> bytes:
    """Every tenth order comes from a store that the recipe does not know."""
    stores = table.column("store").to_pylist()
    stores[::_EVERY] = ["poniente"] * len(stores[::_EVERY])
    return _as_csv(_with(table, "store", pa.array(stores)))


def _many_nulls(table: pa.Table) -> bytes:
    """Two of five distances are missing."""
    missing = np.arange(table.num_rows) % 5 < 5 * NULL_SHARE
    distances = table.column("distance_km").to_numpy()
    return _as_csv(_with(table, "distance_km", pa.array(distances, mask=missing | np.isnan(distances))))


def _empty(_table: pa.Table) -> bytes:
    return b""


def _not_csv(table: pa.Table) -> bytes:
    """An image under a CSV's name: PNG's signature and bytes that are no text."""
    return b"\x89PNG\r\n\x1a\n" + np.random.default_rng(table.num_rows).bytes(2048)


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def _as_csv(table: pa.Table) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        write_csv(table, path)
        return path.read_bytes()


KINDS: dict[str, Callable[[pa.Table], bytes]] = {
    "missing_column": _missing_column,
    "wrong_type": _wrong_type,
    "unknown_store": _unknown_store,
    "many_nulls": _many_nulls,
    "empty": _empty,
    "not_csv": _not_csv,
}
