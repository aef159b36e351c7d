"""Late labels: `comal push --labels` sends a file of them and says what became of it."""

from typing import Any

from comal import s3_layout
from comal.cli.items import rows_of
from comal.cli.patience import wait_for
from comal.cli.target import Target
from comal.cli.upload import Upload
from comal.errors import PlatformError

REFUSED = "refused"
LABELS_TIMEOUT_S = 300.0

# What --json prints of a file of labels, in this order.
KEYS = ("source_key", "status", "rows", "problems", "received_at", "report")


def label_upload(model: str, upload: Upload) -> Upload:
    """The upload of a file of labels instead of training rows."""
    return Upload(upload.path, s3_layout.labels_key(model, upload.key.split("/", 2)[2]))


def require_monitoring(target: Target) -> None:
    """Make sure that somebody takes labels.

    Raises:
        PlatformError: The stack has no component monitoring.
    """
    dynamodb = target.client("dynamodb")
    try:
        dynamodb.describe_table(TableName=target.names.shared("monitoring"))
    except dynamodb.exceptions.ResourceNotFoundException:
        raise PlatformError(
            f"Stack '{target.stack}' does not monitor, so nobody would take the labels.",
            next_step=f"Add monitoring to comal:components in stacks/Pulumi.{target.stack}.yaml, then run: "
            f"comal up{target.option}",
        ) from None


def follow_labels(target: Target, model: str, uploads: list[Upload]) -> list[dict[str, Any]]:
    """Wait until each file of labels is accepted or refused.

    Returns:
        Rows with the keys of KEYS, in the order of the uploads.

    Raises:
        PlatformError: Nobody took one in time.
    """
    landing, s3 = target.names.bucket("landing"), target.client("s3")
    sent = [s3.head_object(Bucket=landing, Key=upload.key)["VersionId"] for upload in uploads]

    def all_taken() -> list[dict[str, Any]] | None:
        known = {row.get("version_id"): row for row in rows_of(target, "monitoring", model, "labels#")}
        return [known[version] for version in sent] if all(version in known for version in sent) else None

    rows = wait_for(
        all_taken,
        what="monitor_endpoint taking the labels",
        timeout_s=LABELS_TIMEOUT_S,
        next_step=f"Run: comal logs function {model}{target.option}",
    )
    lake = target.names.bucket("lake")
    return [{key: row.get(key) for key in KEYS} | {"report": f"s3://{lake}/{row['report_key']}"} for row in rows]
