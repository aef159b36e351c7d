"""The training rows in parts, each of which is scored by a model of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comal.errors import AlgorithmError

# Of a small table every row counts and a fit takes no time; of a large one three parts tell choices apart.
_FEWEST, _MOST = 3, 10
_ROWS_OF_ALL_FOLDS = 20_000
_FEWEST_ROWS = 20


@dataclass(frozen=True)
class Fold:
    """Positions of the rows to fit and of those to score."""

    fitted: NDArray[np.intp]
    scored: NDArray[np.intp]


def make_folds(target: NDArray[np.float64], seed: int, *, two_classes: bool) -> Sequence[Fold]:
    """Three to ten folds, of which each has its share of every class, or of high and low targets.

    Args:
        target: Targets of the training rows, of shape (rows,).
        seed: Of the shuffle.
        two_classes: Whether each fold needs a row of both classes, which auc does.

    Raises:
        AlgorithmError: There are too few rows to cross-validate.
    """
    rows = len(target)
    if rows < _FEWEST_ROWS:
        raise AlgorithmError(
            f"Cross-validation takes {_FEWEST_ROWS} training rows, and there are {rows}.",
            next_step="Push more rows, or remove training.search and training.calibration.",
        )
    count = min(max(_ROWS_OF_ALL_FOLDS // rows, _FEWEST), _MOST)
    if two_classes:
        count = max(2, min(count, int(np.bincount(target.astype(np.int64)).min())))
    shuffled = np.random.default_rng(seed).permutation(rows)
    dealt = shuffled[np.argsort(target[shuffled], kind="stable")]
    fold_of = np.empty(rows, dtype=np.intp)
    fold_of[dealt] = np.arange(rows) % count
    return [Fold(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(count)]
