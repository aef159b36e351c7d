"""From a pushed object to exactly one of validated/ and quarantine/, whatever is delivered twice or dies half-way.

The order is what makes it safe: claim the batch, read the pinned version, file it in the lake, write the row, emit the
event, delete the object from the landing bucket, note that all is done. An attempt that dies is repeated from the row
on: it writes the same bytes to the same keys and emits the event under the same id.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from comal import s3_layout
from comal.errors import DataError
from comal.event_bus import EventBus
from comal.events import BatchRejected, BatchValidated, event_id
from comal.finding import Finding
from comal.limits import MAX_FILE_BYTES
from comal.names import Names
from comal.profile import Profile
from comal.recipe import Recipe
from lambdas.validate_batch.batch import Batch, Judgement, shortened
from lambdas.validate_batch.batch_table import BatchTable
from lambdas.validate_batch.buckets import Buckets, Pushed
from lambdas.validate_batch.upload import UNCLAIMED, Upload


@dataclass(frozen=True)
class Lease:
    """How long this attempt may take: Unix times, in seconds."""

    now_s: int
    until_s: int


class Validation:
    """Validates uploads of one stack."""

    def __init__(self, names: Names, buckets: Buckets, table: BatchTable, bus: EventBus) -> None:
        self._names = names
        self._buckets = buckets
        self._table = table
        self._bus = bus

    def validate(self, upload: Upload, lease: Lease) -> Batch:
        """Bring an upload to its end; does nothing for one that is there.

        Returns:
            The batch as it ended.

        Raises:
            BatchAtWorkError: Another delivery is at it; the message has to come again.
        """
        recipe, recipe_version = self._buckets.recipe(upload.model) or (None, "")
        batch = self._table.claim(upload.model, _new_batch(upload, recipe_version, lease), lease.now_s)
        if batch.announced:
            return batch
        pushed = self._buckets.find(upload)
        if batch.status == "processing":
            if batch.recipe_version != recipe_version:
                recipe = self._pinned_recipe(upload.model, batch.recipe_version)
            if pushed is None:
                return self._close_absent(upload, batch)
            batch.push_id = pushed.push_id
            self._bring_to_lake(upload, pushed, batch, recipe)
            self._table.save(upload.model, batch)
        self._announce(upload, batch)
        if pushed is not None:
            self._buckets.remove(upload, pushed.key)
        self._table.set_announced(upload.model, batch.batch_id)
        return replace(batch, announced=True)

    def _pinned_recipe(self, model: str, version: str) -> Recipe | None:
        """The recipe of the first attempt: another one might come to another end than the files already filed."""
        found = self._buckets.recipe(model, version) if version else None
        return found[0] if found else None

    def _bring_to_lake(self, upload: Upload, pushed: Pushed, batch: Batch, recipe: Recipe | None) -> None:
        """File the upload; the batch gets its status, keys and sentences."""
        refusal = self._refusal(upload, recipe)
        if recipe is None or refusal is not None:
            assert refusal is not None  # without a recipe there is a reason
            self._quarantine(upload, pushed, batch, Judgement(0, [refusal]))
            return
        # Only this path needs pyarrow.
        from lambdas.validate_batch.judge import judge

        with TemporaryDirectory(prefix="comal-") as folder:
            path, typed_path = Path(folder, "pushed"), Path(folder, "typed.parquet")
            batch.content_sha256 = self._buckets.download(upload, pushed.key, path)
            batch.duplicate_of = self._table.claim_content(upload.model, batch.content_sha256, batch)
            if batch.duplicate_of is not None:
                batch.status = "duplicate"
                return
            reference, warning = self._reference(upload.model)
            judged = judge(path, typed_path, recipe, reference)
            judgement = replace(judged.judgement, findings=[*judged.judgement.findings, *warning])
            if judgement.accepted:
                self._accept(upload, batch, judgement, judged.profile, typed_path)
            else:
                self._quarantine(upload, pushed, batch, judgement)

    def _reference(self, model: str) -> tuple[Profile | None, list[Finding]]:
        """A profile that cannot be read costs the comparison, not the batch."""
        try:
            return self._buckets.reference(model), []
        except DataError as error:
            found = f"a reference profile that cannot be compared with ({error.message})"
            return None, [Finding("drift", None, "warning", found, "the profile of the champion's training rows")]

    def _refusal(self, upload: Upload, recipe: Recipe | None) -> Finding | None:
        """Why a file goes to quarantine unread."""
        if upload.model == UNCLAIMED:
            return Finding("key", None, "error", f"the key '{upload.key}'", "incoming/<model>/<file>")
        if recipe is None:
            known = ", ".join(self._buckets.models()) or "none"
            found = f"no recipe named '{upload.model}' in stack '{self._names.stack}'"
            return Finding("recipe", None, "error", found, f"one of the stack's models: {known}")
        if upload.size_bytes > MAX_FILE_BYTES:
            found = f"a file of {upload.size_bytes} bytes"
            return Finding("file_size", None, "error", found, f"at most {MAX_FILE_BYTES} bytes; push it in parts")
        return None

    def _accept(self, upload: Upload, batch: Batch, judgement: Judgement, profile: Profile, typed_path: Path) -> None:
        batch.status = "validated"
        batch.validated_key = s3_layout.validated_key(upload.model, batch.day, batch.batch_id)
        batch.profile_key = s3_layout.profile_key(upload.model, batch.day, batch.batch_id)
        self._buckets.file_rows(typed_path, batch.validated_key)
        self._buckets.file_text(profile.to_json(), batch.profile_key, "application/json")
        self._report(upload, batch, judgement, profile)

    def _quarantine(self, upload: Upload, pushed: Pushed, batch: Batch, judgement: Judgement) -> None:
        batch.status = "quarantined"
        batch.quarantine_key = s3_layout.quarantine_key(upload.model, batch.day, batch.batch_id, upload.file_name)
        self._buckets.quarantine(upload, pushed.key, batch.quarantine_key)
        self._report(upload, batch, judgement, None)

    def _report(self, upload: Upload, batch: Batch, judgement: Judgement, profile: Profile | None) -> None:
        from lambdas.validate_batch.report import Report

        batch.rows = judgement.rows
        batch.problems = shortened(judgement.problems)
        batch.warnings = shortened(judgement.warnings)
        batch.report_key = s3_layout.report_key(upload.model, batch.day, batch.batch_id, "json")
        batch.report_html_key = s3_layout.report_key(upload.model, batch.day, batch.batch_id, "html")
        report = Report(self._names.stack, upload, batch, judgement, profile)
        self._buckets.file_text(report.to_json(), batch.report_key, "application/json")
        self._buckets.file_text(report.to_html(), batch.report_html_key, "text/html")

    def _close_absent(self, upload: Upload, batch: Batch) -> Batch:
        """Somebody has deleted the object before it was read: nothing is left to store or to try again."""
        closed = replace(
            batch, status="quarantined", problems=["the object was deleted before it was read"], announced=True
        )
        self._table.save(upload.model, closed)
        return closed

    def _announce(self, upload: Upload, batch: Batch) -> None:
        """Tell the other rooms; a duplicate is no news."""
        if batch.status == "duplicate":
            return
        assert batch.report_key is not None  # every batch that is stored has a report
        stack, model = self._names.stack, upload.model
        if batch.status == "validated":
            assert batch.validated_key is not None
            assert batch.profile_key is not None
            self._bus.emit(
                BatchValidated(
                    event_id=event_id("BatchValidated", stack, model, batch.batch_id),
                    stack=stack,
                    model=model,
                    batch_id=batch.batch_id,
                    push_id=batch.push_id,
                    source_key=batch.source_key,
                    rows=batch.rows,
                    validated_key=batch.validated_key,
                    profile_key=batch.profile_key,
                    report_key=batch.report_key,
                    warnings=batch.warnings,
                ),
                upload.received_at,
            )
            return
        assert batch.quarantine_key is not None
        self._bus.emit(
            BatchRejected(
                event_id=event_id("BatchRejected", stack, model, batch.batch_id),
                stack=stack,
                model=model,
                batch_id=batch.batch_id,
                push_id=batch.push_id,
                source_key=batch.source_key,
                quarantine_key=batch.quarantine_key,
                report_key=batch.report_key,
                problems=batch.problems,
            ),
            upload.received_at,
        )


def _new_batch(upload: Upload, recipe_version: str, lease: Lease) -> Batch:
    received_at = upload.received_at.astimezone(UTC)
    return Batch(
        batch_id=upload.batch_id,
        status="processing",
        source_key=upload.key,
        version_id=upload.version_id,
        received_at=_iso(received_at),
        day=received_at.date().isoformat(),
        recipe_version=recipe_version,
        lease_until_s=lease.until_s,
    )


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
