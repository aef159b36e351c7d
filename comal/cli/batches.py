"""What became of pushed files, as the batches table says it."""

from typing import Any

from comal.cli.items import rows_of
from comal.cli.target import Target

PROCESSING = "processing"
VALIDATED, QUARANTINED = "validated", "quarantined"
PREFIX = "batch#"

# What --json prints of a batch, in this order.
KEYS = (
    "batch_id",
    "status",
    "source_key",
    "rows",
    "push_id",
    "received_at",
    "problems",
    "warnings",
    "report",
    "validated",
    "quarantine",
    "duplicate_of",
)


def batches_of(target: Target, model: str) -> list[dict[str, Any]]:
    """A model's batches, oldest first, each with the keys of KEYS."""
    rows = rows_of(target, "batches", model, PREFIX)
    return sorted((_batch(target, row) for row in rows), key=lambda batch: batch["received_at"] or "")


def validated_rows(target: Target, model: str) -> list[dict[str, Any]]:
    """Rows of the batches table that are validated: what runs choose from."""
    return [row for row in rows_of(target, "batches", model, PREFIX) if row["status"] == VALIDATED]


def _batch(target: Target, row: dict[str, Any]) -> dict[str, Any]:
    lake = target.names.bucket("lake")

    def uri(key_name: str) -> str | None:
        return f"s3://{lake}/{row[key_name]}" if row.get(key_name) else None

    return {
        "batch_id": row["sk"].removeprefix(PREFIX),
        "status": row["status"],
        "source_key": row.get("source_key"),
        "rows": row.get("rows"),
        "push_id": row.get("push_id"),
        "received_at": row.get("received_at"),
        "problems": row.get("problems") or [],
        "warnings": row.get("warnings") or [],
        "report": uri("report_html_key"),
        "validated": uri("validated_key"),
        "quarantine": uri("quarantine_key"),
        "duplicate_of": row.get("duplicate_of"),
    }
