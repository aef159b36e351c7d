"""What a search for the best model tried; a part of the run's record."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

TrialState = Literal["complete", "pruned", "failed", "stopped"]


class Trial(BaseModel):
    """One choice of preprocessing, algorithm and parameters.

    Attributes:
        rank: 1 for the best score; None for what was not scored to the end.
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


class Choice(BaseModel):
    """What was decided, and why: the recipe is left for a trial that gains more than the gain's standard error.

    Attributes:
        trial: Number of the trial that the model is trained by; 0 keeps the recipe as it is.
        compared: Number of the trial that was compared with the recipe, `trial` unless that is 0; None without one.
        gain: By how much its metric is better, averaged over the folds.
        error: Standard error of the gain.
        repeats: How often the rows were cut anew for it; 0 where the folds of all trials decided.
        score: The metric of `trial` on these folds.
    """

    model_config = ConfigDict(extra="forbid")

    trial: int
    compared: int | None
    gain: float
    error: float
    repeats: int
    score: float


class Leaderboard(BaseModel):
    """Every trial of one search.

    Attributes:
        metric: Metric that the trials were ranked by, that of the gate.
        folds: The training rows were cut in so many parts, each scored by a model of the others.
        rows: Training rows; held-out rows are not among them.
        ended_by: What ended the search.
        seconds: How long it took.
        trials: Best first, then those without a rank in the order of their numbers.
        choice: Which of them was chosen; None where the time did not suffice for one.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    metric: str
    folds: int
    rows: int
    ended_by: Literal["trials", "minutes", "stop"]
    seconds: float
    trials: list[Trial]
    choice: Choice | None = None

    @property
    def winner(self) -> Trial | None:
        """The trial that was chosen; None where the time did not suffice for one."""
        return self._trial(self.choice.trial) if self.choice else None

    @property
    def own(self) -> Trial:
        """The recipe as it was."""
        return self._trial(0)

    @property
    def decision(self) -> str:
        """A sentence for people: what was decided, and why."""
        choice = self.choice
        if choice is None:
            return "No trial was complete, so the recipe is trained as it is."
        if choice.compared is None:
            return "No other trial was complete, so the recipe is trained as it is."
        compared = f"trial {choice.compared} ({self._trial(choice.compared).algorithm})"
        often = "once" if choice.repeats == 1 else f"{choice.repeats} times"
        folds = f"folds cut anew {often}" if choice.repeats else "the folds of all trials"
        gain = f"gains {choice.gain:.3g} ± {choice.error:.2g} over it on {folds}"
        if choice.trial == 0:
            return f"The recipe is kept as it is: {compared} {gain}, no more than luck might."
        return f"The recipe is left for {compared} with {self.metric} {choice.score:.4g}, which {gain}."

    def _trial(self, number: int) -> Trial:
        return next(trial for trial in self.trials if trial.number == number)
