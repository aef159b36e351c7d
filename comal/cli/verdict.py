"""A person's verdict on a version of a model: what it makes of the registry, and what it tells the others.

The champion is the newest approved version. So an older one is promoted by rejecting what is newer: the newest last, so
that the champion changes once.
"""

import getpass
import re
from datetime import UTC, datetime
from typing import Any

from comal import registry
from comal.cli.console import err
from comal.cli.following import wait_for_endpoint
from comal.cli.target import Target
from comal.cli.versions import champion_of, has_expired, newest_reason, versions_of
from comal.errors import UserError
from comal.event_bus import EventBus
from comal.events import ModelApproved, ModelRejected, event_id

# How the reason of a version begins that was rejected for the promotion of another.
_MAKES_WAY = "makes way"


def version_named(target: Target, model: str, version: int) -> dict[str, Any]:
    """A row of `versions_of`.

    Raises:
        UserError: There is no such version; the message names those that there are.
    """
    versions = versions_of(target, model)
    for row in versions:
        if row["version"] == version:
            return row
    known = ", ".join(str(row["version"]) for row in versions) or "none"
    raise UserError(
        f"{model} has no version {version}; it has {known}.", next_step=f"Run: comal models {model}{target.option}"
    )


def approve(target: Target, model: str, chosen: dict[str, Any], why: str) -> list[int]:
    """Make a version the champion; if it is, only the reason is kept.

    Returns:
        Versions that were rejected to make way for it.

    Raises:
        UserError: It has expired, and would refuse every request.
    """
    _refuse_expired(target, model, chosen)
    versions = versions_of(target, model)
    newer = [row for row in versions if row["version"] > chosen["version"] and row["approval"] == registry.APPROVED]
    made_way = [row["version"] for row in newer]
    if champion_of(versions) == chosen:
        made_way = _displaced_by(chosen)
    told = f"promoted{_over(made_way)} by {getpass.getuser()}: {why}"
    _judge(target, model, chosen, approved=True, why=told)
    for row in reversed(newer):
        _judge(target, model, row, approved=False, why=f"{_MAKES_WAY} for version {chosen['version']}, {told}")
    return [row["version"] for row in newer]


def go_back(target: Target, model: str, why: str) -> tuple[int, int]:
    """Take the champion out of the running, so that the one before it is served again.

    If the champion was promoted over newer ones, those are approved again, the newest first, so that the champion
    changes once. Otherwise it is the newest approved one of the others. A version that comes back says again what it
    was promoted over, so that the next rollback goes on from there.

    Returns:
        The version that is served now, and the one that was.

    Raises:
        UserError: There is none before it that would answer.
    """
    versions = versions_of(target, model)
    champion = champion_of(versions)
    if champion is None:
        raise UserError(f"{model} has no approved version.", next_step=_choose(target, model))
    displaced = _displaced_by(champion)
    made_way = [row for row in versions if row["version"] in displaced and _made_way(row) and not _refuses(row)]
    others = others_that_serve(versions, champion["version"])
    if not made_way and not others:
        raise UserError(
            f"{model} has no approved version but version {champion['version']} that would answer.",
            next_step=_choose(target, model),
        )
    back = (made_way or others)[0]
    told = f"by {getpass.getuser()}: {why}"
    for row in made_way or [back]:
        _judge(target, model, row, approved=True, why=f"restored{_over(_displaced_by(row))} {told}")
    _judge(target, model, champion, approved=False, why=f"rolled back {told}")
    return back["version"], champion["version"]


def others_that_serve(versions: list[dict[str, Any]], version: int) -> list[dict[str, Any]]:
    """The approved versions but one that would answer requests, newest first."""
    approved = [row for row in versions if row["approval"] == registry.APPROVED and row["version"] != version]
    return [row for row in approved if not _refuses(row)]


def _refuses(version: dict[str, Any]) -> bool:
    """Whether it has expired and would refuse every request."""
    return bool(version["refuses_when_expired"]) and has_expired(version)


def _over(versions: list[int]) -> str:
    """What the reason of an approval says of those that made way for it."""
    return f" over {', '.join(map(str, versions))}" if versions else ""


def _displaced_by(version: dict[str, Any]) -> list[int]:
    """The versions that made way when it became champion, as it says now or said until it made way itself."""
    approvals = [reason for reason in registry.reasons_of(version["why"]) if not reason.startswith(_MAKES_WAY)]
    found = re.match(r"(?:promoted|restored) over ([\d, ]+) by ", approvals[0]) if approvals else None
    return [int(displaced) for displaced in found[1].split(", ")] if found else []


def _made_way(version: dict[str, Any]) -> bool:
    """Whether nothing but another's promotion took it out of the running."""
    return newest_reason(version).startswith(_MAKES_WAY)


def _choose(target: Target, model: str) -> str:
    return f"Choose another one: comal models {model}{target.option}, then comal promote {model} VERSION --why …"


def reject(target: Target, model: str, chosen: dict[str, Any], why: str) -> None:
    """Take a version out of the running; if it is, only the reason is kept."""
    _judge(target, model, chosen, approved=False, why=f"rejected by {getpass.getuser()}: {why}")


def rejection_of(version: dict[str, Any]) -> str:
    """Who rejected a version: the gate, unless its newest reason says otherwise."""
    reason, number = newest_reason(version), version["version"]
    if by_person := re.match(r"(?:rejected|rolled back) by (.+?): ", reason):
        return f"{by_person[1]} rejected version {number}"
    if reason.startswith(registry.NOT_SERVED):
        return f"The endpoint could not serve version {number}"
    if _made_way(version):
        return f"Version {number} made way for another, now rejected"
    return f"The gate rejected version {number}" if reason else f"Version {number} was rejected"


def follow(target: Target, model: str) -> dict[str, Any] | None:
    """Wait until the endpoint serves the champion.

    Returns:
        The endpoint, as `endpoint.endpoint_of` shows it; None where there is no champion, or nothing that serves it.
    """
    champion = champion_of(versions_of(target, model))
    if champion is None or not _serves(target):
        return None
    with err.status(f"The endpoint moves to version {champion['version']} …"):
        return wait_for_endpoint(target, model, champion["version"])


def _serves(target: Target) -> bool:
    functions = target.client("lambda")
    try:
        functions.get_function(FunctionName=target.names.shared("deploy_model"))
    except functions.exceptions.ResourceNotFoundException:
        return False
    return True


def _refuse_expired(target: Target, model: str, chosen: dict[str, Any]) -> None:
    expires_at, reason = chosen["expires_at"], f"version {chosen['version']} expired"
    if _refuses(chosen):
        raise UserError(
            f"Version {chosen['version']} of {model} expired on {expires_at:%Y-%m-%d}, and its recipe said "
            "registry.when_expired: refuse.",
            next_step=f'Train another: comal retrain {model} --reason "{reason}"{target.option}',
        )


def _judge(target: Target, model: str, row: dict[str, Any], *, approved: bool, why: str) -> None:
    now = datetime.now(UTC)
    sagemaker, arn = target.client("sagemaker"), row["model_package_arn"]
    registry.judge(sagemaker, arn, approved=approved, why=why, before=row["why"])
    kind = ModelApproved if approved else ModelRejected
    event = kind(
        event_id=event_id(target.stack, model, kind.__name__, row["model_package_arn"], now.isoformat()),
        stack=target.stack,
        model=model,
        version=row["version"],
        model_package_arn=row["model_package_arn"],
        why=why,
    )
    EventBus(target.client("events")).emit(event, now)
