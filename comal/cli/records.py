"""Records of training runs, as register_model keeps them."""

from pathlib import Path
from typing import Any

from comal import s3_layout
from comal.cli.documents import address, read, read_document
from comal.cli.target import Target
from comal.run_record import FILE_NAME, REPORT_NAME, RunRecord


def record_of(target: Target, model: str, version: dict[str, Any]) -> RunRecord | None:
    """What a version's run left; None where comal did not register it, or the folder of its run was emptied.

    Args:
        target: The stack.
        model: Name of the model.
        version: A row of `versions_of`.
    """
    return record_of_run(target, model, version["run_id"]) if version["run_id"] else None


def record_of_run(target: Target, model: str, run_id: str) -> RunRecord | None:
    """What a run left; None where it trained no model, or its folder was emptied.

    Raises:
        DamagedDocumentError: It is there, and no record any more.
    """
    return read_document(target, s3_layout.run_record_key(model, run_id, FILE_NAME), RunRecord, "record of a run")


def report_address(target: Target, model: str, run_id: str) -> str:
    """Where a run's page lies in S3."""
    return address(target, s3_layout.run_record_key(model, run_id, REPORT_NAME))


def fetch_run_report(target: Target, model: str, version: dict[str, Any]) -> Path | None:
    """Save the page of a version's run under .comal/reports/; None where there is none."""
    run_id = version["run_id"]
    content = read(target, s3_layout.run_record_key(model, run_id, REPORT_NAME)) if run_id else None
    if content is None:
        return None
    path = target.repository.reports_dir / target.stack / f"{model}-{version['version']}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
