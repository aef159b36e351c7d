"""`comal promote`, `comal rollback` and `comal reject`: a person decides which version is served."""

from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.console import Json, Stack, examples, print_json, say
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.verdict import approve, follow, go_back, others_that_serve, reject, version_named
from comal.cli.versions import champion_of, newest_reason, versions_of
from comal.errors import PlatformError, UserError
from comal.one_line import one_line

PROMOTE_EPILOG = examples(
    'comal promote tacos 3 --why "checked with the kitchen"', 'comal promote tacos 2 --why "3 is slow" --no-follow'
)
ROLLBACK_EPILOG = examples(
    'comal rollback tacos --why "complaints from norte"', 'comal rollback tacos --why "…" -s prod'
)
REJECT_EPILOG = examples('comal reject tacos 4 --why "trained on a broken export"')


# A version's description has 1,024 characters: what an older verdict says of a promotion must still fit behind.
_LONGEST_WHY = 400


def _said(why: str) -> str:
    line = one_line(why)
    if not line:
        raise UserError("--why is empty.", next_step='Say why, for whoever reads it next year: --why "…"')
    if len(line) > _LONGEST_WHY:
        raise UserError(
            f"--why has {len(line)} characters, and {_LONGEST_WHY} are kept.",
            next_step="Say it shorter, or say where the rest is written.",
        )
    return line


Model = Annotated[str, typer.Argument(help="Name of the model.")]
Version = Annotated[int, typer.Argument(help="Version, as `comal models` lists it.", min=1)]
Why = Annotated[
    str, typer.Option(help=f"Why, in up to {_LONGEST_WHY} characters; kept with the version.", callback=_said)
]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Wait until the endpoint has moved.")]


def promote(
    model: Model, version: Version, why: Why, wait: Follow = True, stack: Stack = LOCAL_STACK, as_json: Json = False
) -> None:
    """Make a version the champion: one that waits for approval, was rejected, or is older than the champion.

    Newer approved versions are rejected, so that it is the newest approved one, which is what is served. The endpoint
    moves without a failed request. A champion stays what it is.

    Keys of --json: version, approval, rejected (versions that made way), endpoint.
    """
    target = open_target(stack)
    require_model(target, model)
    made_way = approve(target, model, version_named(target, model, version), why)
    _tell(target, model, version, made_way, follows=wait, as_json=as_json)
    _require_champion(target, model, version)


def rollback(model: Model, why: Why, wait: Follow = True, stack: Stack = LOCAL_STACK, as_json: Json = False) -> None:
    """Go back to the version that was champion before; the champion is rejected, with your reason.

    That is what a promotion rejected, which is approved again, or else the newest approved version but the champion.
    Done again it goes further back. The endpoint moves without a failed request.

    Keys of --json: version, approval, rejected, endpoint.
    """
    target = open_target(stack)
    require_model(target, model)
    served, rejected = go_back(target, model, why)
    _tell(target, model, served, [rejected], follows=wait, as_json=as_json)
    _require_champion(target, model, served)


def reject_version(
    model: Model, version: Version, why: Why, wait: Follow = True, stack: Stack = LOCAL_STACK, as_json: Json = False
) -> None:
    """Reject a version. If it is the champion, the newest approved one of the others is served instead.

    The only approved version cannot be rejected: its endpoint would have nothing to go to.

    Keys of --json: version, approval, rejected, endpoint.
    """
    target = open_target(stack)
    require_model(target, model)
    chosen = version_named(target, model, version)
    versions = versions_of(target, model)
    is_champion = champion_of(versions) == chosen
    others = others_that_serve(versions, version)
    if is_champion and not others:
        raise UserError(
            f"Version {version} is the only approved version of {model} that answers: its endpoint would have nothing "
            "to go to.",
            next_step=f"Promote another one first: comal promote {model} VERSION --why …",
        )
    reject(target, model, chosen, why)
    if is_champion:
        approve(target, model, others[0], f"version {version} was rejected")
    _tell(target, model, version, [version], follows=wait, as_json=as_json)


def _require_champion(target: Target, model: str, version: int) -> None:
    """Whoever decides at the same time may come last; whoever came first must hear of it."""
    champion = champion_of(versions_of(target, model))
    if champion is None or champion["version"] != version:
        served = f"version {champion['version']}" if champion else "none"
        raise PlatformError(
            f"Version {version} of {model} is not the champion: meanwhile somebody else decided for {served}.",
            next_step=f"See who and why: comal models {model}{target.option}",
        )


def _tell(target: Target, model: str, version: int, rejected: list[int], *, follows: bool, as_json: bool) -> None:
    endpoint = follow(target, model) if follows else None
    versions = versions_of(target, model)
    (row,) = [row for row in versions if row["version"] == version]
    if as_json:
        outcome: dict[str, Any] = {"version": version, "approval": row["approval"], "rejected": rejected}
        print_json(outcome | {"endpoint": endpoint})
        return
    say(f"Version {version} of {model} is {row['approval']}: {newest_reason(row)}")
    for other in rejected:
        if other != version:
            (loser,) = [row for row in versions if row["version"] == other]
            say(f"Version {other} is {loser['approval']}: {newest_reason(loser)}")
    champion = champion_of(versions)
    if endpoint and champion:
        say(f"Endpoint {endpoint['name']} serves version {endpoint['version']}.")
    say(f"next          comal models {model}{target.option}, or: comal status {model}{target.option}")
