"""A stack on this machine: the local engine against the local cloud, in this process."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.status import Status

from comal.cli import local_cloud
from comal.cli.console import err
from comal.cli.repository import Repository

if TYPE_CHECKING:
    from localcloud.engine import Engine, Step


def run(repository: Repository, stack: str, command: str, *, quiet: bool = False) -> dict[str, Any]:
    """Preview, up, refresh or destroy; starts the local cloud when it is not running.

    Args:
        repository: The clone.
        stack: Name of a stack whose endpoints are on loopback.
        command: preview, up, refresh or destroy.
        quiet: Print no steps.

    Returns:
        counts (resources per operation), duration_s, failures (texts), outputs.

    Raises:
        localcloud's own errors: The stack file or the program is not what the engine can run.
    """
    local_cloud.ensure(repository)
    with err.status(f"{command} …") as status:
        engine = _engine(repository, stack, status, quiet)
        summary = getattr(engine, command)()
    return asdict(summary)


def outputs(repository: Repository, stack: str) -> dict[str, Any]:
    """What the stack exports, as of the last `up`."""
    engine = _engine(repository, stack, None, True)
    return dict(engine.outputs())


def _engine(repository: Repository, stack: str, status: Status | None, quiet: bool) -> "Engine":
    from localcloud.engine import Engine

    def on_step(step: "Step") -> None:
        if status is not None and not quiet:
            status.update(str(step))

    info = local_cloud.ensure(repository)
    return Engine(
        project_dir=repository.root,
        stack=stack,
        state_file=repository.engine_state_file(stack),
        endpoint_url=info.url,
        on_step=on_step,
    )
