"""Empties the stack's buckets, every version of every object."""

from collections.abc import Iterator
from typing import Any

from comal.errors import PlatformError


def empty_bucket(s3: Any, bucket: str) -> None:
    """Delete all versions and delete markers; a bucket that does not exist is empty.

    Raises:
        PlatformError: S3 refused to delete some; DeleteObjects answers 200 also then.
    """
    try:
        for versions in _pages(s3, bucket):
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


def _pages(s3: Any, bucket: str) -> Iterator[list[dict[str, str]]]:
    """At most 1000 at once, which is what DeleteObjects takes.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if found:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
