"""Where moments fall among others, entity by entity: the search that windows and point-in-time joins share."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def places(entities: Ints, times: Ints, of_entities: Ints, at: Ints, *, inclusive: bool) -> Ints:
    """How many entries come before each moment, in the order of (entity, time).

    Args:
        entities: Entity of each entry, as a code; entries are sorted by (entity, time).
        times: Time of each entry.
        of_entities: Entity of each moment.
        at: The moments.
        inclusive: Whether entries of the same entity and time come before.

    Returns:
        A position for each moment; those of smaller codes are counted, so two positions of one entity are a slice.
    """
    moments_first = np.concatenate([np.full(len(times), not inclusive), np.full(len(at), inclusive)])
    order = np.lexsort((moments_first, np.concatenate([times, at]), np.concatenate([entities, of_entities])))
    is_entry = order < len(times)
    found = np.empty(len(at), dtype=np.int64)
    found[order[~is_entry] - len(times)] = np.cumsum(is_entry)[~is_entry]
    return found
