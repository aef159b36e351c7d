"""From captured calls and late labels to scores, whatever is delivered twice, late or dies half-way.

The order is what makes it safe. Of a capture file: type its rows into the lake, give each row its place (one
transaction, once), score the windows that are full by it, note that all is done. An attempt that dies is repeated from
there on: it writes the same files under the same keys, and takes no second look. Of a file of labels: type it into the
lake, judge the live quality by all that lies there, note what became of it.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comal import s3_layout
from comal.event_bus import EventBus
from comal.names import Names
from comal.recipe import Recipe
from lambdas.monitor_endpoint.buckets import Buckets
from lambdas.monitor_endpoint.capture_reading import CaptureReading, read_capture
from lambdas.monitor_endpoint.counting import Counted, take_places
from lambdas.monitor_endpoint.label_file import MAX_BYTES, LabelVerdict, type_labels
from lambdas.monitor_endpoint.lake_files import LakeFiles
from lambdas.monitor_endpoint.live_labels import labelled_rows, live_quality, quality_row
from lambdas.monitor_endpoint.messages import CaptureFile, Deployed, LabelFile, Message, Timer
from lambdas.monitor_endpoint.monitoring_table import MonitoringTable
from lambdas.monitor_endpoint.vital_signs import Signs, metrics_of, serving_version
from lambdas.monitor_endpoint.window_profile import shown_time
from lambdas.monitor_endpoint.window_scoring import WindowScoring

ACCEPTED, REFUSED = "accepted", "refused"
# Capture files come seconds or minutes after their calls; labels that were faster find their predictions then.
_CATCHES_UP_FOR = timedelta(hours=1)
_CATCHES_UP_EVERY = timedelta(minutes=1)


@dataclass
class Done:
    """What was done about a message.

    Attributes:
        models: Models whose metrics are to be emitted.
        counts: Metrics of single models that are counts of what this message brought.
        log: One line for the log, or empty.
    """

    models: list[str]
    counts: dict[str, float]
    log: str = ""


@dataclass(frozen=True)
class Monitoring:
    """Monitors the models of one stack.

    Attributes:
        baseline: The gate's metric of a version (model, version, metric) on its held-out rows, or None.
        lifetime: From when to when the champion of a model is good, or None.
    """

    names: Names
    table: MonitoringTable
    buckets: Buckets
    bus: EventBus
    baseline: Callable[[str, int, str], float | None]
    lifetime: Callable[[str], tuple[datetime, datetime] | None]

    def handle(self, message: Message) -> Done:
        """Do what a message asks for.

        Raises:
            PlatformError: Somebody else is at the same counters; the message has to come again.
        """
        match message:
            case CaptureFile():
                return self._with_recipe(message, self._take_capture)
            case LabelFile():
                return self._with_recipe(message, self._take_labels)
            case Deployed():
                self.table.note(message.model, "deployment", {"at": shown_time(message.time)})
                return Done([message.model], {}, f"{message.model} is deployed")
            case Timer():
                models = self.buckets.models()
                self._catch_up(models, message.time)
                return Done(models, {})

    def metrics(self, model: str, now: datetime) -> dict[str, float]:
        """The model's metrics; none for a model that left the stack."""
        recipe = self.buckets.recipe(model)
        if recipe is None:
            return {}
        versions = self.table.versions(model)
        serving = serving_version(versions)
        window = self.table.newest_scores(model, serving) if serving is not None else None
        signs = Signs(
            versions,
            window or {},
            json.loads(self.table.noted(model, "quality").get("scores") or "{}"),
            self.table.noted(model, "deployment").get("at", ""),
            self.table.noted(model, "labels").get("at", ""),
            self.lifetime(model),
        )
        return metrics_of(signs, recipe, now)

    def _with_recipe(self, file: Any, take: Callable[[Any, Recipe, Path], Done]) -> Done:
        recipe = self.buckets.recipe(file.model)
        if recipe is None:
            return Done([], {}, f"{file.key} is of '{file.model}', of which the stack has no recipe")
        with TemporaryDirectory(prefix="comal-") as folder:
            return take(file, recipe, Path(folder))

    def _take_capture(self, file: CaptureFile, recipe: Recipe, folder: Path) -> Done:
        counted = self.table.counted(file.model, file.file_id)
        if counted is not None and counted.done:
            return Done([file.model], {}, f"{file.key} was counted before")
        unreadable: list[str] = []
        counts: dict[str, float] = {}
        if counted is None:
            path = folder / "captured.jsonl"
            if not self.buckets.fetch(file.bucket, file.key, path):
                return Done([], {}, f"{file.key} is not there any more")
            reading = read_capture(path, folder / "typed.parquet", recipe)
            counted = self._count(file, recipe, reading, folder / "typed.parquet")
            unreadable = reading.reasons
            counts = {"unreadable_calls": reading.unreadable} if reading.unreadable else {}
        fetch = LakeFiles(folder, self.buckets.download).fetch
        scoring = WindowScoring(self.names.stack, self.table, self.buckets, self.bus)
        windows = [window for place in counted.places for window in place.windows(self.names.stack, file.model)]
        for window in windows:
            scoring.score(window, recipe, file.time, fetch)
        self.table.set_done(file.model, file.file_id)
        rows = sum(place.rows for place in counted.places)
        told = f"; unreadable: {'; '.join(unreadable)}" if unreadable else ""
        counts["captured_rows"] = rows
        return Done([file.model], counts, f"{rows} rows and {len(windows)} windows of {file.key}{told}")

    def _count(self, file: CaptureFile, recipe: Recipe, reading: CaptureReading, typed_path: Path) -> Counted:
        day = (reading.day or file.time.date()).isoformat()
        key = s3_layout.captured_key(file.model, day, file.file_id)
        if reading.rows:
            self.buckets.file_rows(typed_path, key)
        window_rows = recipe.monitoring.window_rows
        return self.table.count(
            file.model,
            file.file_id,
            key,
            lambda before: take_places(reading.rows, reading.latest, before, window_rows),
        )

    def _take_labels(self, file: LabelFile, recipe: Recipe, folder: Path) -> Done:
        sort_key = f"labels#{file.file_id}"
        if self.table.noted(file.model, sort_key):
            return Done([file.model], {}, f"{file.key} was taken before")
        verdict = self._type_labels(file, recipe, folder)
        if verdict is None:
            return Done([], {}, f"{file.key} is not there any more")
        day = file.time.date().isoformat()
        status = REFUSED if verdict.problems else ACCEPTED
        if status == ACCEPTED:
            self.buckets.file_rows(folder / "labels.parquet", s3_layout.late_labels_key(file.model, day, file.file_id))
            self._judge_quality(recipe, file.time, folder)
            newest = max(shown_time(file.time), self.table.noted(file.model, "labels").get("at", ""))
            self.table.note(file.model, "labels", {"at": newest})
        report = {
            "status": status,
            "source_key": file.key,
            "version_id": file.version_id,
            "received_at": shown_time(file.time),
            "rows": verdict.rows,
            "problems": verdict.problems,
        }
        key = s3_layout.monitoring_key(file.model, day, f"labels-{file.file_id}", "json")
        self.buckets.file_text(json.dumps(report, indent=1, ensure_ascii=False), key, "application/json")
        self.table.note(file.model, sort_key, report | {"report_key": key})
        counts = {"labelled_rows": float(verdict.rows)} if status == ACCEPTED else {"refused_label_files": 1.0}
        told = f": {'; '.join(verdict.problems)}" if verdict.problems else ""
        return Done([file.model], counts, f"{verdict.rows} labels of {file.key} {status}{told}")

    def _type_labels(self, file: LabelFile, recipe: Recipe, folder: Path) -> LabelVerdict | None:
        """The verdict on a file; None if somebody has deleted it."""
        if file.size_bytes > MAX_BYTES:
            return LabelVerdict(problems=[f"found a file of {file.size_bytes} bytes, expected at most {MAX_BYTES}"])
        path = folder / "labels"
        if not self.buckets.fetch(file.bucket, file.key, path, file.version_id):
            return None
        return type_labels(path, folder / "labels.parquet", recipe)

    def _judge_quality(self, recipe: Recipe, now: datetime, folder: Path) -> None:
        """Judge the serving version by the newest labels, and note what came of it."""
        versions = self.table.versions(recipe.model)
        version = serving_version(versions)
        if version is None:
            return
        labelled = labelled_rows(self.buckets, LakeFiles(folder, self.buckets.download).fetch, recipe, version, now)
        score = live_quality(recipe, labelled, self.baseline(recipe.model, version, recipe.metric))
        scores = quality_row(score, version, len(labelled.labels), now) if score else {}
        noted = {
            "scores": json.dumps(scores),
            "unmatched": labelled.unmatched,
            "judged_at": shown_time(now),
            "captured": sum(count.rows for count in versions.values()),
        }
        self.table.note(recipe.model, "quality", noted)

    def _catch_up(self, models: Iterable[str], now: datetime) -> None:
        """Judge again where labels came before their predictions' capture files."""
        for model in models:
            labels, quality = self.table.noted(model, "labels"), self.table.noted(model, "quality")
            if not labels or now - datetime.fromisoformat(labels["at"]) > _CATCHES_UP_FOR:
                continue
            captured = sum(count.rows for count in self.table.versions(model).values())
            if quality:
                waits = now - datetime.fromisoformat(quality["judged_at"]) < _CATCHES_UP_EVERY
                if waits or not quality["unmatched"] or quality["captured"] == captured:
                    continue
            recipe = self.buckets.recipe(model)
            if recipe is not None and captured:
                with TemporaryDirectory(prefix="comal-") as folder:
                    self._judge_quality(recipe, now, Path(folder))
