"""A stack on this machine: the local engine against the local cloud, in this process."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape

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
        counts (resources per operation), duration_s, failures (texts), outputs, steps (a line for each resource that
        is not the same).

    Raises:
        localcloud's own errors: The stack file or the program is not what the engine can run.
    """
    info = local_cloud.ensure(repository)
    steps: list[str] = []

    def on_step(step: "Step") -> None:
        steps.append(str(step))
        if not quiet:
            err.print(f"  {escape(str(step))}")

    with err.status(f"{command} …"):
        summary = getattr(_engine(repository, stack, info.url, on_step), command)()
    return {**asdict(summary), "steps": steps}


def outputs(repository: Repository, stack: str) -> dict[str, Any]:
    """What the stack exports, as of the last `up`."""
    return _engine(repository, stack, "", lambda _step: None).outputs()


def _engine(repository: Repository, stack: str, url: str, on_step: Callable[["Step"], None]) -> "Engine":
    from localcloud.engine import Engine

    return Engine(
        project_dir=repository.root,
        stack=stack,
        state_file=repository.engine_state_file(stack),
        endpoint_url=url,
        on_step=on_step,
    )
