"""A model's versions in the registry, as rows for tables and JSON."""

from datetime import UTC, datetime
from typing import Any

from comal import registry
from comal.cli.target import Target


def versions_of(target: Target, model: str) -> list[dict[str, Any]]:
    """All versions, newest first.

    Returns:
        Rows of version, approval, why (its reasons, the newest first), metrics, recent, trained_rows, created_at,
        expires_at, refuses_when_expired, run_id, model_package_arn, image_uri, image_digest.
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
            "image_digest": version.image_digest,
        }
        for version in found
    ]


def has_expired(version: dict[str, Any]) -> bool:
    """Whether a version's time is over, by this machine's clock."""
    return version["expires_at"] is not None and version["expires_at"] <= datetime.now(UTC)


def newest_reason(version: dict[str, Any]) -> str:
    """The last of a version's reasons."""
    return registry.reasons_of(version["why"])[0]


def champion_of(versions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest approved version."""
    return next((version for version in versions if version["approval"] == registry.APPROVED), None)
