from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.deploy_model.reconciliation import Action, Endpoint, next_action

WANTED, FORMER = "dev-tacos-v2-0a1b2c", "dev-tacos-v1-0a1b2c"


def _endpoint(**changes: Any) -> Endpoint:
    values: dict[str, Any] = {
        "name": "dev-tacos",
        "arn": "arn",
        "status": "InService",
        "config": FORMER,
        "attempted_config": "",
        "announced_config": "",
        "is_serverless": True,
        "instances": 0,
        "failure": "",
        "changed_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return Endpoint(**(values | changes))


@pytest.mark.parametrize(("changes", "action"), [
    ({}, Action.UPDATE),
    ({"config": WANTED}, Action.SETTLE),
    ({"config": WANTED, "attempted_config": WANTED}, Action.SETTLE),
    ({"attempted_config": WANTED, "failure": "no ping"}, Action.ROLL_BACK),
    ({"attempted_config": FORMER, "failure": "no ping"}, Action.UPDATE),
    ({"failure": "an older failure"}, Action.UPDATE),
    ({"is_serverless": False}, Action.REPLACE),
    ({"status": "Failed"}, Action.REMOVE),
    ({"status": "Failed", "config": WANTED}, Action.REMOVE),
    ({"status": "UpdateRollbackFailed"}, Action.REMOVE),
])  # fmt: skip
def test_what_is_done_next(changes: dict[str, Any], action: Action) -> None:
    assert next_action(_endpoint(**changes), WANTED, wants_serverless=True) is action


def test_instances_replace_serverless_by_an_update() -> None:
    assert next_action(_endpoint(), WANTED, wants_serverless=False) is Action.UPDATE


def test_an_absent_endpoint_is_created() -> None:
    assert next_action(None, WANTED, wants_serverless=True) is Action.CREATE


@given(
    status=st.sampled_from(["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "OutOfService"]),
    config=st.sampled_from([WANTED, FORMER]),
    attempted=st.sampled_from(["", WANTED, FORMER]),
)
def test_nothing_is_done_while_sagemaker_is_at_work(status: str, config: str, attempted: str) -> None:
    endpoint = _endpoint(status=status, config=config, attempted_config=attempted)
    assert next_action(endpoint, WANTED, wants_serverless=True) is Action.WAIT
