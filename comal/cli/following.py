"""Following what happens after a request for training, until its outcome is known."""

from typing import Any

from comal.cli.endpoint import IN_SERVICE, endpoint_of
from comal.cli.items import rows_of
from comal.cli.patience import wait_for
from comal.cli.runs import RUNNING, run_of
from comal.cli.target import Target
from comal.cli.versions import champion_of, versions_of
from comal.registry import PENDING

# A recipe's job may run for an hour by default; a spot job may wait for capacity as long again, and a run in flight
# comes to its end before the next is decided.
RUN_TIMEOUT_S = 2 * 3600.0
# AWS takes up to some 10 minutes to bring up an instance behind an endpoint.
ENDPOINT_TIMEOUT_S = 1200.0


def wait_for_decision(target: Target, model: str, event_id: str) -> dict[str, Any]:
    """Wait until request_training has looked at a trigger and started a run for it, or refused.

    Returns:
        The audit row: decision (run, coalesced or refused), why, run_id, triggers.
    """

    def decided() -> dict[str, Any] | None:
        for row in decisions_of(target, model):
            decided_on = {trigger["event_id"] for trigger in row["triggers"]}
            if event_id in decided_on and row["decision"] != "coalesced":
                return row
        return None

    return wait_for(
        decided,
        what="the decision about the request",
        timeout_s=RUN_TIMEOUT_S,
        next_step=f"comal logs function {model}{target.option}",
    )


def decisions_of(target: Target, model: str) -> list[dict[str, Any]]:
    """What request_training decided about a model, newest first."""
    return rows_of(target, "retraining", model, "decision#", newest_first=True)


def wait_for_run(target: Target, model: str, run_id: str) -> dict[str, Any]:
    """Wait until a run has ended, well or not.

    Returns:
        The run, as `runs.run_of` shows it.
    """

    def ended() -> dict[str, Any] | None:
        run = run_of(target, model, run_id)
        return run if run and run["status"] != RUNNING else None

    return wait_for(
        ended, what=f"run {run_id}", timeout_s=RUN_TIMEOUT_S, next_step=f"comal logs job {model}{target.option}"
    )


def version_of_run(target: Target, model: str, run_id: str) -> dict[str, Any] | None:
    """The version that a run registered, if it did."""
    return next((version for version in versions_of(target, model) if version["run_id"] == run_id), None)


def wait_for_endpoint(target: Target, model: str, version: int) -> dict[str, Any]:
    """Wait until a version is judged and the endpoint serves the champion, be it another one.

    A version that could not be served is rejected; the endpoint is shown as it is then.

    Returns:
        The endpoint, as `endpoint.endpoint_of` shows it.
    """

    def settled() -> dict[str, Any] | None:
        versions = versions_of(target, model)
        endpoint = endpoint_of(target, model)
        if endpoint is None or not any(row["version"] >= version and row["approval"] != PENDING for row in versions):
            return None
        champion = champion_of(versions)
        if champion is None:
            return endpoint
        is_served = endpoint["status"] == IN_SERVICE and endpoint["version"] == champion["version"]
        return endpoint if is_served else None

    return wait_for(
        settled,
        what=f"the endpoint to serve version {version}",
        timeout_s=ENDPOINT_TIMEOUT_S,
        next_step=f"comal logs endpoint {model}{target.option}",
    )
