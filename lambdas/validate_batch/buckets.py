"""Reading one pinned object version from the landing bucket, and filing what became of it in the lake."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from comal import s3_layout
from comal.names import Names
from comal.profile import Profile
from comal.recipe import Recipe
from lambdas.validate_batch.upload import Upload

_BLOCK_BYTES = 1 << 20
# What S3 says of an object or version that is not there; HeadObject has no body to say it in.
_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})


@dataclass(frozen=True)
class Pushed:
    """An object version that is there; `key` is its real key, however the event wrote it."""

    key: str
    push_id: str | None


class Buckets:
    """The landing and the lake bucket of a stack; the client is boto3's."""

    def __init__(self, s3: Any, names: Names) -> None:
        self._s3 = s3
        self._lake = names.bucket("lake")

    def recipe(self, model: str, version: str | None = None) -> tuple[Recipe, str] | None:
        """A deployed recipe and the version of its object; the newest by default; None if there is no such recipe."""
        pinned = {"VersionId": version} if version else {}
        try:
            answer = self._s3.get_object(Bucket=self._lake, Key=s3_layout.recipe_key(model), **pinned)
        except self._s3.exceptions.NoSuchKey:
            return None
        return Recipe.model_validate_json(answer["Body"].read()), answer["VersionId"]

    def models(self) -> list[str]:
        """Models that have a recipe in the stack."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._lake, Prefix=s3_layout.RECIPES)
        keys = [PurePosixPath(item["Key"]) for page in pages for item in page.get("Contents", [])]
        return sorted(key.stem for key in keys if key.suffix == ".json")

    def reference(self, model: str) -> Profile | None:
        """Profile of the champion's training rows; None before the first champion.

        Raises:
            DataError: It is of another version of the kit.
        """
        try:
            answer = self._s3.get_object(Bucket=self._lake, Key=s3_layout.reference_profile_key(model))
        except self._s3.exceptions.NoSuchKey:
            return None
        return Profile.from_json(answer["Body"].read())

    def find(self, upload: Upload) -> Pushed | None:
        """The pushed object version; None if somebody has deleted it.

        Whether an event's key is URL-encoded depends on the way it came; the version belongs to one of the two only.
        """
        for key in dict.fromkeys((upload.key, unquote_plus(upload.key))):
            try:
                head = self._s3.head_object(Bucket=upload.bucket, Key=key, VersionId=upload.version_id)
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    continue
                raise
            return Pushed(key, head["Metadata"].get("push-id"))
        return None

    def download(self, upload: Upload, key: str, path: Path) -> str:
        """Write the object to a file; returns the SHA-256 of its content."""
        answer = self._s3.get_object(Bucket=upload.bucket, Key=key, VersionId=upload.version_id)
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for block in answer["Body"].iter_chunks(_BLOCK_BYTES):
                digest.update(block)
                file.write(block)
        return digest.hexdigest()

    def file_rows(self, path: Path, key: str) -> None:
        """Upload typed rows."""
        self._s3.upload_file(str(path), self._lake, key, ExtraArgs={"ContentType": "application/vnd.apache.parquet"})

    def file_text(self, text: str, key: str, content_type: str) -> None:
        """Write a profile or a report."""
        self._s3.put_object(
            Bucket=self._lake, Key=key, Body=text.encode(), ContentType=f"{content_type}; charset=utf-8"
        )

    def quarantine(self, upload: Upload, key: str, quarantine_key: str) -> None:
        """Copy the object as it is, inside S3; in parts where it is larger than one copy may be."""
        source = {"Bucket": upload.bucket, "Key": key, "VersionId": upload.version_id}
        # Tags would need a permission of their own to be read, and the kit has no use for them.
        self._s3.copy(source, self._lake, quarantine_key, ExtraArgs={"TaggingDirective": "REPLACE"})

    def remove(self, upload: Upload, key: str) -> None:
        """Delete the object version from the landing bucket."""
        self._s3.delete_object(Bucket=upload.bucket, Key=key, VersionId=upload.version_id)
