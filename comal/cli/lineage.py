"""`comal lineage`: what a version was made from, and what became of an input."""

from typing import Annotated

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.lineages import lineage_of, versions_with
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.verdict import version_named
from comal.cli.versions import champion_of, versions_of
from comal.errors import UserError

EPILOG = examples("comal lineage tacos", "comal lineage tacos 3 --json", "comal lineage tacos --input 1f2e3d4c5b6a7988")


def lineage(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    version: Annotated[int | None, typer.Argument(help="Version. Default: the champion.", min=1)] = None,
    used: Annotated[
        str, typer.Option("--input", help="Instead: which versions an input went into; a batch's id, key or address.")
    ] = "",
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Show what a version was made from: each input with its hash and object version, recipe, code, libraries, seed.

    Keys of --json: those of lineage.json, and version, image_uri, image_digest; with --input one row a version:
    version, approval, created_at, run_id, input. Exit code 1 when no version was trained on the input.
    """
    target = open_target(stack)
    require_model(target, model)
    if used and version:
        raise UserError(
            f"Version {version} and --input ask for different things.",
            next_step=f"Leave one out: comal lineage {model} {version}, or comal lineage {model} --input {used}",
        )
    if used:
        _show_versions(target, model, used, as_json=as_json)
        return
    row = version_named(target, model, version) if version else champion_of(versions_of(target, model))
    if row is None:
        raise UserError(
            f"{model} has no champion yet.", next_step=f"Name a version: comal models {model}{target.option}"
        )
    found = lineage_of(target, model, row)
    if as_json:
        shown = {key: row[key] for key in ("version", "image_uri", "image_digest")}
        print_json({**shown, **found.model_dump()})
        return
    libraries = ", ".join(f"{name} {number}" for name, number in found.libraries.items())
    print_table(
        ("what", "value"),
        [
            ("version", row["version"]),
            ("run", found.run_id),
            ("created", found.created),
            ("artifact", found.artifact_sha256),
            ("recipe", found.recipe_sha256),
            ("own fit", found.fit_sha256 or None),
            ("code", found.code_sha256),
            ("image", row["image_uri"]),
            ("image digest", row["image_digest"] or None),
            ("libraries", libraries),
            ("seed", found.seed),
            ("hardware", found.hardware),
        ],
        header=False,
    )
    print_table(
        ("input", "rows", "sha256", "object version"),
        [(entry.key, entry.rows, entry.sha256[:16], entry.version_id) for entry in found.inputs],
        title="Inputs",
    )
    say(f"next          comal reproduce {model} {row['version']}{target.option}")


def _show_versions(target: Target, model: str, used: str, *, as_json: bool) -> None:
    keys = ("version", "approval", "created_at", "run_id", "input")
    rows = [{key: row[key] for key in keys} for row in versions_with(target, model, used)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(keys, [[row[key] for key in keys] for row in rows])
        say(f"next          comal lineage {model} {rows[0]['version']}{target.option}")
    else:
        say(f"No version of {model} was trained on '{used}'. Next: comal status {model}{target.option}")
    if not rows:
        raise typer.Exit(1)
