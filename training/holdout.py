"""Which rows no version of a model ever trains on, so that challenger and champion can be judged on them.

A row is held out when a hash of (batch id, row number) falls below the share. The choice depends on nothing else: not
on the run, the seed or the other batches; and a larger share holds out every row that a smaller one did.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def held_out_rows(batch_id: str, rows: int, share: float) -> NDArray[np.bool_]:
    """Mask of the held-out rows of one batch.

    Args:
        batch_id: Identity of the batch.
        rows: Number of rows in the batch.
        share: Share to hold out, between 0 and 1.

    Returns:
        Boolean array of shape (rows,).
    """
    return _uniform(batch_id, rows) < share


def _uniform(batch_id: str, rows: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each row: SplitMix64 (https://doi.org/10.1145/2714064.2660195) seeded by the batch."""
    seed = np.uint64(int.from_bytes(hashlib.sha256(batch_id.encode()).digest()[:8], "little"))
    state = seed + (np.arange(1, rows + 1, dtype=np.uint64) * _WEYL)
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
