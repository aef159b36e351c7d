"""What a role, a bucket, a queue, a topic or a key itself says about who may use it."""

from comal.names import Names
from infra.policies.statements import Document, Statement, document


def trust(service: str) -> Document:
    """Lets an AWS service take on a role."""
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def tls_only(bucket_arn: str) -> Document:
    """Bucket policy that refuses every request without TLS.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    return document(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def queue_of_rules(names: Names, function: str) -> Document:
    """Queue policy: EventBridge may send what the function's own rules match."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": names.arn("sqs", names.shared(function)),
        "Condition": {"ArnLike": {"aws:SourceArn": names.arn("events", f"rule/{names.shared(function)}-*")}},
    }
    return document(statement)


def alert_topic(names: Names) -> Document:
    """Topic policy: alarms and budgets of this account may publish.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    topic = names.arn("sns", names.shared("alerts"))
    return document(
        _of_service("cloudwatch.amazonaws.com", ["sns:Publish"], topic, names),
        _of_service("budgets.amazonaws.com", ["sns:Publish"], topic, names),
    )


def alert_key(names: Names) -> Document:
    """Policy of the topic's key: the account rules it, alarms and budgets publish with it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{names.account}:root"},
            "Action": "kms:*",
            # In a key's policy it means the key.
            "Resource": "*",
        },
        _of_service("cloudwatch.amazonaws.com", actions, "*", names),
        _of_service("budgets.amazonaws.com", actions, "*", names),
    )


def _of_service(service: str, actions: list[str], resource: str, names: Names) -> Statement:
    """Lets a service of AWS do something on behalf of this account only."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": actions,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": names.account}},
    }
