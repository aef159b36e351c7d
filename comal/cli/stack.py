"""`comal preview | up | refresh | destroy | outputs`: the stack, by the local engine or by the Pulumi CLI."""

import json
import sys
from typing import Any

import typer

from comal.cli import local_stack
from comal.cli.console import Json, Stack, Yes, complain, examples, print_json, print_table, say
from comal.cli.failures import FAILED
from comal.cli.pulumi_cli import run_pulumi
from comal.cli.repository import find_repository
from comal.cli.target import LOCAL_STACK
from comal.errors import UserError

PREVIEW_EPILOG = examples("comal preview", "comal preview -s dev")
UP_EPILOG = examples("comal up", "comal up -s dev --yes")
REFRESH_EPILOG = examples("comal refresh", "comal refresh -s dev --yes")
DESTROY_EPILOG = examples("comal destroy", "comal destroy --yes", "comal destroy -s dev")
OUTPUTS_EPILOG = examples("comal outputs", "comal outputs --json", "comal outputs -s dev")


def preview(stack: Stack = LOCAL_STACK, as_json: Json = False) -> None:
    """Show what `up` would change, and change nothing.

    Keys of --json: counts (same, create, update, replace, delete), duration_s, failures, outputs, steps.
    """
    _run(stack, "preview", (), as_json)


def up(stack: Stack = LOCAL_STACK, yes: Yes = False, as_json: Json = False) -> None:
    """Make the stack what the program says; starts the local cloud for the stack `local`.

    Keys of --json: counts (same, create, update, replace, delete), duration_s, failures, outputs, steps.
    """
    _run(stack, "up", ("--yes",) if yes else (), as_json)


def refresh(stack: Stack = LOCAL_STACK, yes: Yes = False, as_json: Json = False) -> None:
    """Compare what we know of the stack with what exists.

    Keys of --json: counts (same, create, update, replace, delete), duration_s, failures, outputs, steps.
    """
    _run(stack, "refresh", ("--yes",) if yes else (), as_json)


def destroy(stack: Stack = LOCAL_STACK, yes: Yes = False, as_json: Json = False) -> None:
    """Remove the stack, with endpoints and versions that training made; asks first.

    Keys of --json: counts (same, create, update, replace, delete), duration_s, failures, outputs, steps.
    """
    if not yes:
        if not sys.stdin.isatty():
            raise UserError(
                f"destroy asks before it removes stack '{stack}', and there is nobody to ask.",
                next_step="Give --yes if you mean it.",
            )
        if stack == LOCAL_STACK and not typer.confirm(f"Remove stack '{stack}' with its models and endpoints?"):
            say("Nothing was removed.")
            raise typer.Exit(FAILED)
    _run(stack, "destroy", ("--yes",) if yes else (), as_json)


def outputs(stack: Stack = LOCAL_STACK, as_json: Json = False) -> None:
    """Print the stack's outputs: bucket and queue names, the next step.

    Keys of --json: the names of the outputs.
    """
    repository = find_repository()
    if stack != LOCAL_STACK:
        _finish(run_pulumi(repository, stack, "stack", "output", *(("--json",) if as_json else ())))
        return
    values = local_stack.outputs(repository, stack)
    if as_json:
        print_json(values)
    else:
        print_table(
            ("output", "value"),
            [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in values.items()],
        )


def _run(stack: str, command: str, options: tuple[str, ...], as_json: bool) -> None:
    repository = find_repository()
    if stack != LOCAL_STACK:
        _finish(run_pulumi(repository, stack, command, *options, *(("--json",) if as_json else ())))
        return
    summary = local_stack.run(repository, stack, command, quiet=as_json)
    if as_json:
        print_json(summary)
    else:
        _show(command, summary)
    if summary["failures"]:
        raise typer.Exit(FAILED)


def _finish(exit_code: int) -> None:
    if exit_code:
        raise typer.Exit(FAILED)


def _show(command: str, summary: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {operation}" for operation, count in summary["counts"].items() if count)
    if counts or not summary["failures"]:
        say(f"{command}: {counts or 'nothing to do'} in {summary['duration_s']:.1f} s")
    for failure in summary["failures"]:
        complain(failure)
    if command == "up" and summary["outputs"].get("next_step"):
        say(f"Next: {summary['outputs']['next_step']}")
