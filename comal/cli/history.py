"""`comal history`: why a model was trained again, and why it was not."""

from datetime import datetime
from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.following import decisions_of
from comal.cli.target import LOCAL_STACK, open_target

EPILOG = examples("comal history tacos", "comal history tacos -n 100", "comal history tacos --json -s prod")


def history(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many decisions, the newest.")] = 20,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Print each decision about training a model again: it ran, waits (coalesced) or was refused, and why.

    Keys of --json, one row a decision: decided_at, decision, why, run_id, triggers.
    """
    target = open_target(stack)
    require_model(target, model)
    rows = [_shown(row) for row in decisions_of(target, model)[:limit]]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("when (UTC)", "decision", "run", "reasons", "why"),
        [
            (f"{row['decided_at']:%Y-%m-%d %H:%M:%S}", row["decision"], row["run_id"], _kinds(row), row["why"])
            for row in rows
        ],
    )
    if not rows:
        say(f"Nothing was decided yet. Next: comal push {model} FILE…{target.option}")
    else:
        say(f'next          comal status {model}{target.option}, or: comal retrain {model} --reason "…"{target.option}')


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    _, decided_at, _ = row["sk"].split("#", 2)
    return {
        "decided_at": datetime.fromisoformat(decided_at),
        "decision": row["decision"],
        "why": row["why"],
        "run_id": row.get("run_id"),
        "triggers": row["triggers"],
    }


def _kinds(row: dict[str, Any]) -> str:
    kinds = [trigger["kind"] for trigger in row["triggers"]]
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counts.items())
