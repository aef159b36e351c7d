"""Validation reports, fetched so that a browser can open them."""

from pathlib import Path
from typing import Any

from comal import s3_layout
from comal.cli.target import Target


def fetch_report(target: Target, batch: dict[str, Any]) -> Path | None:
    """Save a batch's HTML report under .comal/reports/; None when the batch has none.

    Args:
        target: The stack.
        batch: A row of `batches_of`.
    """
    if not batch["report"]:
        return None
    bucket, key = s3_layout.split_uri(batch["report"])
    path = target.repository.reports_dir / target.stack / Path(key).name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return path
