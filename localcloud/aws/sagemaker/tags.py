"""AddTags, ListTags and DeleteTags, for every family.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
"""

from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.families import FAMILIES
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document

_MAX_TAGS = 50


class Tags:
    """Tags of any resource that exists."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def operations(self) -> dict[str, Operation]:
        """The three operations."""
        return {"AddTags": self.add, "ListTags": self.list_tags, "DeleteTags": self.delete}

    def add(self, scope: Scope, request: Document) -> Document:
        """AddTags; answers all tags of the resource."""
        arn = self._existing(scope, request["ResourceArn"])
        store = self._catalogue.store
        keys = store.tags(arn).keys() | {tag["Key"] for tag in request["Tags"]}
        if len(keys) > _MAX_TAGS:
            raise ValidationError(f"The number of tags would be {len(keys)}; a resource has at most {_MAX_TAGS}.")
        store.set_tags(arn, request["Tags"])
        return self.list_tags(scope, request)

    def list_tags(self, scope: Scope, request: Document) -> Document:
        """ListTags; a resource has at most 50, which is one page."""
        tags = self._catalogue.store.tags(self._existing(scope, request["ResourceArn"]))
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteTags."""
        self._catalogue.store.remove_tags(self._existing(scope, request["ResourceArn"]), request["TagKeys"])
        return {}

    def _existing(self, scope: Scope, arn: str) -> str:
        token, _, name = arn.rpartition(":")[2].partition("/")
        for family in FAMILIES.values():
            if family.arn_token == token:
                return self._catalogue.arn(family, self._catalogue.find(family, scope, name))
        raise ValidationError(f"ResourceArn {arn} is of no kind that this machine keeps.")
