"""S3 as a job's role sees it: addresses, reading, writing, and AWS's texts when the role may not."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from localcloud.aws.sagemaker.errors import ContainerFailure


@dataclass(frozen=True, slots=True)
class S3Uri:
    """`s3://bucket/key`."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Splits an address.

        Raises:
            ContainerFailure: It is none.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not bucket:
            raise ContainerFailure(f"ClientError: {uri} is not an S3 address; expected s3://bucket/key.")
        return cls(bucket, key)

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rpartition("/")[2]

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class RoleS3:
    """S3 through one role's credentials."""

    def __init__(self, client: Any, role_arn: str, region: str) -> None:
        self._client = client
        self._role_arn = role_arn
        self._region = region

    def list_keys(self, uri: S3Uri) -> Iterator[str]:
        """Keys below a prefix, folder markers left out.

        Raises:
            ContainerFailure: The role may not list, or there is no such bucket.
        """
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=uri.key):
                for entry in page.get("Contents", []):
                    if not entry["Key"].endswith("/"):
                        yield entry["Key"]
        except ClientError as error:
            raise self.failure("Data download failed", str(uri), "s3:ListBucket", error) from error

    def download(self, uri: S3Uri, path: Path) -> None:
        """Writes an object to a file.

        Raises:
            ContainerFailure: The role may not read it, or it is not there.
        """
        try:
            body = self._client.get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
        except ClientError as error:
            raise self.failure("Data download failed", str(uri), "s3:GetObject", error) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(body, file, 1024 * 1024)

    def upload(self, path: Path, uri: S3Uri) -> None:
        """Writes a file to an object.

        Raises:
            ContainerFailure: The role may not write it.
        """
        try:
            with path.open("rb") as file:
                self._client.put_object(Bucket=uri.bucket, Key=uri.key, Body=file)
        except ClientError as error:
            raise self.failure("Artifact upload failed", str(uri), "s3:PutObject", error) from error

    def size_bytes(self, uri: S3Uri) -> int:
        """Size of an object.

        Raises:
            ClientError: As S3 says.
        """
        size: int = self._client.head_object(Bucket=uri.bucket, Key=uri.key)["ContentLength"]
        return size

    def failure(self, what: str, uri: str, action: str, error: ClientError) -> ContainerFailure:
        """A ClientError that names role, action and object.

        https://repost.aws/knowledge-center/sagemaker-s3-accessdenied-training
        """
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return ContainerFailure(
            f"ClientError: {what}: {code} ({status}): {error.response['Error']['Message']} for {uri}. Please ensure "
            f'that the role "{self._role_arn}" has "{action}" permissions on it and that it is located in '
            f"{self._region}."
        )

    def nothing_found(self, uri: S3Uri) -> ContainerFailure:
        """AWS's text for a channel without objects."""
        return ContainerFailure(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data source. '
            f"Please ensure that the bucket exists in the selected region ({self._region}), that objects exist under "
            f'that S3 prefix, and that the role "{self._role_arn}" has "s3:ListBucket" permissions on bucket '
            f'"{uri.bucket}".'
        )


def local_path(directory: Path, relative: str) -> Path:
    """Where an object's file goes.

    Raises:
        ContainerFailure: The key climbs out of the directory.
    """
    parts = PurePosixPath(relative).parts
    if not parts or ".." in parts or parts[0] == "/":
        raise ContainerFailure(f"ClientError: Data download failed: {relative!r} is no path below a channel.")
    return directory.joinpath(*parts)
