"""Whose a resource is, by the tags that every function of the kit puts on what it makes."""

from collections.abc import Sequence

from comal.names import Names


def is_tagged(tags: Sequence[dict[str, str]], names: Names, models: Sequence[str]) -> bool:
    """Whether tags, as ListTags gives them, name the stack and one of the models."""
    values = {tag["Key"]: tag["Value"] for tag in tags}
    return values.get("comal:stack") == names.stack and values.get("comal:model") in models
