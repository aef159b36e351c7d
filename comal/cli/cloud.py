"""`comal cloud`: the process that stands in for AWS on this machine."""

from datetime import datetime
from typing import Annotated, Any

import typer

from comal.cli import local_cloud
from comal.cli.console import Json, examples, print_json, print_table, say
from comal.cli.failures import FAILED, Guarded
from comal.cli.repository import Repository, find_repository

app = typer.Typer(
    cls=Guarded, no_args_is_help=True, rich_markup_mode="rich", help="Start, stop and look at the local cloud."
)


def _row(repository: Repository) -> dict[str, Any]:
    info = local_cloud.running(repository)
    return {
        "running": info is not None,
        "url": info.url if info else None,
        "port": info.port if info else None,
        "pid": info.pid if info else None,
        "started_at": datetime.fromtimestamp(info.started_at).astimezone().isoformat(" ", "seconds") if info else None,
        "data": str(repository.local_dir),
    }


def _print(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print_table(("what", "value"), row.items())


@app.command("start", epilog=examples("comal cloud start", "comal cloud start --port 4600"))
def start_cloud(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; remembered.")] = None,
    as_json: Json = False,
) -> None:
    """Start the local cloud in the background; its data lies in .comal/local/.

    Keys of --json: running, url, port, pid, started_at, data.
    """
    repository = find_repository()
    local_cloud.start(repository, port)
    _print(_row(repository), as_json)


@app.command("stop", epilog=examples("comal cloud stop"))
def stop_cloud() -> None:
    """Stop the local cloud and every process it started, also when it was killed before; its data stays."""
    repository = find_repository()
    was_running = local_cloud.running(repository) is not None
    ended = local_cloud.stop(repository)
    if was_running:
        say(f"Stopped. Its data stays in {repository.local_dir}.")
    elif ended:
        say(f"The local cloud was not running; what it had left running was ended (processes: {ended}).")
    else:
        say("The local cloud was not running.")


@app.command("status", epilog=examples("comal cloud status", "comal cloud status --json"))
def show_cloud(as_json: Json = False) -> None:
    """Say where the local cloud listens and where its data lies; exit code 1 when it is not running.

    Keys of --json: running, url, port, pid, started_at, data.
    """
    row = _row(find_repository())
    _print(row, as_json)
    if not row["running"]:
        raise typer.Exit(FAILED)
