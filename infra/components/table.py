"""A DynamoDB table as every table of the kit is: on demand, keyed by pk and sk."""

import pulumi
from pulumi_aws import dynamodb

from infra.stack import Stack


def table(noun: str, stack: Stack, parent: pulumi.Resource) -> dynamodb.Table:
    """One of the stack's tables; where data outlives the stack it can also be restored to any second of 35 days.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
    """
    return dynamodb.Table(
        noun,
        name=stack.names.shared(noun),
        billing_mode="PAY_PER_REQUEST",
        hash_key="pk",
        range_key="sk",
        attributes=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}],
        point_in_time_recovery={"enabled": not stack.settings.empty_on_destroy},
        tags=stack.tags(),
        opts=stack.data_options(parent),
    )
