"""The run written to MLflow as well, where the job was told of a server (component `experiments`).

The record beside the model is the run's own; this is a copy to look at. So a server that is down, slow or refuses is a
warning in the record, and never a failed run.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING

from comal.charts import standalone
from comal.leaderboard import Trial
from comal.recipe import Recipe
from comal.run_plots import plots_of
from comal.run_record import FILE_NAME, REPORT_NAME, RunRecord
from comal.tracking import EXPERIMENT_VARIABLE, TRACKING_VARIABLE
from training.progress import say
from training.record import algorithm_of, parameters_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

# A server that answers takes milliseconds; the client's own defaults wait for half an hour.
# https://mlflow.org/docs/latest/api_reference/python_api/mlflow.environment_variables.html
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# All calls of a run together.
LONGEST_S = 30.0
_LONGEST_VALUE = 500
# Of a trial, as MLflow says it: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.entities.html
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "stopped": "KILLED", "failed": "FAILED"}
# Without it the page shows what belongs to language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}


def track(record: RunRecord, report: str, environment: Mapping[str, str]) -> RunRecord:
    """Write a run to MLflow.

    Args:
        record: The run's record.
        report: Its page.
        environment: Names the server and the experiment, or does not.

    Returns:
        The record, with the place of the run's page below the server's address, or with a warning why there is none.
    """
    uri = environment.get(TRACKING_VARIABLE)
    if not uri:
        return record
    try:
        page = _patiently(lambda: _write(record, report, uri, _experiment_name(environment, record.model)))
    except TrackerError as error:
        warning = f"The run was not written to MLflow at {uri}, or not whole: {error}"
        say(warning)
        return record.model_copy(update={"warnings": [*record.warnings, warning]})
    say(f"Written to MLflow: {page}.")
    return record.model_copy(update={"tracked": page})


def track_failure(recipe: Recipe, run_id: str, why: str, environment: Mapping[str, str]) -> None:
    """Write a run that failed to MLflow: its parameters and why."""
    uri = environment.get(TRACKING_VARIABLE)
    if not uri:
        return
    try:
        _patiently(lambda: _write_failure(recipe, run_id, why, uri, _experiment_name(environment, recipe.model)))
    except TrackerError as error:
        say(f"The failed run was not written to MLflow at {uri}: {error}")


class TrackerError(Exception):
    """The tracker is absent, refuses, or takes too long."""


def _patiently(write: Callable[[], str]) -> str:
    """What a thread returns, or the reason why it does not; the client's own patience is for each of its calls only."""
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    written: Future[str] = Future()

    def work() -> None:
        try:
            written.set_result(write())
        except Exception as error:  # noqa: BLE001 - whatever ails the tracker, the model is trained
            written.set_exception(error)

    # Nobody waits for it at the end: a job is paid for by the second.
    Thread(target=work, daemon=True).start()
    try:
        return written.result(LONGEST_S)
    except TimeoutError:
        raise TrackerError(f"it took more than {LONGEST_S:.0f} s") from None
    except Exception as error:
        raise TrackerError(f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST_VALUE]) from error


def _experiment_name(environment: Mapping[str, str], model: str) -> str:
    return environment.get(EXPERIMENT_VARIABLE, model)


def _write_failure(recipe: Recipe, run_id: str, why: str, uri: str, experiment: str) -> str:
    from mlflow import MlflowClient
    from mlflow.entities import Param

    client = MlflowClient(tracking_uri=uri)
    tags = {"comal.model": recipe.model, "comal.run": run_id, "comal.failure": why}
    written = client.create_run(_experiment(client, experiment), tags=tags, run_name=run_id).info.run_id
    given = {"algorithm": algorithm_of(recipe), **parameters_of(recipe)}
    client.log_batch(written, params=[Param(name, str(value)[:_LONGEST_VALUE]) for name, value in given.items()])
    client.set_terminated(written, "FAILED")
    return str(written)


def _write(record: RunRecord, report: str, uri: str, experiment: str) -> str:
    # A second of imports, which a job without a tracker does not need; and the image may lack it.
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment_id = _experiment(client, experiment)
    run_id = client.create_run(
        experiment_id,
        start_time=_milliseconds(record.started),
        tags=_tags(record),
        run_name=record.run_id,
    ).info.run_id
    _write_numbers(client, run_id, record)
    for plot in plots_of(record):
        client.log_text(run_id, standalone(plot.svg), f"plots/{plot.name}.svg")
    client.log_text(run_id, report, REPORT_NAME)
    client.log_text(run_id, record.model_dump_json(indent=1), FILE_NAME)
    client.set_terminated(run_id, "FINISHED", _milliseconds(record.ended))
    for trial in record.search.trials if record.search else ():
        _write_trial(client, experiment_id, run_id, record, trial)
    return f"#/experiments/{experiment_id}/runs/{run_id}"


def _experiment(client: "MlflowClient", name: str) -> str:
    """Id of the experiment, made by the first run; two first runs at a time are one too many for `create`."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, tags=_KIND))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


def _write_numbers(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    from mlflow.entities import Metric, Param

    ended = _milliseconds(record.ended)
    metrics = [Metric(name, value, ended, 0) for name, value in record.metrics.items()]
    metrics += [Metric(f"champion.{name}", value, ended, 0) for name, value in record.champion.items()]
    metrics += [Metric(f"seconds.{step}", value, ended, 0) for step, value in record.seconds.items()]
    if record.curve:
        for part, values in (("training", record.curve.training), ("held_out", record.curve.held_out)):
            points = zip(record.curve.rounds, values, strict=True)
            metrics += [Metric(f"{part}.{record.curve.metric}", value, ended, step) for step, value in points]
    shape = {name: value for name, value in record.structure.model_dump().items() if value is not None}
    given = {"algorithm": record.algorithm, **record.parameters, **shape}
    params = [Param(name, str(value)[:_LONGEST_VALUE]) for name, value in given.items()]
    client.log_batch(run_id, metrics=metrics, params=params)


def _write_trial(client: "MlflowClient", experiment_id: str, parent: str, record: RunRecord, trial: Trial) -> None:
    """A trial of the search as a run below the run; the page folds it away there."""
    from mlflow.entities import Metric, Param

    began = _milliseconds(record.started)
    ended = began + int(trial.seconds * 1000)
    tags = {"mlflow.parentRunId": parent, "comal.run": record.run_id, "comal.trial": trial.state}
    name = f"{record.run_id} trial {trial.number}"
    run_id = client.create_run(experiment_id, start_time=began, tags=tags, run_name=name).info.run_id
    key = f"folds.{record.metric}"
    steps = list(zip(trial.rounds, trial.scores, strict=True))
    if trial.score is not None:
        # Last, so that it is what the page's table shows of the trial.
        steps.append((trial.rounds[-1] + 1 if trial.rounds else 0, trial.score))
    metrics = [Metric(key, score, ended, step) for step, score in steps]
    given = {"algorithm": trial.algorithm, **trial.preprocessing, **trial.params}
    params = [Param(name, str(value)[:_LONGEST_VALUE]) for name, value in given.items()]
    client.log_batch(run_id, metrics=metrics, params=params)
    client.set_terminated(run_id, _STATUS[trial.state], ended)


def _tags(record: RunRecord) -> dict[str, str]:
    return {
        "comal.model": record.model,
        "comal.run": record.run_id,
        "comal.data_sha256": record.data.sha256,
        "comal.code_sha256": record.code_sha256,
        "comal.artifact_sha256": record.artifact_sha256,
        "comal.hardware": record.hardware,
        "comal.trained_rows": str(record.data.trained_rows),
    }


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
