"""Conditions in policies are judged by the keys that AWS gives."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.localcloud.resources import create_role
from tests.running_cloud import RunningCloud


@pytest.fixture(scope="module")
def events(cloud: RunningCloud) -> Any:
    """A client of a role that may put events of the source `shop` only."""
    condition = {"StringEquals": {"events:source": "shop"}}
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": condition}
    arn = create_role(cloud, "shopkeeper", [statement])
    keys = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return cloud.client("events", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def entry(source: str) -> dict[str, str]:
    return {"Source": source, "DetailType": "Sold", "Detail": "{}"}


def test_a_role_puts_events_of_the_source_that_its_policy_names(events: Any) -> None:
    assert events.put_events(Entries=[entry("shop"), entry("shop")])["FailedEntryCount"] == 0


@pytest.mark.parametrize("sources", [["bank"], ["shop", "bank"]])
def test_a_role_puts_no_events_of_another_source(events: Any, sources: list[str]) -> None:
    with pytest.raises(ClientError, match="events:PutEvents"):
        events.put_events(Entries=[entry(source) for source in sources])
