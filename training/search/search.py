"""Tries ways to train until the budget is used up, and says which was best."""

import time
from dataclasses import dataclass

import optuna
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from comal.errors import ComalError
from comal.leaderboard import Choice, Leaderboard, Trial
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER
from comal.recipe_training import Preprocessing, Training
from comal.training_job import SCORE
from training.progress import say
from training.rows import Rows
from training.schema import schema_of
from training.search.budget import Budget, EndedBy
from training.search.checkpoints import WARM_UP
from training.search.choice import Finalist, compare, repeats_for
from training.search.folds import make_folds
from training.search.space import Space, space_of
from training.search.validation import (
    CrossValidation,
    OutOfTimeError,
    PrunedError,
    Report,
    SearchedRows,
    with_training,
)
from training.stop import StopRequest

# A trial is compared with the median of others once so many of them are complete.
_TRIALS_BEFORE_PRUNING = 4
# What a search says that had no time for the recipe itself.
_NO_SCORE = 1e30
# Share of the time that is left to compare finalists on rows that are cut anew, where it suffices for that once.
_HELD_BACK = 1 / 3


@dataclass(frozen=True)
class Found:
    """What a search ends with.

    Attributes:
        recipe: The recipe with the winner's way to train, and no search.
    """

    recipe: Recipe
    leaderboard: Leaderboard


def search(rows: Rows, recipe: Recipe, seed: int, stop: StopRequest) -> Found:
    """Search on the training rows; the held-out rows are not looked at.

    Args:
        rows: The run's rows.
        recipe: Its `training.search` says how long; its own way to train is the first trial.
        seed: Of the trials' choices; folds are drawn by the recipe's own.
        stop: Ends the search; what was best so far is found.

    Raises:
        ComalError: The recipe's own way to train cannot be used, or there are too few rows.
    """
    schema = schema_of(recipe, rows.training_classes())
    matrix, target = rows.matrix[rows.training], rows.training_target(schema.classes)
    folds = make_folds(target, recipe.training.seed, two_classes=recipe.task == "binary")
    searched = SearchedRows(matrix, target, schema, folds)
    trials = _Trials(recipe, searched, space_of(recipe, schema, matrix, target), seed, stop)
    say(
        f"Searching among {', '.join(trials.space.algorithms)}: at most {trials.budget.trials} trials, "
        f"{len(folds)} folds of {len(target)} rows."
    )
    ended_by = trials.run()
    choice = trials.choose()
    board = Leaderboard(
        metric=recipe.metric,
        folds=len(folds),
        rows=len(target),
        ended_by=ended_by,
        seconds=round(trials.budget.seconds, 3),
        trials=_ranked(trials.done, recipe.metric),
        choice=choice,
    )
    say(f"Search: {len(board.trials)} trials in {board.seconds:.0f} s (ended by {ended_by}). {board.decision}")
    if choice is None:
        # A tuning job wants a number of every job: one that any job with a score is better than.
        say(f"metric {SCORE}={-_NO_SCORE if recipe.metric in HIGHER_IS_BETTER else _NO_SCORE!r}")
        return Found(with_training(recipe, recipe.training), board)
    say(f"metric {SCORE}={choice.score!r}")
    return Found(trials.finalists[choice.trial].recipe, board)


