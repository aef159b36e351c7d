"""`comal models`: a model's versions."""

from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.target import LOCAL_STACK, open_target
from comal.cli.versions import champion_of, has_expired, newest_reason, versions_of

EPILOG = examples("comal models tacos", "comal models tacos --json")


def models(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """List a model's versions, newest first: approval and why, metrics, age, expiry.

    Keys of --json, one row a version: version, approval, why (its reasons, the newest first), metrics, recent,
    trained_rows, created_at, expires_at, refuses_when_expired, run_id, model_package_arn, image_uri, image_digest,
    champion. `recent` compares with the champion on rows that it was not trained on.
    """
    target = open_target(stack)
    require_model(target, model)
    versions = versions_of(target, model)
    champion = champion_of(versions)
    rows = [{**version, "champion": version is champion} for version in versions]
    if as_json:
        print_json(rows)
        return
    if not rows:
        say(f"{model} has no versions yet. Next: comal push {model} FILE…{target.option}")
        return
    print_table(
        ("version", "approval", "trained rows", "metrics", "created", "expires", "why"), [_cells(row) for row in rows]
    )


def _cells(row: dict[str, Any]) -> list[Any]:
    return [
        f"{row['version']} (champion)" if row["champion"] else row["version"],
        row["approval"],
        row["trained_rows"],
        metrics_text(row["metrics"]),
        f"{row['created_at']:%Y-%m-%d %H:%M}",
        _expiry(row),
        newest_reason(row),
    ]


def _expiry(row: dict[str, Any]) -> str | None:
    if not row["expires_at"]:
        return None
    return f"{row['expires_at']:%Y-%m-%d}{' (expired)' if has_expired(row) else ''}"


def metrics_text(metrics: dict[str, Any]) -> str:
    """Metrics in one line, four significant digits each."""
    return ", ".join(f"{name} {float(value):.4g}" for name, value in sorted(metrics.items()))
