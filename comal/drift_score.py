"""Whether a window of live rows differs from a model's reference by more than chance, and by enough to matter.

`false_alarm_rate` is shared out over the looks of an ISO week and, in each look, over the tests of all columns; a
column counts when its test is significant at its share and its distance is at least `min_effect`. The score is 1.0
exactly where both begin to hold, so that one alarm rule serves every model. docs/drift.md derives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from comal import seasons
from comal.drift import Drift, drift_of, missing_drift_of
from comal.drift_test import is_testable, significance
from comal.profile import Profile
from comal.recipe import Monitoring

# ζ(3), the sum of 1/k³ over all looks k (https://dlmf.nist.gov/25.6).
_APERY = 1.2020569031595942


@dataclass(frozen=True)
class ColumnScore:
    """One test of one column.

    Attributes:
        measure: KS, total variation or missing share.
        distance: Between 0 and 1.
        p_value: Of so large a distance where the rows are exchangeable with the reference's; not corrected.
        critical_distance: Distance from which the test is significant at its share of the false-alarm rate. The test of
            categories depends on how the difference is spread: there, the multiple of this very difference.
        score: At least 1.0 where the test is significant and the distance at least `min_effect`.
    """

    column: str
    measure: str
    distance: float
    p_value: float
    critical_distance: float
    score: float


@dataclass(frozen=True)
class WindowScore:
    """The highest score of all tests, 1.0 being the threshold, and each test's own, the highest first."""

    score: float
    columns: tuple[ColumnScore, ...]


def score_window(
    window: Profile,
    reference: Profile,
    monitoring: Monitoring,
    look: int,
    columns: Sequence[str] | None = None,
) -> WindowScore:
    """Score one window of rows.

    With `reference: seasonal` and strata on both sides the reference is weighted to the window's hours of the week.

    Args:
        window: Profile of the window's rows, made with the reference's edges. No row may be in two windows.
        reference: Profile of the rows that the serving version was trained on, or of its predictions.
        monitoring: The recipe's section.
        look: Number of this window within its ISO week (UTC), from 1.
        columns: Columns to judge; without it all that both profiles have.

    Raises:
        DataError: A histogram of the window was not made with the reference's edges.
    """
    if monitoring.reference == "seasonal" and window.strata and reference.strata:
        reference = seasons.matched(reference, window)
    drifts = [
        drift
        for drift in [*drift_of(window, reference), *missing_drift_of(window, reference)]
        if (columns is None or drift.column in columns) and is_testable(drift, window, reference)
    ]
    if not drifts:
        return WindowScore(0.0, ())
    alpha = alpha_of_test(alpha_of_look(monitoring.false_alarm_rate, look), len(drifts))
    scores = [_score(drift, window, reference, alpha, monitoring.min_effect) for drift in drifts]
    scores.sort(key=lambda score: -score.score)
    return WindowScore(scores[0].score, tuple(scores))


def alpha_of_look(false_alarm_rate: float, look: int) -> float:
    """The probability that look number `look` of a week (from 1) may spend; those of all looks sum to the rate.

    Nobody knows how many looks a week will have, so the k-th gets 1/k³ of the first's.
    """
    return false_alarm_rate / (_APERY * look**3)


def alpha_of_test(alpha: float, tests: int) -> float:
    """The level of each of a look's tests by Šidák's inequality, which leaves `alpha` to all of them together.

    Valid however the columns depend on each other, as each test accepts a convex set, symmetric about 0, of values that
    are jointly normal in the limit (https://arxiv.org/abs/1408.1028).
    """
    return float(1 - (1 - alpha) ** (1 / tests))


def _score(drift: Drift, window: Profile, reference: Profile, alpha: float, min_effect: float) -> ColumnScore:
    found = significance(drift, window, reference, alpha)
    score = drift.distance / found.critical_distance
    if min_effect > 0:
        score = min(score, drift.distance / min_effect)
    return ColumnScore(drift.column, drift.measure, drift.distance, found.p_value, found.critical_distance, score)
