"""SQS."""

from localcloud.engine.resource_type import ResourceType, Tagging

_QUEUE_DEFAULTS = {
    "visibilityTimeoutSeconds": 30,
    "messageRetentionSeconds": 345600,
    "delaySeconds": 0,
    "receiveWaitTimeSeconds": 0,
    "redrivePolicy": "",
    "policy": "",
    "sqsManagedSseEnabled": True,
    "kmsMasterKeyId": "",
    "contentBasedDeduplication": False,
    "maxMessageSize": 1048576,
    "tags": {},
}

TYPES = {
    "aws:sqs/queue:Queue": ResourceType(
        service="sqs",
        create="create_queue",
        delete="delete_queue",
        read="get_queue_attributes",
        id="res.QueueUrl",
        key={"QueueUrl": "id"},
        name="name",
        find=lambda client, inputs: _queue_url(client, str(inputs["name"])),
        paths={"name": "QueueName"},
        attributes={
            "visibilityTimeoutSeconds": "VisibilityTimeout",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "delaySeconds": "DelaySeconds",
            "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
            "redrivePolicy": "RedrivePolicy",
            "policy": "Policy",
            "fifoQueue": "FifoQueue",
            "contentBasedDeduplication": "ContentBasedDeduplication",
            "kmsMasterKeyId": "KmsMasterKeyId",
            "maxMessageSize": "MaximumMessageSize",
            "sqsManagedSseEnabled": "SqsManagedSseEnabled",
        },
        attribute_setter="set_queue_attributes",
        tagging=Tagging("tag_queue", "untag_queue", {"QueueUrl": "id"}),
        defaults=_QUEUE_DEFAULTS,
        replace=("name", "fifoQueue"),
        fixed={"get_queue_attributes": {"AttributeNames": ["All"]}},
        actual={
            "visibilityTimeoutSeconds": "to_number(Attributes.VisibilityTimeout)",
            "messageRetentionSeconds": "to_number(Attributes.MessageRetentionPeriod)",
            "delaySeconds": "to_number(Attributes.DelaySeconds)",
            "redrivePolicy": "Attributes.RedrivePolicy",
            "policy": "Attributes.Policy",
        },
        outputs={"arn": "join(':', ['arn:aws:sqs', region, account, in.name])", "url": "id"},
    ),
    "aws:sqs/queuePolicy:QueuePolicy": ResourceType(
        service="sqs",
        create="set_queue_attributes",
        delete="set_queue_attributes",
        id="in.queueUrl",
        key={"QueueUrl": "in.queueUrl"},
        put=True,
        paths={"queueUrl": "QueueUrl"},
        attributes={"policy": "Policy"},
        read="get_queue_attributes",
        is_there=lambda answer, _id, _inputs: bool(answer.get("Attributes", {}).get("Policy")),
        actual={"policy": "Attributes.Policy"},
        fixed={
            "set_queue_attributes": {"Attributes": {"Policy": ""}},
            "get_queue_attributes": {"AttributeNames": ["Policy"]},
        },
        replace=("queueUrl",),
    ),
}


def _queue_url(client: object, name: str) -> str | None:
    urls = client.list_queues(QueueNamePrefix=name).get("QueueUrls", [])  # type: ignore[attr-defined]
    return next((url for url in urls if url.rsplit("/", 1)[-1] == name), None)
