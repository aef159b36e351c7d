"""`comal status`: where models stand."""

from typing import Annotated, Any

import typer

from comal.cli.catalogue import deployed_models, require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.monitoring import lines_of
from comal.cli.standing import standing_of
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.versions import newest_reason
from comal.errors import PlatformError


def status(
    model: Annotated[str | None, typer.Argument(help="Name of a model; all by default.")] = None,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Say where a model stands: batches, run, champion, endpoint, and what to do next.

    Keys of --json, one row a model: model, batches, rows, waiting (validated batches whose windows are still being
    computed), last_quarantined, run, champion, latest, endpoint, monitoring (alarms, window, quality; null without the
    component), next_step.
    """
    target = open_target(stack)
    standings = [standing_of(target, name) for name in _models(target, model)]
    if as_json:
        print_json(standings)
        return
    for standing in standings:
        print_standing(standing)


EPILOG = examples("comal status", "comal status tacos", "comal status tacos --json -s prod")


def _models(target: Target, model: str | None) -> list[str]:
    if model is not None:
        require_model(target, model)
        return [model]
    models = deployed_models(target)
    if not models:
        raise PlatformError(
            f"Stack '{target.stack}' has no models: it is not up.", next_step=f"Run: comal up{target.option}"
        )
    return models


def print_standing(standing: dict[str, Any]) -> None:
    """Print where one model stands."""
    print_table(("", ""), _lines(standing), title=standing["model"], header=False)
    say(f"next          {standing['next_step']}")
    say()


def _lines(standing: dict[str, Any]) -> list[tuple[str, str]]:
    batches = ", ".join(f"{count} {status}" for status, count in sorted(standing["batches"].items()))
    lines = [("batches", f"{batches or 'none'}; {standing['rows']:,} validated rows")]
    if standing["waiting"]:
        lines.append(("windows", f"still being computed for {standing['waiting']} of them"))
    quarantined = standing["last_quarantined"]
    if quarantined:
        lines.append(("quarantined", f"{quarantined['source_key']}: {'; '.join(quarantined['problems'])}"))
    lines.append(("last run", _run_line(standing["run"])))
    if standing["run"] and standing["run"]["failure"]:
        lines.append(("failure", standing["run"]["failure"]))
    champion = standing["champion"]
    lines.append(("champion", _version_line(champion) if champion else "none"))
    latest = standing["latest"]
    if latest and latest is not champion and (champion is None or latest["version"] != champion["version"]):
        lines.append(("latest", _version_line(latest)))
    lines.append(("endpoint", _endpoint_line(standing["endpoint"])))
    return lines + (lines_of(standing["monitoring"]) if standing["monitoring"] else [])


def _run_line(run: dict[str, Any] | None) -> str:
    if run is None:
        return "none"
    doing = f", {run['step']}" if run["step"] != "done" else ""
    return f"{run['run_id']} {run['status']}{doing}, started {run['started_at']:%Y-%m-%d %H:%M:%S}"


def _version_line(version: dict[str, Any]) -> str:
    why = f": {newest_reason(version)}" if version["why"] else ""
    return f"version {version['version']} {version['approval']}{why}"


def _endpoint_line(endpoint: dict[str, Any] | None) -> str:
    if endpoint is None:
        return "none"
    failure = f"; the last update failed: {endpoint['failure']}" if endpoint["failure"] else ""
    return f"{endpoint['name']} {endpoint['status']}, version {endpoint['version']} ({endpoint['config']}){failure}"
