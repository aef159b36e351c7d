"""The order in which a stack's left-overs go."""

from collections.abc import Sequence
from typing import Any

from comal import s3_layout
from comal.names import Names
from lambdas.clean_up.buckets import empty_bucket
from lambdas.clean_up.serving import ServingCleanUp
from lambdas.clean_up.training import TrainingCleanUp

BUCKETS = ("landing", "lake", "models", "capture")


def clean_up(
    names: Names,
    models: Sequence[str],
    training: TrainingCleanUp,
    serving: ServingCleanUp,
    *,
    s3: Any,
    empties_buckets: bool,
    deadline: float,
) -> None:
    """Delete what runs and deployments have made of some models; with the whole stack, data too. Safe to repeat.

    What could make something anew goes before what it makes: executions before versions, versions before endpoints.
    The stack has taken the functions' deliveries away by then, so that only what was begun is still going on.

    Args:
        names: Names of the stack.
        models: Models that leave the stack.
        training: Ends what trains.
        serving: Deletes what serves.
        s3: A boto3 client.
        empties_buckets: Whether the stack allows that its data is deleted.
        deadline: In `time.monotonic` seconds.

    Raises:
        PlatformError: Something could not be deleted in time.
    """
    for model in models:
        training.stop_executions(model)
    training.stop_jobs(deadline)
    for model in models:
        serving.delete_versions(model)
    serving.delete_endpoints(deadline)
    serving.delete_configs_and_models()
    if empties_buckets:
        for kind in BUCKETS:
            # The deployed recipes are the stack's own resources: gone behind its back, they would be missing to an `up`
            # after a destroy that failed half-way.
            empty_bucket(s3, names.bucket(kind), keeps=s3_layout.RECIPES if kind == "lake" else None)
