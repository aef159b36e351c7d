"""The record of a run, gathered when its model is saved and scored."""

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from comal.evaluation import Evaluation
from comal.leaderboard import Leaderboard
from comal.lineage import Lineage
from comal.recipe import Recipe
from comal.run_record import Curve, Data, Plots, RunRecord, Structure
from training.algorithms.parameters import DEFAULT_ROUNDS, Value

# Of the section `training`, beside the algorithm's own parameters.
_SAID = {"preprocessing", "calibration", "quantile", "instances", "holdout", "newest_rows"}


@dataclass
class Stopwatch:
    """How long each step of a run takes."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.monotonic)

    def lap(self, step: str) -> None:
        """A step has ended, and the next begins."""
        now = time.monotonic()
        self.seconds[step] = round(now - self._last, 3)
        self._last = now


def run_record(
    recipe: Recipe,
    evaluation: Evaluation,
    lineage: Lineage,
    stopwatch: Stopwatch,
    *,
    structure: Structure,
    curve: Curve | None,
    plots: Plots,
    search: Leaderboard | None,
) -> RunRecord:
    """Everything that is known of the run; `recipe` is the one that was fitted by, after a search the winner's."""
    return RunRecord(
        model=recipe.model,
        run_id=evaluation.run_id,
        task=recipe.task,
        target=recipe.target,
        metric=recipe.metric,
        algorithm=algorithm_of(recipe),
        parameters=parameters_of(recipe),
        structure=structure,
        metrics=evaluation.challenger.metrics,
        champion=evaluation.champion.metrics if evaluation.champion else {},
        baseline=evaluation.baseline.metrics,
        curve=curve,
        data=Data(
            batches=len(lineage.inputs),
            trained_rows=evaluation.trained_rows,
            held_out_rows=evaluation.held_out_rows,
            sha256=_fingerprint(lineage),
        ),
        libraries=lineage.libraries,
        hardware=lineage.hardware,
        code_sha256=lineage.code_sha256,
        artifact_sha256=lineage.artifact_sha256,
        started=stopwatch.started.isoformat(timespec="milliseconds"),
        ended=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=stopwatch.seconds,
        plots=plots,
        search=search,
    )


def algorithm_of(recipe: Recipe) -> str:
    """The kit's algorithm, or the team's own fit."""
    return recipe.training.fit or recipe.training.algorithm


def parameters_of(recipe: Recipe) -> dict[str, Value]:
    """Everything of `training` that the fit depends on: what the recipe says, and the kit's own defaults."""
    training = recipe.training
    said = training.model_dump(include=_SAID, exclude_defaults=True, exclude_none=True)
    prepared = {f"preprocessing.{name}": value for name, value in said.pop("preprocessing", {}).items()}
    return {**_defaults(recipe), **training.params, **prepared, **said, "seed": training.seed}


def _defaults(recipe: Recipe) -> dict[str, Value]:
    if recipe.training.fit is not None:
        return {}
    # Each algorithm is imported where it is used: a linear model needs no XGBoost.
    if recipe.training.algorithm == "xgboost":
        from training.algorithms.xgboost import DEFAULTS as XGBOOST

        return {**XGBOOST, "num_boost_round": DEFAULT_ROUNDS}
    if recipe.training.algorithm == "lightgbm":
        from training.algorithms.lightgbm import DEFAULTS as LIGHTGBM

        return {**LIGHTGBM, "num_boost_round": DEFAULT_ROUNDS}
    return {"alpha": 1.0}


def _fingerprint(lineage: Lineage) -> str:
    return hashlib.sha256("\n".join(sorted(entry.sha256 for entry in lineage.inputs)).encode()).hexdigest()
