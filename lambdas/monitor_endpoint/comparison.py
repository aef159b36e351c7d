"""What a window is compared with, and what comes of it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from comal.drift_score import ColumnScore, WindowScore, score_window
from comal.profile import Profile
from comal.recipe import Recipe

# What each of the three comparisons is called in reports.
DRIFT, PREDICTION_DRIFT, SKEW = "drift", "prediction drift", "skew"


@dataclass(frozen=True)
class References:
    """What a version's traffic is compared with: the rows it learned from, and its own predictions if they are kept."""

    rows: Profile
    predictions: Profile | None


@dataclass(frozen=True)
class Comparison:
    """What a window was compared with.

    Attributes:
        references: Of the version that answered; None before there are any.
        validated: Profile of recently validated rows, or None.
        warnings: Why something could not be compared.
    """

    references: References | None
    validated: Profile | None
    warnings: list[str] = field(default_factory=list)

    def edges(self, target: str) -> list[Profile]:
        """Profiles whose histogram edges the window is profiled by: the reference's, then the validated rows'."""
        found = []
        if self.references:
            columns = dict(self.references.rows.columns)
            if self.references.predictions and target in self.references.predictions.columns:
                columns[target] = self.references.predictions.columns[target]
            found.append(self.references.rows.model_copy(update={"columns": columns}))
        return [*found, self.validated] if self.validated else found


@dataclass(frozen=True)
class WindowScores:
    """The three scores of a window; None where there was nothing to compare with."""

    drift: WindowScore | None
    prediction_drift: WindowScore | None
    skew: WindowScore | None

    def values(self) -> dict[str, float | None]:
        """Each comparison's score by the name of its metric."""
        found = {"drift_score": self.drift, "prediction_drift_score": self.prediction_drift, "skew_score": self.skew}
        return {name: score.score if score else None for name, score in found.items()}

    def of_columns(self) -> dict[str, float]:
        """Drift score of each feature: its highest test."""
        found: dict[str, float] = {}
        for test in self.drift.columns if self.drift else ():
            found[test.column] = max(test.score, found.get(test.column, 0.0))
        return found

    def tests(self) -> list[dict[str, Any]]:
        """Every test as a row, with the comparison that it belongs to."""
        found = ((DRIFT, self.drift), (PREDICTION_DRIFT, self.prediction_drift), (SKEW, self.skew))
        return [_row(kind, test) for kind, score in found if score for test in score.columns]


def scores_of(profiles: list[Profile], compared: Comparison, recipe: Recipe, look: int) -> WindowScores:
    """The scores of a window, by its profiles in the order of `Comparison.edges`."""
    left = list(profiles)
    features = list(recipe.features)
    drift = prediction = skew = None
    if compared.references:
        window = left.pop(0)
        drift = _judged(window, compared.references.rows, recipe, look, features)
        if compared.references.predictions:
            expected = compared.references.predictions
            prediction = _judged(window, expected, recipe, look, [recipe.target])
    if compared.validated:
        skew = _judged(left.pop(0), compared.validated, recipe, look, features)
    return WindowScores(drift, prediction, skew)


def _judged(window: Profile, reference: Profile, recipe: Recipe, look: int, columns: list[str]) -> WindowScore:
    """The score of some columns; the others may have been profiled by the edges of another reference."""
    return score_window(_only(window, columns), _only(reference, columns), recipe.monitoring, look)


def _only(profile: Profile, columns: list[str]) -> Profile:
    kept = {name: profile.columns[name] for name in columns if name in profile.columns}
    return profile.model_copy(update={"columns": kept})


def _row(kind: str, test: ColumnScore) -> dict[str, Any]:
    return {"comparison": kind, **asdict(test)}
