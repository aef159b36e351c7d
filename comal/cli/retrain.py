"""`comal retrain`: asking for a training run, with a reason on record."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, err, examples, print_json, say
from comal.cli.following import version_of_run, wait_for_decision, wait_for_endpoint, wait_for_run
from comal.cli.models import metrics_text
from comal.cli.runs import SUCCEEDED
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.tracking_server import refuse_stranger
from comal.errors import PlatformError
from comal.event_bus import EventBus
from comal.events import TrainingRequested, event_id
from comal.one_line import one_line
from comal.recipe_training import Search
from comal.registry import APPROVED

EPILOG = examples(
    'comal retrain tacos --reason "new store opened"',
    'comal retrain tacos --reason "nightly" --no-follow',
)


def retrain(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")],
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for the run's outcome.")] = True,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Ask for a training run and follow it: decided, trained, judged, served.

    A run that is already in flight comes to its end first. Exit code 1 when no run was started or the run failed; a
    version that the gate rejects is an outcome, with exit code 0.

    Keys of --json: event_id, run_id, status, decided (why it ran), version, approval, why, metrics, endpoint; with
    --no-follow: event_id.
    """
    target = open_target(stack)
    require_model(target, model)
    trigger = request_run(target, model, reason)
    outcome = follow_request(target, model, trigger) if follow else {"event_id": trigger}
    if as_json:
        print_json(outcome)
    elif follow:
        _show(outcome)
    else:
        say(f"Requested ({trigger}). Next: comal status {model}{target.option}")


def request_run(target: Target, model: str, reason: str, search: Search | None = None) -> str:
    """Put TrainingRequested on the bus.

    Args:
        target: The stack.
        model: Name of the model.
        reason: Why; kept with the decision.
        search: What the run shall search, whatever the recipe says.

    Returns:
        The id of the event.

    Raises:
        PlatformError: The bus did not take it, or the run would be written into somebody else's MLflow.
    """
    if target.stack == LOCAL_STACK:
        refuse_stranger(target.repository)
    now = datetime.now(UTC)
    who = getpass.getuser()
    event = TrainingRequested(
        event_id=event_id(target.stack, model, "request", reason, who, now.isoformat()),
        stack=target.stack,
        model=model,
        kind="request",
        reason=one_line(reason),
        requested_by=who,
        search=search,
    )
    try:
        EventBus(target.client("events")).emit(event, now)
    except PlatformError as error:
        raise PlatformError(error.message, next_step="Try again.") from error
    return event.event_id


def follow_request(target: Target, model: str, trigger: str) -> dict[str, Any]:
    """Wait for what became of a request.

    Returns:
        event_id, run_id, status, decided (why it ran), version, approval, why, metrics, endpoint.

    Raises:
        PlatformError: No run was started, or the run failed.
    """
    with err.status("Waiting for the decision …") as status:
        decision = wait_for_decision(target, model, trigger)
        run_id = decision.get("run_id")
        if not run_id:
            raise PlatformError(
                f"No run was started: {decision['why']}.", next_step=f"Run: comal status {model}{target.option}"
            )
        status.update(f"Run {run_id} …")
        run = wait_for_run(target, model, run_id)
        if run["status"] != SUCCEEDED:
            raise PlatformError(
                f"Run {run_id} {run['status']}: {run['failure']}",
                next_step=f"Run: comal logs job {model}{target.option}",
            )
        version = version_of_run(target, model, run_id) or {}
        endpoint = None
        if version.get("approval") == APPROVED:
            status.update(f"Version {version['version']} is approved; the endpoint moves …")
            endpoint = wait_for_endpoint(target, model, version["version"])
    return {
        "event_id": trigger,
        "run_id": run_id,
        "status": run["status"],
        "decided": decision["why"],
        **{key: version.get(key) for key in ("version", "approval", "why", "metrics")},
        "endpoint": endpoint,
    }


def _show(outcome: dict[str, Any]) -> None:
    say(f"Run {outcome['run_id']} {outcome['status']}: {outcome['decided']}.")
    say(f"Version {outcome['version']} {outcome['approval']}: {outcome['why']}")
    if outcome["metrics"]:
        say(f"Metrics: {metrics_text(outcome['metrics'])}")
    if outcome["endpoint"]:
        say(f"Endpoint {outcome['endpoint']['name']} serves version {outcome['endpoint']['version']}.")
