"""Empties the stack's buckets, every version of every object."""

from collections.abc import Iterator
from typing import Any

from comal.errors import PlatformError


def empty_bucket(s3: Any, bucket: str, *, keeps: str | None = None) -> None:
    """Delete all versions and delete markers; a bucket that does not exist is empty.

    Args:
        s3: A boto3 client.
        bucket: Name.
        keeps: Prefix of objects that somebody else deletes; only their former versions go.

    Raises:
        PlatformError: S3 refused to delete some; DeleteObjects answers 200 also then.
    """
    try:
        for versions in _pages(s3, bucket, keeps):
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
            refused = answer.get("Errors", [])
            if refused:
                first = refused[0]
                raise PlatformError(
                    f"{len(refused)} objects of {bucket} could not be deleted: {first['Key']}: {first['Message']}.",
                    next_step="Run `comal destroy` again.",
                )
    except s3.exceptions.NoSuchBucket:
        return


def _pages(s3: Any, bucket: str, keeps: str | None) -> Iterator[list[dict[str, str]]]:
    """At most 1000 at once, which is what DeleteObjects takes.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [item for item in page.get("Versions", []) if not _is_kept(item, keeps)]
        found = [
            {"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions + page.get("DeleteMarkers", [])
        ]
        if found:
            yield found


def _is_kept(version: dict[str, Any], keeps: str | None) -> bool:
    return keeps is not None and version["IsLatest"] and version["Key"].startswith(keeps)
