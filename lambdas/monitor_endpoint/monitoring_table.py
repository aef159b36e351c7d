"""The monitoring table: each captured row has one place in its version's sequence, and each window one look.

Rows of a model (pk), by sort key:
capture#<file>             a capture file whose rows have their places
version#<version>          how many rows of a version were counted, and where its open window begins
range#<version>#<first>    where the rows of these places lie
window#<version>#<first>   a full window: its look, and its scores once it has them
week#<ISO week>            looks of the week
labels#<file>              a file of late labels and what became of it
deployment, labels         when a version was deployed, and labels came, last
quality                    the newest live quality
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from comal.errors import PlatformError
from comal.table_items import from_item, to_attribute, to_item
from lambdas.monitor_endpoint.counting import Counted, Place, Range, VersionCount, Window

# Files of one version that arrive together want the same counter; each try is one read and one write.
_ATTEMPTS = 12


class MonitoringTable:
    """The table of one stack; the client is boto3's for DynamoDB."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def counted(self, model: str, file_id: str) -> Counted | None:
        """A capture file whose rows have their places, or None."""
        row = self._get(model, f"capture#{file_id}")
        return Counted.from_row(row) if row else None

    def count(
        self, model: str, file_id: str, captured_key: str, places: Callable[[dict[int, VersionCount]], list[Place]]
    ) -> Counted:
        """Give each row of a file its place, all at once or not at all; a file that has its places keeps them.

        Args:
            model: Name of the model.
            file_id: Of the capture file.
            captured_key: Where its typed rows lie.
            places: The places that the rows get, by what was counted before of each version.

        Raises:
            PlatformError: Other files kept the counters busy; the message has to come again.
        """
        for attempt in range(_ATTEMPTS):
            known = self.counted(model, file_id)
            if known is not None:
                return known
            counted = Counted(captured_key, places(self.versions(model)))
            if self._write_places(model, file_id, counted):
                return counted
            time.sleep(0.01 * attempt)
        raise PlatformError(
            f"The counters of {model} were busy {_ATTEMPTS} times.", next_step="The message comes again by itself."
        )

    def set_done(self, model: str, file_id: str) -> None:
        """Note that nothing is left to do for a capture file."""
        self._set(model, f"capture#{file_id}", done=True)

    def versions(self, model: str) -> dict[int, VersionCount]:
        """What was counted of each version."""
        return {
            int(row["sk"].split("#")[1]): VersionCount.from_row(row)
            for row in self._query(model, "version#", "version#~")
        }

    def ranges(self, model: str, version: int, first: int, stop: int) -> list[Range]:
        """Where the rows of places first to stop (excluded) lie, in order."""
        prefix = f"range#{version:08d}#"
        found = []
        for row in self._query(model, prefix, f"{prefix}{stop - 1:015d}", newest_first=True):
            begins, rows = int(row["sk"].rpartition("#")[2]), int(row["rows"])
            if begins + rows <= first:
                break
            start, end = max(first, begins), min(stop, begins + rows)
            found.append(Range(row["captured_key"], start - begins, end - start))
        return found[::-1]

    def look(self, model: str, window: Window, week: str) -> tuple[int, dict[str, Any]]:
        """The window's number among this week's looks, from 1, and its scores if it has them; taken once.

        Raises:
            PlatformError: Other windows kept the week's counter busy; the message has to come again.
        """
        for attempt in range(_ATTEMPTS):
            row = self._get(model, window.sort_key)
            if row:
                return row["look"], json.loads(row.get("scores", "{}"))
            looks = int(self._get(model, f"week#{week}").get("looks", 0))
            fresh = {"look": looks + 1, "week": week, "window_id": window.window_id, "rows": window.rows}
            if self._transact(
                self._put(model, window.sort_key, fresh),
                self._raise_to(model, f"week#{week}", "looks", looks, looks + 1),
            ):
                return looks + 1, {}
            time.sleep(0.01 * attempt)
        raise PlatformError(
            f"The looks of {model} were busy {_ATTEMPTS} times.", next_step="The message comes again by itself."
        )

    def set_scores(self, model: str, window: Window, scores: dict[str, Any]) -> None:
        """Note what a window was found to be."""
        self._set(model, window.sort_key, scores=json.dumps(scores))

    def newest_scores(self, model: str, version: int) -> dict[str, Any] | None:
        """Scores of the newest window of a version that has any."""
        prefix = f"window#{version:08d}#"
        for row in self._query(model, prefix, f"{prefix}~", newest_first=True):
            if "scores" in row:
                return dict(json.loads(row["scores"]))
        return None

    def note(self, model: str, sort_key: str, values: dict[str, Any]) -> None:
        """Write a row as a whole: deployment, quality or labels#<file>."""
        self._dynamodb.put_item(TableName=self._table, Item=to_item({"pk": model, "sk": sort_key, **values}))

    def noted(self, model: str, sort_key: str) -> dict[str, Any]:
        """A row of `note`; empty where there is none."""
        return self._get(model, sort_key)

    def _write_places(self, model: str, file_id: str, counted: Counted) -> bool:
        writes = [self._put(model, f"capture#{file_id}", counted.to_row())]
        for place in counted.places:
            version = f"{place.version:08d}"
            where = {"rows": place.rows, "captured_key": counted.captured_key}
            writes.append(self._put(model, f"range#{version}#{place.first:015d}", where))
            after = place.after.to_row()
            writes.append(self._raise_to(model, f"version#{version}", "rows", place.first, after.pop("rows"), **after))
        return self._transact(*writes)

    def _put(self, model: str, sort_key: str, values: dict[str, Any]) -> dict[str, Any]:
        item = to_item({"pk": model, "sk": sort_key, **values})
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

    def _raise_to(self, model: str, sort_key: str, counter: str, seen: int, to: int, **others: Any) -> dict[str, Any]:
        """Write a counter's row, if the counter is still what was seen; one that is 0 has no row."""
        item = to_item({"pk": model, "sk": sort_key, counter: to, **others})
        put: dict[str, Any] = {"TableName": self._table, "Item": item}
        if not seen:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(pk)"}}
        condition = {
            "ConditionExpression": "#counter = :seen",
            "ExpressionAttributeNames": {"#counter": counter},
            "ExpressionAttributeValues": {":seen": to_attribute(seen)},
        }
        return {"Put": {**put, **condition}}

    def _transact(self, *writes: dict[str, Any]) -> bool:
        """Whether all conditions held and all was written."""
        try:
            self._dynamodb.transact_write_items(TransactItems=list(writes))
        except self._dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    def _set(self, model: str, sort_key: str, **values: Any) -> None:
        ((name, value),) = values.items()
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(model, sort_key),
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": to_attribute(value)},
        )

    def _get(self, model: str, sort_key: str) -> dict[str, Any]:
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(model, sort_key), ConsistentRead=True)
        return from_item(answer.get("Item", {}))

    def _query(self, model: str, low: str, high: str, *, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :model AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues=to_item({":model": model, ":low": low, ":high": high}),
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
            PaginationConfig={"PageSize": 100},
        )
        for page in pages:
            yield from map(from_item, page["Items"])


def _key(model: str, sort_key: str) -> dict[str, Any]:
    return {"pk": to_attribute(model), "sk": to_attribute(sort_key)}
