"""SNS."""

from collections.abc import Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType, Tagging


def _find_subscription(client: Any, inputs: Mapping[str, Any]) -> str | None:
    for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=inputs["topic"]):
        for subscription in page["Subscriptions"]:
            if (subscription["Protocol"], subscription["Endpoint"]) == (inputs["protocol"], inputs["endpoint"]):
                return str(subscription["SubscriptionArn"])
    return None


TYPES = {
    "aws:sns/topic:Topic": ResourceType(
        service="sns",
        create="create_topic",
        delete="delete_topic",
        read="get_topic_attributes",
        id="join(':', ['arn:aws:sns', region, account, in.name])",
        key={"TopicArn": "id"},
        name="name",
        attributes={
            "displayName": "DisplayName",
            "policy": "Policy",
            "deliveryPolicy": "DeliveryPolicy",
            "kmsMasterKeyId": "KmsMasterKeyId",
            "fifoTopic": "FifoTopic",
            "contentBasedDeduplication": "ContentBasedDeduplication",
        },
        attribute_setter="set_topic_attributes",
        tagging=Tagging("tag_resource", "untag_resource", {"ResourceArn": "id"}),
        defaults={"displayName": "", "kmsMasterKeyId": "", "contentBasedDeduplication": False, "tags": {}},
        replace=("name", "fifoTopic"),
        actual={"displayName": "Attributes.DisplayName"},
        outputs={"arn": "id", "owner": "account"},
    ),
    "aws:sns/topicSubscription:TopicSubscription": ResourceType(
        service="sns",
        create="subscribe",
        delete="unsubscribe",
        read="get_subscription_attributes",
        id="res.SubscriptionArn",
        find=_find_subscription,
        key={"SubscriptionArn": "id"},
        paths={"topic": "TopicArn"},
        attributes={
            "filterPolicy": "FilterPolicy",
            "filterPolicyScope": "FilterPolicyScope",
            "rawMessageDelivery": "RawMessageDelivery",
            "redrivePolicy": "RedrivePolicy",
        },
        attribute_setter="set_subscription_attributes",
        defaults={
            "filterPolicy": "{}",
            "filterPolicyScope": "MessageAttributes",
            "rawMessageDelivery": False,
            "redrivePolicy": "",
        },
        replace=("topic", "protocol", "endpoint"),
        actual={"filterPolicy": "Attributes.FilterPolicy"},
        outputs={"arn": "id"},
    ),
}
