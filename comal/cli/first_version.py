"""Waiting for a model's first version while it is on its way: after a first push, training takes its time."""

import time

from comal.cli.console import err
from comal.cli.endpoint import IN_SERVICE, endpoint_of
from comal.cli.following import ENDPOINT_TIMEOUT_S, RUN_TIMEOUT_S
from comal.cli.items import rows_of
from comal.cli.patience import wait_for
from comal.cli.runs import RUNNING, last_run
from comal.cli.target import Target
from comal.cli.versions import versions_of
from comal.registry import APPROVED

# A validated batch needs so long at most to become a run, and an approved version to become an endpoint in creation.
_RUN_GRACE_S = 5.0
_ENDPOINT_GRACE_S = 60.0


def wait_for_first_version(target: Target, model: str) -> None:
    """Return at once when the endpoint is there or when nothing is on its way; else wait until either is so."""
    idle_since: float | None = None

    def settled() -> bool | None:
        nonlocal idle_since
        endpoint = endpoint_of(target, model)
        if endpoint:
            return True if endpoint["status"] in {IN_SERVICE, "Updating", "Failed"} else None
        run = last_run(target, model)
        if run and run["status"] == RUNNING:
            idle_since = None
            return None
        idle_since = idle_since or time.monotonic()
        return True if time.monotonic() - idle_since > _grace_s(target, model) else None

    with err.status(f"Waiting for the first version of {model} …"):
        wait_for(
            settled,
            what=f"the first version of {model}",
            timeout_s=RUN_TIMEOUT_S + ENDPOINT_TIMEOUT_S,
            next_step=f"Run: comal status {model}{target.option}",
        )


def _grace_s(target: Target, model: str) -> float:
    """How long nothing may seem to happen before nothing does."""
    if any(version["approval"] == APPROVED for version in versions_of(target, model)):
        return _ENDPOINT_GRACE_S
    return _RUN_GRACE_S if rows_of(target, "batches", model, "batch#") else 0.0
