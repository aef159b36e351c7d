"""What a search for the best model tried; a part of the run's record."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

TrialState = Literal["complete", "pruned", "failed", "stopped"]


class Trial(BaseModel):
    """One choice of preprocessing, algorithm and parameters.

    Attributes:
        rank: 1 for the winner; None for what was not scored to the end.
        number: In the order of the trials; 0 is the recipe as it was.
        preprocessing: What differs from the defaults.
        score: The metric, averaged over the folds.
        rounds: Rounds after which it was scored; empty for a model that has none.
        scores: The metric after each: averaged over the folds, of a trial that was given up by its first fold.
        seconds: How long it took.
        state: `pruned` was given up as worse than others at the same point, `stopped` ran out of the search's time.
        reason: Why it failed.
    """

    model_config = ConfigDict(extra="forbid")

    rank: int | None = None
    number: int
    algorithm: str
    params: dict[str, Any]
    preprocessing: dict[str, str]
    score: float | None
    rounds: list[int] = []
    scores: list[float] = []
    seconds: float
    state: TrialState
    reason: str = ""


class Leaderboard(BaseModel):
    """Every trial of one search.

    Attributes:
        metric: Metric that the trials were ranked by, that of the gate.
        folds: The training rows were cut in so many parts, each scored by a model of the others.
        rows: Training rows; held-out rows are not among them.
        ended_by: What ended the search.
        seconds: How long it took.
        trials: Best first, then those without a rank in the order of their numbers.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    metric: str
    folds: int
    rows: int
    ended_by: Literal["trials", "minutes", "stop"]
    seconds: float
    trials: list[Trial]

    @property
    def winner(self) -> Trial | None:
        """The best trial; None where the time did not suffice for one."""
        return self.trials[0] if self.trials and self.trials[0].rank == 1 else None

    @property
    def own(self) -> Trial:
        """The recipe as it was."""
        return next(trial for trial in self.trials if trial.number == 0)
