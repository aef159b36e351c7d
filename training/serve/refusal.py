"""Why a request is refused, as HTTP tells it."""

from typing import Any


class RefusalError(Exception):
    """A request that cannot be answered.

    Args:
        status: HTTP status, 400 to 499.
        message: What was found and what was expected.
        row: Position of the offending row in the request, from 0.
        column: Its column.
    """

    def __init__(self, status: int, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.row = row
        self.column = column

    def body(self) -> dict[str, Any]:
        """The answer's JSON; row and column are left out where the whole request is at fault."""
        body: dict[str, Any] = {"error": self.message}
        if self.row is not None:
            body["row"] = self.row
        if self.column is not None:
            body["column"] = self.column
        return body
