"""JSON documents in the folder of a run: read, or named with what is wrong with them."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from comal.cli.target import Target
from comal.errors import PlatformError

Document = TypeVar("Document", bound=BaseModel)


class DamagedDocumentError(PlatformError):
    """An object of the models bucket does not hold what was written there."""


def address(target: Target, key: str) -> str:
    """Where an object of the models bucket lies."""
    return f"s3://{target.names.bucket('models')}/{key}"


def read(target: Target, key: str) -> bytes | None:
    """What an object of the models bucket holds; None where there is none."""
    s3 = target.client("s3")
    try:
        return bytes(s3.get_object(Bucket=target.names.bucket("models"), Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None


def read_document(target: Target, key: str, kind: type[Document], name: str) -> Document | None:
    """The document in an object of the models bucket; None where there is none.

    Args:
        target: The stack.
        key: The object's.
        kind: What it is to hold.
        name: What people call that.

    Raises:
        DamagedDocumentError: It holds something else.
    """
    content = read(target, key)
    if content is None:
        return None
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DamagedDocumentError(
            f"{address(target, key)} is no {name} any more: {place + ': ' if place else ''}{first['msg']}.",
            next_step="Restore an older version of that object.",
        ) from error
