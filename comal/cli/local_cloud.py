"""The local cloud of a clone, as the commands need it: running, with this clone's images."""

from typing import TYPE_CHECKING

from comal.cli import tracking_server
from comal.cli.console import say
from comal.cli.images import write_images
from comal.cli.repository import Repository
from comal.errors import PlatformError

if TYPE_CHECKING:
    from localcloud.cloud import CloudInfo


def running(repository: Repository) -> "CloudInfo | None":
    """The clone's local cloud, if it runs."""
    from localcloud import cloud

    return cloud.status(repository.local_dir)


def port(repository: Repository) -> int:
    """Where it would start: the port of the last time, else the default."""
    from localcloud import cloud

    return cloud.next_port(repository.local_dir)


def start(repository: Repository, port: int | None = None) -> "CloudInfo":
    """Start the clone's local cloud; one that runs on the wanted port is left alone.

    Args:
        repository: The clone.
        port: TCP port on 127.0.0.1; None means the last one used, else 4566.

    Raises:
        PlatformError: Its port, or that of MLflow, is taken.
        LocalCloudError: It runs on another port, or the process did not come up.
    """
    from localcloud import cloud
    from localcloud.errors import PortTakenError

    info = cloud.status(repository.local_dir)
    if info is not None and port in {None, info.port}:
        tracking_server.ensure(repository)
        return info
    tracking_server.refuse_stranger(repository)
    try:
        info = cloud.start(repository.local_dir, port, write_images(repository))
    except PortTakenError as error:
        raise PlatformError(
            error.message, next_step="Stop it, or run `comal cloud start --port 4600` and then this command again."
        ) from None
    tracking_server.ensure(repository)
    return info


def ensure(repository: Repository) -> "CloudInfo":
    """The clone's local cloud, started if it was not running."""
    was_running = running(repository) is not None
    info = start(repository)
    if not was_running:
        say(f"Local cloud started on {info.url} (process {info.pid}).")
    return info


def stop(repository: Repository) -> int:
    """Stop the clone's local cloud and every process it started, also those that outlived it; data stays.

    Returns:
        How many processes there were to end; 0 where neither it nor one of its own ran.
    """
    from localcloud import cloud

    return cloud.stop(repository.local_dir)
