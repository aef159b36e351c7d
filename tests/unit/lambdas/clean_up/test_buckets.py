from collections.abc import Iterator
from typing import Any

import pytest

from comal.errors import PlatformError
from lambdas.clean_up.buckets import empty_bucket


class _S3:
    """Object versions in pages, as S3 lists them, at most 1000 a page."""

    class exceptions:  # noqa: N801  # boto3's spelling
        class NoSuchBucket(Exception):  # noqa: N818
            pass

    def __init__(self, pages: list[dict[str, Any]], errors: list[dict[str, str]] | None = None) -> None:
        self.pages = pages
        self.errors = errors or []
        self.deleted: list[list[dict[str, str]]] = []

    def get_paginator(self, operation: str) -> "_S3":
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        yield from self.pages

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.deleted.append(Delete["Objects"])
        return {"Errors": self.errors} if self.errors else {}


def _item(key: str) -> dict[str, Any]:
    return {"Key": key, "VersionId": f"v-{key}", "IsLatest": True}


def test_versions_and_delete_markers_go_a_page_at_a_time() -> None:
    s3 = _S3([{"Versions": [_item("a")], "DeleteMarkers": [_item("b")]}, {}, {"Versions": [_item("c")]}])
    empty_bucket(s3, "lake")
    assert s3.deleted == [
        [{"Key": "a", "VersionId": "v-a"}, {"Key": "b", "VersionId": "v-b"}],
        [{"Key": "c", "VersionId": "v-c"}],
    ]


def test_what_s3_refuses_to_delete_is_an_error() -> None:
    s3 = _S3([{"Versions": [_item("a")]}], [{"Key": "a", "Message": "Access Denied"}])
    with pytest.raises(PlatformError, match="1 objects of lake could not be deleted: a: Access Denied"):
        empty_bucket(s3, "lake")


def test_of_what_somebody_else_deletes_only_former_versions_go() -> None:
    former = {"Key": "recipes/a", "VersionId": "v-old", "IsLatest": False}
    s3 = _S3([{"Versions": [_item("recipes/a"), former, _item("b")]}])
    empty_bucket(s3, "lake", keeps="recipes/")
    assert s3.deleted == [[{"Key": "recipes/a", "VersionId": "v-old"}, {"Key": "b", "VersionId": "v-b"}]]
