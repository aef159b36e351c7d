"""A full window: looked at once, compared, reported and announced; every step of it can be done again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from comal import s3_layout
from comal.errors import DataError
from comal.event_bus import EventBus
from comal.events import DriftScored, event_id
from comal.profile import Profile
from comal.recipe import Recipe
from lambdas.monitor_endpoint.buckets import Buckets
from lambdas.monitor_endpoint.comparison import Comparison, WindowScores, scores_of
from lambdas.monitor_endpoint.counting import Window
from lambdas.monitor_endpoint.monitoring_table import MonitoringTable
from lambdas.monitor_endpoint.window_profile import profile_window, rows_of_ranges, shown_time
from lambdas.monitor_endpoint.window_report import WindowReport

# Rows validated longer ago say what was, not what production should see now.
SKEW_DAYS = 7
_MAX_BATCHES = 50


@dataclass(frozen=True)
class WindowScoring:
    """Scores windows of one stack."""

    stack: str
    table: MonitoringTable
    lake: Buckets
    bus: EventBus

    def score(self, window: Window, recipe: Recipe, now: datetime, fetch: Callable[[str], Path]) -> None:
        """Bring a full window to its report, once in effect.

        Args:
            window: The window.
            recipe: The model's.
            now: Time of the message; its ISO week is the one that the look counts in.
            fetch: Gives the local path of a captured file by its key.

        Raises:
            PlatformError: The message has to come again.
        """
        year, week, _ = now.isocalendar()
        look, scored = self.table.look(window.model, window, f"{year}-W{week:02d}")
        if scored:
            return
        compared = self._compared_with(window, recipe, now)
        ranges = self.table.ranges(window.model, window.version, window.first, window.first + window.rows)
        edges = compared.edges(recipe.target)
        found = profile_window(rows_of_ranges(ranges, recipe, window.version, fetch), recipe, edges)
        scores = scores_of(found.profiles, compared, recipe, look)
        day = (found.last_time or now).date().isoformat()
        report = WindowReport(window, look, now, found, compared, scores, recipe)
        keys = {kind: s3_layout.monitoring_key(window.model, day, window.window_id, kind) for kind in ("json", "html")}
        self.lake.file_text(report.to_json(), keys["json"], "application/json")
        self.lake.file_text(report.to_html(), keys["html"], "text/html")
        self.bus.emit(self._event(window, look, scores, keys["json"]), now)
        noted = {
            "version": window.version,
            "window_id": window.window_id,
            "rows": found.rows,
            "look": look,
            "scored_at": shown_time(now),
            **scores.values(),
            "report_key": keys["html"],
        }
        self.table.set_scores(window.model, window, noted)

    def _compared_with(self, window: Window, recipe: Recipe, now: datetime) -> Comparison:
        """A profile that cannot be read costs its comparison, not the window."""
        warnings = []
        references = validated = None
        try:
            references = self.lake.references(window.model, window.version)
        except DataError as error:
            warnings.append(f"The reference of version {window.version} cannot be read: {error}")
        else:
            if references is None:
                warnings.append(f"Version {window.version} has no reference profile yet, so drift was not judged.")
            elif references.predictions is None:
                warnings.append("The version has no profile of its predictions, so prediction drift was not judged.")
        try:
            validated = self._validated(window.model, recipe, now)
        except DataError as error:
            warnings.append(f"A profile of validated rows cannot be read: {error}")
        if validated is None:
            warnings.append(f"No batch was validated in the last {SKEW_DAYS} days, so skew was not judged.")
        return Comparison(references, validated, warnings)

    def _validated(self, model: str, recipe: Recipe, now: datetime) -> Profile | None:
        """The newest validated batches that hold a window's rows together.

        Histograms of different edges cannot be added, which happens where the champion changed in between.
        """
        total: Profile | None = None
        first = (now - timedelta(days=SKEW_DAYS)).date()
        for profile in self.lake.validated_profiles(model, first, now.date(), _MAX_BATCHES):
            try:
                total = total.merge(profile) if total else profile
            except DataError:
                break
            if total.rows >= recipe.monitoring.window_rows:
                break
        return total

    def _event(self, window: Window, look: int, scores: WindowScores, report_key: str) -> DriftScored:
        return DriftScored(
            event_id=event_id("DriftScored", self.stack, window.model, window.window_id),
            stack=self.stack,
            model=window.model,
            version=window.version,
            window_id=window.window_id,
            rows=window.rows,
            looked_at=look,
            drift_score=scores.drift.score if scores.drift else 0.0,
            prediction_drift_score=scores.prediction_drift.score if scores.prediction_drift else 0.0,
            columns=scores.of_columns(),
            report_key=report_key,
        )
