"""SNS."""

from localcloud.engine.resource_type import ResourceType, Tagging

TYPES = {
    "aws:sns/topic:Topic": ResourceType(
        service="sns",
        create="create_topic",
        delete="delete_topic",
        read="get_topic_attributes",
        id="res.TopicArn",
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
        defaults={"displayName": "", "tags": {}},
        replace=("name", "fifoTopic"),
        outputs={"arn": "id", "owner": "account"},
    ),
    "aws:sns/topicSubscription:TopicSubscription": ResourceType(
        service="sns",
        create="subscribe",
        delete="unsubscribe",
        read="get_subscription_attributes",
        id="res.SubscriptionArn",
        key={"SubscriptionArn": "id"},
        paths={"topic": "TopicArn"},
        attributes={
            "filterPolicy": "FilterPolicy",
            "filterPolicyScope": "FilterPolicyScope",
            "rawMessageDelivery": "RawMessageDelivery",
            "redrivePolicy": "RedrivePolicy",
        },
        attribute_setter="set_subscription_attributes",
        defaults={"filterPolicy": "{}", "filterPolicyScope": "MessageAttributes", "rawMessageDelivery": False},
        replace=("topic", "protocol", "endpoint"),
        outputs={"arn": "id"},
    ),
}
