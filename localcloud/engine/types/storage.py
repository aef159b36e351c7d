"""S3."""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType

_BUCKET = {"Bucket": "in.bucket"}


def _empty(client: Any, bucket: str, inputs: Mapping[str, Any]) -> None:
    if inputs.get("forceDestroy"):
        _delete_versions(client, bucket, "", lambda _key: True)


def _delete_object(client: Any, object_id: str, inputs: Mapping[str, Any]) -> None:
    """Delete every version, as the provider does; a plain delete would leave them under a marker."""
    del object_id
    _delete_versions(client, inputs["bucket"], inputs["key"], lambda key: key == inputs["key"])


def _delete_versions(client: Any, bucket: str, prefix: str, is_meant: Callable[[str], bool]) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found if is_meant(item["Key"])]
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _notifications(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider keeps filters flat, S3 nests them; EventBridge is a switch here and an empty object there."""
    shaped = dict(inputs)
    for kind in ("lambdaFunctions", "queues", "topics"):
        if kind in shaped:
            shaped[kind] = [_notification(item) for item in shaped[kind]]
    if "eventbridge" in shaped:
        if shaped["eventbridge"]:
            shaped["eventbridge"] = {}
        else:
            del shaped["eventbridge"]
    return shaped


def _notification(item: Mapping[str, Any]) -> dict[str, Any]:
    filters = {"prefix": item.get("filterPrefix"), "suffix": item.get("filterSuffix")}
    rules = [{"Name": name, "Value": value} for name, value in filters.items() if value]
    kept = {key: value for key, value in item.items() if key not in ("filterPrefix", "filterSuffix")}
    return {**kept, **({"filter": {"key": {"filterRules": rules}}} if rules else {})}


def _lifecycle(inputs: dict[str, Any]) -> dict[str, Any]:
    """S3 calls a rule's id `ID` and counts days under other names than the provider."""
    names = {"noncurrentDays": "NoncurrentDays", "daysAfterInitiation": "DaysAfterInitiation"}
    return {**inputs, **({"rules": [_renamed(rule, names) for rule in inputs["rules"]]} if "rules" in inputs else {})}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return value


_CONFIGURATION = "ServerSideEncryptionConfiguration.Rules"
_NOTIFICATION = "NotificationConfiguration."

TYPES = {
    "aws:s3/bucket:Bucket": ResourceType(
        service="s3",
        create="create_bucket",
        delete="delete_bucket",
        read="head_bucket",
        id="in.bucket",
        key={"Bucket": "id"},
        name="bucket",
        local=("forceDestroy",),
        replace=("bucket",),
        updates={"put_bucket_tagging": ("tags",)},
        paths={"tags": "Tagging.TagSet"},
        defaults={"tags": {}},
        before_delete=_empty,
        outputs={
            "arn": "join('', ['arn:aws:s3:::', id])",
            "bucketDomainName": "join('', [id, '.s3.amazonaws.com'])",
            "region": "region",
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ResourceType(
        service="s3",
        create="put_bucket_versioning",
        delete="put_bucket_versioning",
        fixed={"put_bucket_versioning": {"VersioningConfiguration": {"Status": "Suspended"}}},
        read="get_bucket_versioning",
        is_there=lambda answer, _id, inputs: answer.get("Status") == inputs["versioningConfiguration"].get("status"),
        id="in.bucket",
        key=_BUCKET,
        put=True,
        replace=("bucket",),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ResourceType(
        service="s3",
        create="put_bucket_encryption",
        delete="delete_bucket_encryption",
        read="get_bucket_encryption",
        id="in.bucket",
        key=_BUCKET,
        put=True,
        replace=("bucket",),
        paths={"rules": _CONFIGURATION},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ResourceType(
        service="s3",
        create="put_public_access_block",
        delete="delete_public_access_block",
        read="get_public_access_block",
        id="in.bucket",
        key=_BUCKET,
        put=True,
        replace=("bucket",),
        defaults=dict.fromkeys(
            ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), False
        ),
        paths={
            name: f"PublicAccessBlockConfiguration.{name[0].upper()}{name[1:]}"
            for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        },
    ),
    "aws:s3/bucketPolicy:BucketPolicy": ResourceType(
        service="s3",
        create="put_bucket_policy",
        delete="delete_bucket_policy",
        read="get_bucket_policy",
        actual={"policy": "Policy"},
        id="in.bucket",
        key=_BUCKET,
        put=True,
        replace=("bucket",),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ResourceType(
        service="s3",
        create="put_bucket_lifecycle_configuration",
        delete="delete_bucket_lifecycle",
        read="get_bucket_lifecycle_configuration",
        id="in.bucket",
        key=_BUCKET,
        put=True,
        replace=("bucket",),
        prepare=_lifecycle,
        paths={"rules": "LifecycleConfiguration.Rules"},
    ),
    "aws:s3/bucketNotification:BucketNotification": ResourceType(
        service="s3",
        create="put_bucket_notification_configuration",
        delete="put_bucket_notification_configuration",
        read="get_bucket_notification_configuration",
        id="in.bucket",
        key=_BUCKET,
        put=True,
        replace=("bucket",),
        defaults={"lambdaFunctions": [], "queues": [], "topics": [], "eventbridge": False},
        prepare=_notifications,
        paths={
            "lambdaFunctions": _NOTIFICATION + "LambdaFunctionConfigurations",
            "queues": _NOTIFICATION + "QueueConfigurations",
            "topics": _NOTIFICATION + "TopicConfigurations",
            "eventbridge": _NOTIFICATION + "EventBridgeConfiguration",
        },
        fixed={"put_bucket_notification_configuration": {"NotificationConfiguration": {}}},
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": ResourceType(
        service="s3",
        create="put_object",
        delete="",
        before_delete=_delete_object,
        read="head_object",
        id="join('/', [in.bucket, in.key])",
        key={"Bucket": "in.bucket", "Key": "in.key"},
        put=True,
        replace=("bucket", "key"),
        local=("etag", "sourceHash"),
        paths={"source": "Body", "content": "Body", "tags": "Tagging.TagSet"},
        updates={"put_object_tagging": ("tags",)},
        defaults={"tags": {}},
        prepare=lambda inputs: {**inputs, **({"content": inputs["content"].encode()} if "content" in inputs else {})},
        outputs={"arn": "join('', ['arn:aws:s3:::', in.bucket, '/', in.key])", "etag": "res.ETag"},
    ),
}
