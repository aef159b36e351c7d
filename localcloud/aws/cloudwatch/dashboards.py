"""Dashboards, kept as they are written; what AWS would not draw is said.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch.judgements import dashboard_arn
from localcloud.aws.cloudwatch.pages import page
from localcloud.aws.cloudwatch.store import Document, Store

_WIDGETS = ("metric", "text", "log", "alarm", "explorer", "custom")
_LISTED = 1000
_WIDTH = 24


class Dashboards:
    """What callers may do with dashboards. They are global to an account."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.by_name = {
            "PutDashboard": self.put,
            "GetDashboard": self.get,
            "ListDashboards": self.list,
            "DeleteDashboards": self.delete,
        }

    def put(self, account: str, _region: str, request: Document) -> Document:
        """PutDashboard."""
        body = request["DashboardBody"]
        messages = _messages(body)
        entry = {"DashboardBody": body, "LastModified": self._clock.now()}
        self._store.put("dashboard", account, "", request["DashboardName"], entry)
        return {"DashboardValidationMessages": messages}

    def get(self, account: str, _region: str, request: Document) -> Document:
        """GetDashboard."""
        name = request["DashboardName"]
        entry = self._store.find("dashboard", account, "", name)
        if entry is None:
            raise _not_found(name)
        return {
            "DashboardArn": dashboard_arn(account, name),
            "DashboardBody": entry["DashboardBody"],
            "DashboardName": name,
        }

    def list(self, account: str, _region: str, request: Document) -> Document:
        """ListDashboards."""
        entries = [
            {
                "DashboardName": named.name,
                "DashboardArn": dashboard_arn(account, named.name),
                "LastModified": named.document["LastModified"],
                "Size": len(named.document["DashboardBody"].encode()),
            }
            for named in self._store.of_account("dashboard", account, "")
            if named.name.startswith(request.get("DashboardNamePrefix", ""))
        ]
        return page("DashboardEntries", entries, request, _LISTED)

    def delete(self, account: str, _region: str, request: Document) -> Document:
        """DeleteDashboards: all of them or, if one is missing, none."""
        for name in request["DashboardNames"]:
            if self._store.find("dashboard", account, "", name) is None:
                raise _not_found(name)
        for name in request["DashboardNames"]:
            self._store.delete("dashboard", account, "", name)
        return {}


def _messages(body: str) -> list[Document]:
    """What is wrong with single widgets; the dashboard is kept all the same.

    Raises:
        ApiError: It is no dashboard at all.
    """
    try:
        document: Any = json.loads(body)
    except ValueError as error:
        raise _invalid(f"The field DashboardBody must be a valid JSON object: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("widgets"), list):
        raise _invalid("The field widgets is required, and must be an array.")
    messages = []
    for position, widget in enumerate(document["widgets"]):
        where = f"/widgets/{position}"
        if not isinstance(widget, dict) or widget.get("type") not in _WIDGETS:
            messages.append({"DataPath": f"{where}/type", "Message": f"Should be one of {', '.join(_WIDGETS)}"})
        elif not isinstance(widget.get("properties"), dict):
            messages.append({"DataPath": f"{where}/properties", "Message": "Should be an object"})
        elif widget.get("x", 0) + widget.get("width", 6) > _WIDTH:
            messages.append({"DataPath": f"{where}/width", "Message": f"Reaches beyond the {_WIDTH} columns"})
    return messages


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterInput", message)


def _not_found(name: str) -> ApiError:
    return ApiError("ResourceNotFound", f"Dashboard {name} does not exist", 404)