class _Trials:
    """Trials one after the other, and what became of each.

    Attributes:
        finalists: Those that are complete, by number; rounds that cross-validation found are among their parameters.
    """

    def __init__(self, recipe: Recipe, rows: SearchedRows, space: Space, seed: int, stop: StopRequest) -> None:
        assert recipe.training.search is not None  # nobody searches without being asked to
        self.space = space
        self.budget = Budget(recipe.training.search, stop)
        self.done: list[Trial] = []
        self.finalists: dict[int, Finalist] = {}
        self._recipe = recipe
        self._rows = rows
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(
            sampler=TPESampler(seed=seed, n_startup_trials=2 * len(space.algorithms) + 2),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_TRIALS_BEFORE_PRUNING, n_warmup_steps=WARM_UP),
        )

    def run(self) -> EndedBy:
        """Try the recipe's own way, then others, until something ends it."""
        self._try_own()
        if repeats_for(len(self._rows.target)):
            finalists = 1 + len(self.space.algorithms)
            self.budget.hold_back(_HELD_BACK, at_least_s=finalists * self.done[0].seconds)
        for start in self.space.starts():
            self._study.enqueue_trial(start)
        while len(self.done) < self.budget.trials and not self.budget.exhausted:
            self._try_next()
        return self.budget.exhausted or "trials"

    def choose(self) -> Choice | None:
        """The trial to train by: the best of those that gain more than luck over the recipe as it is, or that itself.

        Of each algorithm the best trial is compared: one of many like it is ahead of them by luck as often as not.
        """
        if 0 not in self.finalists:
            return None
        best: dict[str, Finalist] = {}
        for trial in _ranked(self.done, self._recipe.metric):
            if trial.number and trial.number in self.finalists:
                best.setdefault(trial.algorithm, self.finalists[trial.number])
        self.budget.hold_back(0)
        own, *others = compare(self.finalists[0], list(best.values()), self._rows, self.budget)
        chosen = next((one for one in others if one.is_better), own)
        shown = chosen if chosen is not own else next(iter(others), own)
        return Choice(
            trial=chosen.number,
            compared=shown.number or None,
            gain=shown.gain,
            error=shown.error,
            repeats=shown.repeats,
            score=self._score(chosen.loss),
        )

    def _try_own(self) -> None:
        reported: dict[int, float] = {}

        def report(step: int, loss: float) -> bool:
            reported[step] = loss
            return False

        own = self._recipe.training
        trial = self._attempt(own, report, own=True)
        if trial.state == "complete":
            # It has none of the searched parameters, but others are compared with it.
            self._study.add_trial(
                optuna.trial.create_trial(value=self._loss(trial), params={}, intermediate_values=reported)
            )

    def _try_next(self) -> None:
        asked = self._study.ask()

        def report(step: int, loss: float) -> bool:
            asked.report(loss, step)
            return asked.should_prune()

        trial = self._attempt(self.space.choose(asked, self._recipe.training), report)
        if trial.state == "complete":
            self._study.tell(asked, self._loss(trial))
        else:
            self._study.tell(asked, state=TrialState.PRUNED if trial.state == "pruned" else TrialState.FAIL)

    def _attempt(self, training: Training, report: Report, *, own: bool = False) -> Trial:
        number, began = len(self.done), time.monotonic()
        recipe = with_training(self._recipe, training)
        loss, state, reason = None, "complete", ""
        validation = CrossValidation(self._rows, recipe, self.budget, report, own)
        try:
            validated = validation.run()
            loss = validated.loss
            if validated.rounds is not None and not own:
                recipe = with_training(recipe, recipe.training, {"num_boost_round": validated.rounds})
            self.finalists[number] = Finalist(number, recipe, validated.losses)
        except OutOfTimeError:
            state = "stopped"
        except PrunedError:
            state = "pruned"
        except ComalError as error:
            if own:
                raise
            state, reason = "failed", error.message
        rounds, losses = validation.curve
        trial = Trial(
            number=number,
            algorithm=recipe.training.algorithm,
            params=dict(recipe.training.params),
            preprocessing=_chosen(recipe.training.preprocessing),
            score=None if loss is None else self._score(loss),
            rounds=rounds,
            scores=[self._score(each) for each in losses],
            seconds=round(time.monotonic() - began, 3),
            state=state,
            reason=reason,
        )
        self.done.append(trial)
        say(_line(trial, self.budget.trials, self._recipe.metric, _ranked(self.done, self._recipe.metric)[0]))
        return trial

    def _loss(self, trial: Trial) -> float:
        assert trial.score is not None  # a complete trial has one
        return self._score(trial.score)

    def _score(self, loss: float) -> float:
        """The metric of a loss, or the loss of a metric: what is better when higher is negated."""
        return -loss if self._recipe.metric in HIGHER_IS_BETTER else loss


def _chosen(preprocessing: Preprocessing) -> dict[str, str]:
    return {str(name): str(value) for name, value in preprocessing.model_dump(exclude_defaults=True).items()}


def _ranked(trials: list[Trial], metric: str) -> list[Trial]:
    """Best first; of two that are as good the earlier, so that the recipe's own way is left for a better one only."""
    sign = -1 if metric in HIGHER_IS_BETTER else 1
    complete = sorted((one for one in trials if one.score is not None), key=lambda one: sign * (one.score or 0.0))
    ranked = [one.model_copy(update={"rank": place}) for place, one in enumerate(complete, start=1)]
    return ranked + [one for one in trials if one.score is None]


def _line(trial: Trial, trials: int, metric: str, best: Trial) -> str:
    result = trial.state if trial.score is None else f"{metric} {trial.score:.4g}"
    so_far = "" if best.score is None else f"; best {best.score:.4g} (trial {best.number})"
    reason = f" ({trial.reason})" if trial.reason else ""
    return f"Trial {trial.number} of {trials}, {trial.algorithm}: {result}{reason} in {trial.seconds:.1f} s{so_far}."
