"""What a person is told of a window: a JSON document, and one HTML page that needs nothing beside it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from comal.profile import Profile
from comal.recipe import Recipe
from lambdas.monitor_endpoint.comparison import DRIFT, PREDICTION_DRIFT, SKEW, Comparison, WindowScores
from lambdas.monitor_endpoint.counting import Window
from lambdas.monitor_endpoint.plot import histograms
from lambdas.monitor_endpoint.report_page import PAGE
from lambdas.monitor_endpoint.window_profile import WindowProfiles, shown_time

_ADVICE = {
    DRIFT: "Live requests differ from the rows that version {version} was trained on, most in {columns}. Look at what "
    "feeds these columns first: a broken source is mended there. If the world has changed, push labelled rows of the "
    "new time and train again: comal retrain {model} --reason 'drift'",
    PREDICTION_DRIFT: "Predictions of version {version} are spread otherwise than on its held-out rows. Where the "
    "requests drifted too, that is why; where they did not, look at the serving version and its features.",
    SKEW: "Live requests differ from rows that were validated in the same days, most in {columns}: the two ways of "
    "making these columns differ. Compare the code that fills them in research with the code that calls the endpoint.",
}


@dataclass(frozen=True)
class WindowReport:
    """Everything that is known of a window once it is scored."""

    window: Window
    look: int
    now: datetime
    found: WindowProfiles
    compared: Comparison
    scores: WindowScores
    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as plain values."""
        return {
            "schema_version": 1,
            "stack": self.window.stack,
            "model": self.window.model,
            "version": self.window.version,
            "window_id": self.window.window_id,
            "rows": self.found.rows,
            "first_time": shown_time(self.found.first_time),
            "last_time": shown_time(self.found.last_time),
            "scored_at": shown_time(self.now),
            "look": self.look,
            "false_alarm_rate": self.recipe.monitoring.false_alarm_rate,
            "min_effect": self.recipe.monitoring.min_effect,
            "reference": self.recipe.monitoring.reference,
            **self.scores.values(),
            "tests": self.scores.tests(),
            "warnings": self._warnings(),
            "next_steps": self._next_steps(),
        }

    def to_json(self) -> str:
        """The JSON report, with the window's profile."""
        profile = self.found.profiles[0].model_dump(mode="json") if self.found.profiles else None
        return json.dumps(self.to_dict() | {"profile": profile}, indent=1, ensure_ascii=False)

    def to_html(self) -> str:
        """The page; every value of the data is escaped."""
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        return environment.from_string(PAGE).render(report=self.to_dict(), plots=self._plots())

    def _warnings(self) -> list[str]:
        lost = self.window.rows - self.found.rows
        told = [f"{lost} of {self.window.rows} rows are no longer in the lake, so the rest was judged."] if lost else []
        return told + self.compared.warnings

    def _next_steps(self) -> list[str]:
        """What to do, in words; that there is nothing to do where no score has reached 1."""
        steps = []
        judged = {DRIFT: self.scores.drift, PREDICTION_DRIFT: self.scores.prediction_drift, SKEW: self.scores.skew}
        for kind, score in judged.items():
            if score and score.score >= 1:
                names = dict.fromkeys(test.column for test in score.columns if test.score >= 1)
                columns = ", ".join(list(names)[:5])
                steps.append(
                    _ADVICE[kind].format(version=self.window.version, model=self.window.model, columns=columns)
                )
        return steps or ["Nothing to do: no score has reached its threshold of 1."]

    def _plots(self) -> list[dict[str, Any]]:
        """A plot a column, the highest score first."""
        profiles = self.found.profiles
        pairs: list[tuple[str, Profile, Profile]] = []
        if self.compared.references:
            pairs += [(DRIFT, profiles[0], self.compared.references.rows)]
            if self.compared.references.predictions:
                pairs += [(PREDICTION_DRIFT, profiles[0], self.compared.references.predictions)]
        if self.compared.validated:
            pairs += [(SKEW, profiles[-1], self.compared.validated)]
        drawn = []
        for kind, window, reference in pairs:
            tests = [test for test in self.scores.tests() if test["comparison"] == kind]
            for column in dict.fromkeys(test["column"] for test in tests):
                if column in reference.columns:
                    svg = histograms(column, window.columns[column], reference.columns[column])
                    highest = max(test["score"] for test in tests if test["column"] == column)
                    # The chart has escaped what comes from the data.
                    drawn.append({"kind": kind, "column": column, "score": highest, "svg": Markup(svg)})  # noqa: S704
        return sorted((plot for plot in drawn if plot["svg"]), key=lambda plot: -plot["score"])
