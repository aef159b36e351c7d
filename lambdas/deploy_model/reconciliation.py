"""What an endpoint needs so that it serves what it should. Pure.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

IN_SERVICE = "InService"
# A failed update that could not be undone leaves UpdateRollbackFailed.
_BROKEN = frozenset({"Failed", "UpdateRollbackFailed"})


class Action(StrEnum):
    """What to do next about an endpoint."""

    CREATE = "create"
    UPDATE = "update"
    WAIT = "wait"
    SETTLE = "settle"
    ROLL_BACK = "roll back"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as SageMaker shows it.

    Attributes:
        config: Config that it serves, or that its creation tried.
        attempted_config: Config of the last update that was asked for; empty before the first.
        announced_config: Config about which ModelDeployed was sent last; empty before the first.
        is_serverless: Whether that what it serves is serverless.
        instances: How many instances it has; 0 if it is serverless.
        failure: Why the last creation or update failed; empty if it did not.
        changed_at: When its status changed last.
    """

    name: str
    arn: str
    status: str
    config: str
    attempted_config: str
    announced_config: str
    is_serverless: bool
    instances: int
    failure: str
    changed_at: datetime


def next_action(endpoint: Endpoint | None, wanted_config: str, *, wants_serverless: bool) -> Action:
    """Decide by what is there and what is wanted.

    While SageMaker changes the endpoint nothing is done: the end of the change is an event. A config that was tried
    and is not served has failed, and is not tried again by itself. Instances cannot become serverless by an update, so
    that needs a person.
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-update.html
    """
    if endpoint is None:
        return Action.CREATE
    if endpoint.status in _BROKEN:
        return Action.REMOVE
    if endpoint.status != IN_SERVICE:
        return Action.WAIT
    if endpoint.config == wanted_config:
        return Action.SETTLE
    if endpoint.attempted_config == wanted_config:
        return Action.ROLL_BACK
    if wants_serverless and not endpoint.is_serverless:
        return Action.REPLACE
    return Action.UPDATE
