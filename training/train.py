"""`python -m training train`: rows in, a model with its evaluation, card, lineage and profile out."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from comal.errors import ComalError
from comal.evaluation import Evaluation
from comal.leaderboard import Leaderboard
from comal.recipe import Recipe
from comal.run_record import FILE_NAME as RECORD_FILE
from comal.run_record import REPORT_NAME as REPORT_FILE
from comal.run_record import RunRecord
from training.artifacts import write_documents, write_model
from training.card import FILE_NAME as CARD_FILE
from training.card import model_card
from training.champion import unseen_by
from training.channels import Champion, Job, read_job
from training.dataset import find_batches
from training.evaluate import (
    HeldOut,
    Predictions,
    predict,
    predict_champion,
    score_baseline,
    score_challenger,
    score_champion,
)
from training.failure import describe
from training.fit import fit
from training.gain import gain_of, slices_of
from training.growth import learning_curve, structure_of
from training.hosts import Hosts
from training.importance import FILE_NAME as IMPORTANCE_FILE
from training.importance import importances
from training.lineage import lineage_of
from training.model import TrainedModel
from training.paths import TrainPaths
from training.plot_points import plot_points
from training.progress import say, say_metrics
from training.recent import score_recent
from training.record import Stopwatch, run_record
from training.reference import FILE_NAME as PROFILE_FILE
from training.reference import PREDICTIONS_FILE_NAME, prediction_profile, reference_profile
from training.report import report_page
from training.rows import Rows, read_rows
from training.stop import StopRequest
from training.team import Team, team_of
from training.tracking import track, track_failure

# SageMaker kills a job two minutes after it asked it to stop: a search that was stopped has this to fit what it found.
SECONDS_TO_FIT = 60.0


def train(paths: TrainPaths, stop: StopRequest, environment: Mapping[str, str] = os.environ) -> None:
    """Run one training job.

    Args:
        paths: Where the job's inputs lie and its outputs go.
        stop: Asked for by SIGTERM: the fit ends after its round, and what was fitted is evaluated and saved.
        environment: Names the experiment tracker, or does not (comal.tracking).

    Raises:
        ComalError: The inputs cannot be trained on; the message is the job's failure reason.
    """
    stopwatch = Stopwatch()
    job = read_job(paths)
    hosts = Hosts.read(paths.config / "resourceconfig.json")
    try:
        with team_of(hosts) as team:
            _train(paths, job, stop, team, stopwatch, environment)
    except Exception as error:
        if hosts.current == hosts.first:
            track_failure(job.recipe, job.hyperparameters.run_id, describe(error), environment)
        raise


def _train(
    paths: TrainPaths, job: Job, stop: StopRequest, team: Team, stopwatch: Stopwatch, environment: Mapping[str, str]
) -> None:
    batches = find_batches(job.rows)
    rows = read_rows(batches, job.recipe)
    if job.champion is not None:
        rows = unseen_by(job.champion, rows)
    say(
        f"Read {len(batches)} batches for model {job.recipe.model}: "
        f"{rows.training.sum()} rows to train on, {rows.held_out.sum()} held out."
    )
    stopwatch.lap("read")
    stop.check()
    recipe, board = _choose(job, rows, stop)
    trained, device = fit(rows, recipe, stop, job.own_fit, paths.checkpoints, team)
    if not team.is_first:
        say(f"Fitted; {team.hosts.first} evaluates and saves.")
        return
    stopwatch.lap("fit")
    held_out = _held_out(trained, rows)
    found = predict(trained, held_out.matrix, held_out)
    evaluation = _evaluate(trained, found, rows, held_out, job)
    _say_scores(evaluation)
    lineage = lineage_of(job, batches, device, datetime.now(UTC), write_model(paths, trained, recipe))
    importance = importances(trained, held_out, recipe)
    curve = learning_curve(trained, rows, held_out, recipe)
    plots = plot_points(trained, found, held_out, importance, recipe.training.seed)
    stopwatch.lap("evaluate")
    structure = structure_of(trained, recipe)
    record = run_record(
        recipe, evaluation, lineage, stopwatch, structure=structure, curve=curve, plots=plots, search=board
    )
    # First, so that a job that is killed while it waits for a tracker has left everything else.
    write_documents(
        paths,
        {
            "evaluation.json": evaluation.model_dump_json(indent=2),
            "lineage.json": lineage.model_dump_json(indent=2),
            PROFILE_FILE: reference_profile(batches, rows.training, job.recipe).to_json(),
            PREDICTIONS_FILE_NAME: prediction_profile(trained, held_out, job.recipe).to_json(),
            IMPORTANCE_FILE: importance.model_dump_json(indent=2),
            **_documents_of(record),
            CARD_FILE: json.dumps(model_card(recipe, evaluation, lineage, importance, stopped=stop.asked), indent=2),
        },
    )
    say_metrics(evaluation)
    tracked = track(record, report_page(record), environment)
    if tracked is not record:
        write_documents(paths, _documents_of(tracked))


def _documents_of(record: RunRecord) -> dict[str, str]:
    return {RECORD_FILE: record.model_dump_json(indent=1), REPORT_FILE: report_page(record)}


def _choose(job: Job, rows: Rows, stop: StopRequest) -> tuple[Recipe, Leaderboard | None]:
    """The recipe to fit by, and what the search for it tried, if there was one."""
    if job.recipe.training.search is None:
        return job.recipe, None
    # Half a second of imports, which a run without a search does not need.
    from training.search.search import search

    # A job that is one of several has a seed of its own.
    seed = job.hyperparameters.search_seed
    found = search(rows, job.recipe, job.recipe.training.seed if seed is None else seed, stop)
    stop.grant(SECONDS_TO_FIT)
    return found.recipe, found.leaderboard


def _held_out(trained: TrainedModel, rows: Rows) -> HeldOut:
    return HeldOut(
        batches=rows.batches,
        mask=rows.held_out,
        schema=trained.schema,
        matrix=rows.matrix[rows.held_out],
        target=rows.target,
    )


def _evaluate(trained: TrainedModel, found: Predictions, rows: Rows, held_out: HeldOut, job: Job) -> Evaluation:
    recipe, champion = job.recipe, job.champion
    rival = _rival(champion, held_out) if champion else None
    return Evaluation(
        model=recipe.model,
        run_id=job.hyperparameters.run_id,
        task=recipe.task,
        metric=recipe.metric,
        trained_rows=int(np.count_nonzero(rows.training)),
        held_out_rows=int(np.count_nonzero(rows.held_out)),
        challenger=score_challenger(found, held_out, recipe),
        champion=score_champion(champion, rival, held_out) if champion and rival else None,
        baseline=score_baseline(rows.training_target(trained.schema.classes), held_out),
        recent=score_recent(trained, champion, held_out) if champion else None,
        gain=gain_of(found, rival, recipe) if isinstance(rival, Predictions) else None,
        slices=slices_of(found, rival, held_out, recipe) if isinstance(rival, Predictions) else [],
    )


def _rival(champion: Champion, held_out: HeldOut) -> Predictions | ComalError:
    """What the champion predicts, or why it cannot be scored: that is no failure of the run."""
    try:
        return predict_champion(champion, held_out)
    except ComalError as error:
        return error


def _say_scores(evaluation: Evaluation) -> None:
    metric = evaluation.metric
    say(
        f"Challenger on {evaluation.held_out_rows} held-out rows: {metric} {evaluation.challenger.metrics[metric]:.4g}."
    )
    say(f"Baseline: {metric} {evaluation.baseline.metrics[metric]:.4g}.")
    champion = evaluation.champion
    if champion is None:
        return
    if champion.unscored:
        say(f"Champion (version {champion.version}) could not be scored: {champion.unscored}")
    else:
        say(f"Champion (version {champion.version}): {metric} {champion.metrics[metric]:.4g}.")
    recent = evaluation.recent
    if recent is not None and metric in recent.challenger and metric in recent.champion:
        say(
            f"On {recent.held_out_rows} recent rows: {metric} {recent.challenger[metric]:.4g}, the champion's "
            f"{recent.champion[metric]:.4g}."
        )
