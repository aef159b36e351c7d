"""Answers that come in pages: the token is the number of items that were given already."""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.cloudwatch.store import Document


def page(key: str, items: Sequence[Document], request: Mapping[str, Any], size: int) -> Document:
    """One page of items.

    Args:
        key: Member of the answer that holds them.
        items: All of them.
        request: Its NextToken says where to go on.
        size: Items of a page.

    Raises:
        ApiError: The token is none of ours.
    """
    first = first_of(request)
    answer: Document = {key: list(items[first : first + size])}
    return answer | ({"NextToken": str(first + size)} if first + size < len(items) else {})


def first_of(request: Mapping[str, Any]) -> int:
    """How many items were given already.

    Raises:
        ApiError: The token is none of ours.
    """
    token = request.get("NextToken", "0")
    if not token.isdigit():
        raise ApiError("InvalidNextToken", "The next token specified is invalid.")
    return int(token)
