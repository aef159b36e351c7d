"""What all families share: add, find, change and remove a resource, with its tags and its event."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from localcloud.aws.sagemaker.event_details import event_detail
from localcloud.aws.sagemaker.families import Family
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, DuplicateError, Resource, Store

Operation = Callable[[Scope, Document], Document]


class Catalogue:
    """The engine under every family."""

    def __init__(self, store: Store, wake_outbox: Callable[[], None]) -> None:
        self.store = store
        self._wake_outbox = wake_outbox

    def add(
        self,
        family: Family,
        scope: Scope,
        name: str,
        fields: Document,
        tags: Sequence[dict[str, str]] = (),
        parent: str = "",
    ) -> Resource:
        """Adds a resource and announces it.

        Raises:
            ApiError: The family's text for a taken name.
        """
        document = {
            family.arn_field: scope.arn(family.arn_token, name),
            "CreationTime": time.time(),
            **{field: value for field, value in fields.items() if field != "Tags" and value is not None},
        }
        resource = _with_columns(family, Resource(scope, family.name, name, document, parent))
        try:
            with self.store.transaction():
                self.store.insert(resource)
                self.store.set_tags(self.arn(family, resource), tags)
                self._announce(family, resource)
        except DuplicateError:
            raise family.duplicate_error(scope, name) from None
        self._wake_outbox()
        return resource

    def find(self, family: Family, scope: Scope, name: str) -> Resource:
        """The resource with this name.

        Raises:
            ApiError: The family's text for a missing one.
        """
        resource = self.store.find(scope, family.name, name)
        if resource is None:
            raise family.missing_error(scope, name)
        return resource

    def change(
        self, family: Family, scope: Scope, name: str, edit: Callable[[Document], object], *, announce: bool = True
    ) -> Resource:
        """Edits a resource's document, and announces it, in one transaction.

        Raises:
            ApiError: There is no such resource, or `edit` refuses.
        """
        with self.store.transaction():
            resource = self.find(family, scope, name)
            edit(resource.document)
            resource.document["LastModifiedTime"] = time.time()
            resource = _with_columns(family, resource)
            self.store.replace(resource)
            if announce:
                self._announce(family, resource)
        self._wake_outbox()
        return resource

    def remove(self, family: Family, resource: Resource) -> None:
        """Removes a resource and its tags."""
        self.store.delete(resource, self.arn(family, resource))

    def all_with_status(self, family: Family, statuses: Sequence[str]) -> list[Resource]:
        """Resources of every account and region in one of these states."""
        return self.store.select(family.name, f"status in ({','.join('?' * len(statuses))})", statuses)

    @staticmethod
    def arn(family: Family, resource: Resource) -> str:
        """The resource's ARN."""
        arn: str = resource.document[family.arn_field]
        return arn

    def _announce(self, family: Family, resource: Resource) -> None:
        if family.event:
            arn = self.arn(family, resource)
            detail = event_detail(family, resource.document, self.store.tags(arn))
            self.store.add_event(resource.scope, family.event, arn, detail)


def _with_columns(family: Family, resource: Resource) -> Resource:
    document: dict[str, Any] = resource.document
    return replace(
        resource, status=document.get(family.status_field, ""), approval=document.get("ModelApprovalStatus", "")
    )
