"""kill -9 at every write of the state: the next operation converges, and nothing is left behind."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.engine.stack_folder import StackFolder
from tests.running_cloud import REPOSITORY, RunningCloud

KILLED_ENGINE = Path(__file__).with_name("killed_engine.py")

# Ids of each kind: the name, a URL (queue), made up by AWS (subscription), of two parts (policy).
PROGRAM = """
prefix = "{prefix}"
TRUST = aws.iam.get_policy_document(statements=[{{
    "actions": ["sts:AssumeRole"], "principals": [{{"type": "Service", "identifiers": ["lambda.amazonaws.com"]}}],
}}]).json
POLICY = aws.iam.get_policy_document(statements=[{{"actions": ["sqs:SendMessage"], "resources": ["*"]}}]).json
queue = aws.sqs.Queue("queue", name=prefix)
topic = aws.sns.Topic("topic", name=prefix)
aws.sns.TopicSubscription("subscription", topic=topic.arn, protocol="sqs", endpoint=queue.arn)
role = aws.iam.Role("role", name=prefix, assume_role_policy=TRUST)
aws.iam.RolePolicy("policy", name=prefix, role=role.name, policy=POLICY)
aws.cloudwatch.LogGroup("logs", name=prefix, retention_in_days=1)
"""
RESOURCES = {"queue": 1, "topic": 1, "subscription": 1, "role": 1, "policy": 1, "log group": 1}


def inventory(cloud: RunningCloud, prefix: str) -> dict[str, int]:
    """How many of each kind exist whose name begins with the prefix."""
    found: Counter[str] = Counter()
    found["queue"] = len(cloud.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", []))
    found["topic"] = sum(prefix in topic["TopicArn"] for topic in cloud.client("sns").list_topics()["Topics"])
    found["subscription"] = sum(
        prefix in subscription["TopicArn"] for subscription in cloud.client("sns").list_subscriptions()["Subscriptions"]
    )
    iam = cloud.client("iam")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(prefix)]
    found["role"] = len(roles)
    found["policy"] = sum(len(iam.list_role_policies(RoleName=role)["PolicyNames"]) for role in roles)
    found["log group"] = len(cloud.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"])
    return {kind: count for kind, count in found.items() if count}


def rounds(folder: StackFolder, then: str) -> Iterator[dict[str, Any]]:
    """A report for each kill, while what it left can be looked at."""
    arguments = [sys.executable, str(KILLED_ENGINE), str(folder.root), folder.url, then]
    with subprocess.Popen(
        arguments, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        for line in process.stdout:
            yield json.loads(line)
            process.stdin.write("go\n")
            process.stdin.flush()
    assert process.returncode == 0


@pytest.mark.parametrize(("then", "expected"), [("up", RESOURCES), ("destroy", {})])
def test_kill_at_every_write_of_the_state_is_healed_by_the_next_operation(folder, prefix, cloud, then, expected):
    folder.program(PROGRAM.format(prefix=prefix))
    kills = 0
    for report in rounds(folder, then):
        assert not report["second"]["failures"], report
        assert inventory(cloud, prefix) == expected, report
        kills += "killed" in report["first"]
    # An intent and a result for each resource, and what the stack exports.
    assert kills >= 2 * 2 * len(RESOURCES)
    assert inventory(cloud, prefix) == {}
