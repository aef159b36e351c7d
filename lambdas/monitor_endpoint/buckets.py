"""What monitoring reads and writes in S3: capture files, labels, profiles, captured rows and reports."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from comal import s3_layout
from comal.names import Names
from comal.profile import Profile
from comal.recipe import Recipe
from lambdas.monitor_endpoint.comparison import References

_PARQUET = "application/vnd.apache.parquet"
# What S3 says of an object or version that is not there; HeadObject, by which a download begins, has no body to say it.
_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})


class Buckets:
    """The buckets of a stack; the client is boto3's."""

    def __init__(self, s3: Any, names: Names) -> None:
        self._s3 = s3
        self._lake = names.bucket("lake")

    def recipe(self, model: str) -> Recipe | None:
        """The deployed recipe as the model sees it; None for a model that left the stack."""
        text = self._read(s3_layout.recipe_key(model))
        return Recipe.model_validate_json(text).with_windows() if text is not None else None

    def models(self) -> list[str]:
        """Models that have a recipe in the stack."""
        keys = [PurePosixPath(key) for key in self._keys(s3_layout.RECIPES)]
        return sorted(key.stem for key in keys if key.suffix == ".json")

    def references(self, model: str, version: int) -> References | None:
        """Profiles of what a version was trained on, and of its predictions; None before there is any.

        A version that was registered before its profiles were kept is compared with the champion's training rows.

        Raises:
            DataError: They are of another version of the kit.
        """
        rows = self._read(s3_layout.version_profile_key(model, version, "reference"))
        if rows is None:
            rows = self._read(s3_layout.reference_profile_key(model))
        if rows is None:
            return None
        predictions = self._read(s3_layout.version_profile_key(model, version, "predictions"))
        return References(Profile.from_json(rows), Profile.from_json(predictions) if predictions is not None else None)

    def validated_profiles(self, model: str, first: date, last: date, limit: int) -> Iterator[Profile]:
        """Profiles of the batches validated on some days, the newest first, at most `limit`.

        Raises:
            DataError: One is of another version of the kit.
        """
        keys = [key for day in _days_back(first, last) for key in sorted(self._keys(_day("profiles", model, day)))]
        for key in keys[:limit]:
            text = self._read(key)
            if text is not None:
                yield Profile.from_json(text)

    def newest(self, area: str, model: str, first: date, last: date) -> Iterator[str]:
        """Keys of an area (captured, labels) from the newest to the oldest, day by day, as they are asked for."""
        for day in _days_back(first, last):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._lake, Prefix=_day(area, model, day))
            found = [(item["LastModified"], item["Key"]) for page in pages for item in page.get("Contents", [])]
            yield from (key for _, key in sorted(found, reverse=True))

    def download(self, key: str, path: Path) -> Path:
        """Fetch a file of the lake."""
        self._s3.download_file(self._lake, key, str(path))
        return path

    def fetch(self, bucket: str, key: str, path: Path, version_id: str | None = None) -> bool:
        """Fetch a file that an event named; whether it is there.

        Whether an event's key is URL-encoded depends on the way it came.
        """
        pinned = {"ExtraArgs": {"VersionId": version_id}} if version_id else {}
        for name in dict.fromkeys((key, unquote_plus(key))):
            try:
                self._s3.download_file(bucket, name, str(path), **pinned)
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    continue
                raise
            return True
        return False

    def file_rows(self, path: Path, key: str) -> None:
        """Write a Parquet file."""
        self._s3.upload_file(str(path), self._lake, key, ExtraArgs={"ContentType": _PARQUET})

    def file_text(self, text: str, key: str, content_type: str) -> None:
        """Write a report."""
        self._s3.put_object(
            Bucket=self._lake, Key=key, Body=text.encode(), ContentType=f"{content_type}; charset=utf-8"
        )

    def _read(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._lake, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return body

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._lake, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _days_back(first: date, last: date) -> Iterator[date]:
    for days in range((last - first).days + 1):
        yield last - timedelta(days)


def _day(area: str, model: str, day: date) -> str:
    return f"{area}/{model}/v1/dt={day.isoformat()}/"
