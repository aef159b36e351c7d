"""A model's versions in the registry."""

from datetime import datetime
from typing import Any

from comal.cli.target import Target

APPROVED = "Approved"
# What register_model writes of a package next to its metrics.
_DESCRIPTIVE = ("run_id", "expires_at", "trained_rows")


def versions_of(target: Target, model: str) -> list[dict[str, Any]]:
    """All versions, newest first.

    Returns:
        Rows of version, approval, why, metrics, trained_rows, created_at, expires_at, run_id, model_package_arn.
    """
    sagemaker = target.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=target.names.of_model(model), SortBy="CreationTime", SortOrder="Descending"
    )
    try:
        arns = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in {"ResourceNotFound", "ValidationException"}:
            return []  # the group is not made yet: a stack without the component `registry`
        raise
    rows = [_version(sagemaker.describe_model_package(ModelPackageName=arn)) for arn in arns]
    return sorted(rows, key=lambda row: row["version"], reverse=True)


def champion_of(versions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest approved version."""
    return next((version for version in versions if version["approval"] == APPROVED), None)


def _version(package: dict[str, Any]) -> dict[str, Any]:
    notes = dict(package.get("CustomerMetadataProperties", {}))
    described = {name: notes.pop(name, None) for name in _DESCRIPTIVE}
    expires_at = described["expires_at"]
    return {
        "version": package["ModelPackageVersion"],
        "approval": package["ModelApprovalStatus"],
        "why": package.get("ApprovalDescription"),
        "metrics": notes,
        "trained_rows": described["trained_rows"] and int(described["trained_rows"]),
        "created_at": package["CreationTime"],
        "expires_at": expires_at and datetime.fromisoformat(expires_at),
        "run_id": described["run_id"],
        "model_package_arn": package["ModelPackageArn"],
    }
