"""A model's versions in the registry, as rows for tables and JSON."""

from typing import Any

from comal import registry
from comal.cli.target import Target


def versions_of(target: Target, model: str) -> list[dict[str, Any]]:
    """All versions, newest first.

    Returns:
        Rows of version, approval, why, metrics, recent, trained_rows, created_at, expires_at, refuses_when_expired,
        run_id, model_package_arn, image_uri.
    """
    found = registry.versions(target.client("sagemaker"), target.names, model)
    return [
        {
            "version": version.version,
            "approval": version.approval,
            "why": version.why,
            "metrics": dict(version.metrics),
            "recent": dict(version.recent),
            "trained_rows": version.trained_rows,
            "created_at": version.created_at,
            "expires_at": version.expires_at,
            "refuses_when_expired": version.refuses_when_expired,
            "run_id": version.run_id,
            "model_package_arn": version.arn,
            "image_uri": version.image_uri,
        }
        for version in found
    ]


def champion_of(versions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest approved version."""
    return next((version for version in versions if version["approval"] == registry.APPROVED), None)
