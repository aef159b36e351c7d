"""`comal reproduce`: the proof that a version can be made again, or the name of what has changed."""

from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, complain, err, examples, print_json, say
from comal.cli.failures import INTERRUPTED
from comal.cli.lineages import lineage_of
from comal.cli.target import LOCAL_STACK, open_target
from comal.cli.training_again import TrainingAgain
from comal.cli.verdict import version_named
from comal.lineage import differences

EPILOG = examples("comal reproduce tacos 3", "comal reproduce tacos 3 --json -s prod")


def reproduce(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    version: Annotated[int, typer.Argument(help="Version, as `comal models` lists it.", min=1)],
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Train a version again, from its own inputs on its own kind of machine, and compare the artifacts.

    First every input is looked at, and the registered artifact: one that differs or is gone is named, and nothing is
    trained. The job costs what the
    first one cost; nothing is registered, and what it leaves is deleted.

    Exit code 0 when the artifacts are the same, byte for byte; 1 when not.

    Keys of --json: version, identical, artifact_sha256, again_sha256 (null when nothing was trained), differences.
    """
    target = open_target(stack)
    require_model(target, model)
    row = version_named(target, model, version)
    then = lineage_of(target, model, row)
    again = TrainingAgain(target, model, row, then)
    with err.status(f"Looking at {len(then.inputs)} inputs …") as status:
        found = list(again.changed_inputs())
        now = None
        if not found:
            status.update("Training again …")
            try:
                now = again.train()
            except KeyboardInterrupt:
                complain("Interrupted.", "The training job is stopped, and what it left is deleted.")
                raise typer.Exit(INTERRUPTED) from None
            found = list(differences(then, now, f"version {version}", "its training again"))
    identical = now is not None and now.artifact_sha256 == then.artifact_sha256
    outcome: dict[str, Any] = {
        "version": version,
        "identical": identical,
        "artifact_sha256": then.artifact_sha256,
        "again_sha256": now.artifact_sha256 if now else None,
        "differences": found,
    }
    if as_json:
        print_json(outcome)
    else:
        _show(model, outcome, target.option)
    if not identical:
        raise typer.Exit(1)


def _show(model: str, outcome: dict[str, Any], option: str) -> None:
    version, found = outcome["version"], outcome["differences"]
    if outcome["identical"]:
        say(f"Version {version} of {model} is reproduced: artifact {outcome['artifact_sha256']}, byte for byte.")
        for difference in found:
            say(f"It made no difference that {difference}.")
        say(f"next          comal lineage {model} {version}{option}")
        return
    first = found[0] if found else "nothing that is on record; the machine itself may compute otherwise"
    say(f"Version {version} of {model} is not reproduced: {first}.")
    for difference in found[1:]:
        say(f"Also: {difference}.")
    say(f"next          comal lineage {model} {version}{option}, to see what it was made from")
