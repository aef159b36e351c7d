"""Which of the best trials is better than the recipe, and not only luckier on the folds that ranked them.

The best score of dozens of trials is partly luck, the more so the fewer the rows (Cawley and Talbot, On Over-fitting in
Model Selection and Subsequent Selection Bias in Performance Evaluation, JMLR 11, 2010,
https://www.jmlr.org/papers/v11/cawley10a.html). So a few finalists are scored again, on folds that no trial was ranked
by, and the recipe is left for a gain above its standard error only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comal.errors import ComalError
from comal.recipe import Recipe
from training.progress import say
from training.search.budget import Budget
from training.search.folds import Fold, make_folds
from training.search.validation import CrossValidation, OutOfTimeError, SearchedRows

# Of a small table luck is large and a fit short; beyond so many rows it is the other way round, and no fold is added.
_MOST_REPEATS = 5
_ROWS_OF_ALL_REPEATS = 5_000


@dataclass(frozen=True)
class Finalist:
    """A complete trial.

    Attributes:
        recipe: With its way to train, the number of rounds included.
        losses: Of each fold that the trials were ranked by.
    """

    number: int
    recipe: Recipe
    losses: Sequence[float]


@dataclass(frozen=True)
class Compared:
    """A trial beside the recipe as it is.

    Attributes:
        number: Of the trial.
        loss: Its mean over the folds.
        gain: How much less that is than the recipe's.
        error: Standard error of the gain.
        repeats: How often the rows were cut anew; 0 where the folds are those that the trials were ranked by.
    """

    number: int
    loss: float
    gain: float
    error: float
    repeats: int

    @property
    def is_better(self) -> bool:
        """By more than luck: the one-standard-error rule (Breiman et al., Classification and Regression Trees, 1984).

        The recipe takes the place of their simplest model: it is what a team knows, and what it has without a search.
        """
        return self.gain > self.error


def repeats_for(rows: int) -> int:
    """How often so many rows are cut anew."""
    return min(_MOST_REPEATS, _ROWS_OF_ALL_REPEATS // rows)


def compare(own: Finalist, others: Sequence[Finalist], rows: SearchedRows, budget: Budget) -> list[Compared]:
    """The recipe as it is, then the others, best first.

    Args:
        own: The recipe as it is, whose seed cuts the folds: the same for every search of these rows.
        others: What is compared with it.
        rows: With the folds that the trials were ranked by.
        budget: Ends it early; what is known by then counts.
    """
    repeats = list(_fresh_losses([own, *others], rows, budget)) if others else []
    losses = np.hstack(repeats) if repeats else np.array([one.losses for one in (own, *others)])
    compared = [
        Compared(one.number, float(mine.mean()), *_gain(losses[0] - mine, rows.folds), len(repeats))
        for one, mine in zip((own, *others), losses, strict=True)
    ]
    return [compared[0], *sorted(compared[1:], key=lambda one: one.loss)]


def _fresh_losses(finalists: Sequence[Finalist], rows: SearchedRows, budget: Budget) -> Iterator[NDArray[np.float64]]:
    """For each time that the rows are cut anew the losses, of shape (finalists, folds)."""
    recipe, count = finalists[0].recipe, repeats_for(len(rows.target))
    if count:
        numbers = ", ".join(str(one.number) for one in finalists[1:])
        say(f"Comparing trials {numbers} with the recipe as it is on folds that are cut anew, {count} times.")
    for repeat in range(1, count + 1):
        folds = make_folds(rows.target, recipe.training.seed + repeat, two_classes=recipe.task == "binary")
        cut = replace(rows, folds=folds)
        try:
            yield np.array([CrossValidation(cut, one.recipe, budget).losses() for one in finalists])
        except (OutOfTimeError, ComalError):  # a fold that cannot be scored compares nothing
            return


def _gain(gains: NDArray[np.float64], folds: Sequence[Fold]) -> tuple[float, float]:
    """Mean and standard error of what is gained fold by fold.

    Models of different folds share most of their rows, so that folds count for less than as many independent ones:
    Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 52, 2003,
    https://doi.org/10.1023/A:1024068626366; over repeats after Bouckaert and Frank, PAKDD 2004.
    """
    scored_for_each_fitted = 1 / (len(folds) - 1)
    return float(gains.mean()), float(np.sqrt((1 / gains.size + scored_for_each_fitted) * gains.var(ddof=1)))
