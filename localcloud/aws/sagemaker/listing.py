"""List operations: filters, sorts and pages over the stored resources."""

import base64
import json
from typing import Any

from localcloud.aws.sagemaker.api_model import structure_members
from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.families import Family
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Store

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html (MaxResults)
DEFAULT_PAGE = 10
_OFFLINE_STATUS = "coalesce(json_extract(document, '$.OfflineStoreStatus.Status'), '')"
_SORT_COLUMNS = {"Name": "name", "CreationTime": "created_at", "Status": "status"} | {
    "FeatureGroupStatus": "status",
    "OfflineStoreStatus": _OFFLINE_STATUS,
}
_FILTERS = {
    "NameContains": "instr(name, lower(?)) > 0",
    "StatusEquals": "status = ?",
    "FeatureGroupStatusEquals": "status = ?",
    "OfflineStoreStatusEquals": f"{_OFFLINE_STATUS} = ?",
    "ModelApprovalStatus": "approval = ?",
    "ModelPackageGroupName": "parent = lower(?)",
    "CreationTimeAfter": "created_at > ?",
    "CreationTimeBefore": "created_at < ?",
    "LastModifiedTimeAfter": "modified_at > ?",
    "LastModifiedTimeBefore": "modified_at < ?",
}


def list_resources(store: Store, family: Family, scope: Scope, request: Document) -> Document:
    """Answers a List request.

    Raises:
        ValidationError: The token is none of ours.
    """
    conditions = ["account = ?", "region = ?"]
    arguments: list[Any] = [scope.account, scope.region]
    for name, condition in _FILTERS.items():
        if request.get(name) is not None:
            conditions.append(condition)
            value = request[name]
            # A group is named by its ARN as well.
            arguments.append(value.rpartition("/")[2] if name == "ModelPackageGroupName" else value)
    if family.name == "ModelPackage":
        conditions += _package_type_condition(request)
    column = _SORT_COLUMNS[request.get("SortBy", "CreationTime")]
    descending = request.get("SortOrder", "Descending" if family.descending else "Ascending") == "Descending"
    if request.get("NextToken"):
        conditions.append(f"({column}, name) {'<' if descending else '>'} (?, ?)")
        arguments += _read_token(request["NextToken"])
    size = int(request.get("MaxResults") or DEFAULT_PAGE)
    direction = "desc" if descending else "asc"
    tail = f"order by {column} {direction}, name {direction} limit {size + 1}"
    found = store.select(family.name, " and ".join(conditions), arguments, tail)
    members = structure_members(family.summary_shape)
    page: Document = {
        family.summaries: [
            {name: value for name, value in resource.document.items() if name in members} for resource in found[:size]
        ]
    }
    if len(found) > size:
        last = found[size - 1]
        sort_value = {
            "name": last.name.lower(),
            "created_at": last.document["CreationTime"],
            "status": last.status,
            _OFFLINE_STATUS: last.document.get("OfflineStoreStatus", {}).get("Status", ""),
        }[column]
        page["NextToken"] = base64.urlsafe_b64encode(json.dumps([sort_value, last.name.lower()]).encode()).decode()
    return page


def _package_type_condition(request: Document) -> list[str]:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModelPackages.html (ModelPackageType)
    default = "Versioned" if request.get("ModelPackageGroupName") else "Unversioned"
    wanted = request.get("ModelPackageType", default)
    return {"Versioned": ["parent != ''"], "Unversioned": ["parent = ''"], "Both": []}[wanted]


def _read_token(token: str) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != 2:
        raise ValidationError("The token you provided is not valid.")
    return parts
