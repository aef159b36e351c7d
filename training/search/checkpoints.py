"""After how many rounds a growing model is scored.

Scores of trials are compared where they have learnt as much, rounds times the size of a step, not where they have the
same rounds: a slow learner would be given up before it overtakes.
"""

from collections.abc import Sequence

from comal.recipe_training import Training
from training.algorithms.parameters import DEFAULT_ROUNDS, positive_integer

_FIRST, _LAST, _FACTOR = 1.0, 60.0, 1.2
_MOST_ROUNDS = 3000
# From this checkpoint on, a trial may be given up as worse than others.
WARM_UP = 8
_STEP_SIZE = {"xgboost": ("eta", "learning_rate"), "lightgbm": ("learning_rate",)}
_DEFAULT_STEP_SIZE = 0.1


def checkpoints_of(training: Training) -> list[int]:
    """Rounds at which a trial is scored, ascending; those of learning rate 0.1 are 10, 12, … 600."""
    size = _step_size(training)
    rounds = []
    learnt = _FIRST
    while learnt <= _LAST:
        rounds.append(max(1, round(learnt / size)))
        learnt *= _FACTOR
    return sorted({each for each in rounds if each <= _MOST_ROUNDS})


def own_checkpoints(training: Training) -> list[int]:
    """Those of a recipe that says itself how many rounds it takes; the last is that number."""
    last = positive_integer(training.params, "num_boost_round", DEFAULT_ROUNDS)
    return [*(each for each in checkpoints_of(training) if each < last), last]


def _step_size(training: Training) -> float:
    for name in _STEP_SIZE[training.algorithm]:
        value = training.params.get(name)
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return _DEFAULT_STEP_SIZE


def has_stalled(scores: Sequence[float], patience: int = 3) -> bool:
    """Whether the best score (least) is `patience` checkpoints old."""
    return len(scores) > patience and min(scores[:-patience]) <= min(scores[-patience:])
