"""FilterLogEvents, of some streams of a group.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running_cloud import RunningCloud

STREAMS = ("local-bikes-1/algo-1", "local-bikes-2/algo-1", "local-tacos-1/algo-1")


@pytest.fixture
def group(cloud: RunningCloud) -> Iterator[str]:
    """A log group with one event in each stream: the stream's name."""
    logs, name = cloud.client("logs"), f"jobs-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    for stream in STREAMS:
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        event = {"timestamp": int(time.time() * 1000), "message": stream}
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[event])
    yield name
    logs.delete_log_group(logGroupName=name)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, STREAMS),
        ({"logStreamNamePrefix": "local-bikes-"}, STREAMS[:2]),
        ({"logStreamNamePrefix": STREAMS[2]}, STREAMS[2:]),
        ({"logStreamNamePrefix": "bikes"}, ()),
        ({"logStreamNames": [STREAMS[0], STREAMS[2]]}, (STREAMS[0], STREAMS[2])),
    ],
)
def test_only_events_of_the_streams_that_were_asked_for_are_found(
    cloud: RunningCloud, group: str, asked: dict[str, Any], found: tuple[str, ...]
) -> None:
    events = cloud.client("logs").filter_log_events(logGroupName=group, **asked)["events"]
    assert sorted(event["message"] for event in events) == sorted(found)
    assert all(event["logStreamName"] == event["message"] for event in events)


def test_a_group_is_known_by_its_arn_too(cloud: RunningCloud, group: str) -> None:
    logs = cloud.client("logs")
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    arn = described["arn"].removesuffix(":*")
    events = logs.filter_log_events(logGroupIdentifier=arn, logStreamNamePrefix="local-tacos-")["events"]
    assert [event["message"] for event in events] == [STREAMS[2]]


def test_names_and_a_prefix_together_are_refused(cloud: RunningCloud, group: str) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("logs").filter_log_events(
            logGroupName=group, logStreamNames=[STREAMS[0]], logStreamNamePrefix="local-"
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
