"""What drift scores say where the truth is known: how often they are wrong without drift, how soon right with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from comal.drift_score import WindowScore, score_window
from comal.profiler import profile_of
from comal.recipe_file import load
from examples.tacos.steady import steady_orders

REFERENCE_ROWS = 4000
LOOKS_A_WEEK = 5
_RECIPE = Path(__file__).resolve().parents[1] / "recipes/tacos.yaml"
_DELIVERY_APP_WEEK = 3
# Of each pool a week draws about 9,000 rows; pools are as large as keeps weeks nearly independent of each other.
_STEADY_SIMULATIONS_PER_WEEK = 0.05
_LEAST_SIMULATIONS = 20


@dataclass(frozen=True)
class Rates:
    """Shares of the weeks without drift that raised an alarm."""

    without_min_effect: float
    with_default: float


@dataclass(frozen=True)
class Detection:
    """How soon a drift was found.

    Attributes:
        power: Share of weeks whose first window of drifted rows alone alarmed.
        delay_rows: Median rows from the change to the end of the window that alarmed; None where most had none.
    """

    power: float
    delay_rows: float | None


class Chain:
    """Orders of the simulated chain as references and windows of its recipe, `window_rows` each.

    Args:
        seed: Of the simulation and of the draws.
        weeks: How many weeks without drift are drawn.
    """

    def __init__(self, seed: int, weeks: int) -> None:
        self._recipe = load(_RECIPE)
        self._monitoring = self._recipe.monitoring
        self._rows = self._monitoring.window_rows
        columns = [*self._recipe.features, self._recipe.target]
        simulations = max(_LEAST_SIMULATIONS, int(weeks * _STEADY_SIMULATIONS_PER_WEEK))
        self._steady = steady_orders(simulations, seed).select(columns).combine_chunks()
        changed = steady_orders(_LEAST_SIMULATIONS, seed, _DELIVERY_APP_WEEK)
        self._changed = changed.select(columns).combine_chunks()
        self._rng = np.random.default_rng(seed)
        self._weeks = weeks

    def false_alarms(self) -> Rates:
        """Score weeks without drift, each against a reference of its own."""
        free = default = 0
        for _ in range(self._weeks):
            looks = self._scores(change_at=LOOKS_A_WEEK * self._rows, share=0.0)
            free += any(look.score >= 1 for look in looks)
            least = self._monitoring.min_effect
            default += any(one.score >= 1 and one.distance >= least for look in looks for one in look.columns)
        return Rates(free / self._weeks, default / self._weeks)

    def detection(self, share: float, weeks: int) -> Detection:
        """Score weeks in whose second window a share of the orders begins to come through the delivery app."""
        found, delays = 0, []
        for _ in range(weeks):
            change_at = int(self._rng.integers(self._rows, 2 * self._rows))
            looks = self._scores(change_at, share)
            least = self._monitoring.min_effect
            alarmed = [any(one.score >= 1 and one.distance >= least for one in look.columns) for look in looks]
            found += alarmed[2]
            ends = [(number + 1) * self._rows for number in range(1, LOOKS_A_WEEK) if alarmed[number]]
            delays.append(ends[0] - change_at if ends else np.inf)
        median = float(np.median(delays))
        return Detection(found / weeks, median if np.isfinite(median) else None)

    def _scores(self, change_at: int, share: float) -> Sequence[WindowScore]:
        """A week's looks without min_effect; from row `change_at` on a share of the rows is of the changed chain."""
        total = LOOKS_A_WEEK * self._rows
        drawn = self._draw(self._steady, REFERENCE_ROWS + total)
        reference = profile_of(drawn.slice(0, REFERENCE_ROWS), self._recipe)
        traffic = drawn.slice(REFERENCE_ROWS)
        if share > 0:
            is_new = (np.arange(total) >= change_at) & (self._rng.random(total) < share)
            place = np.where(is_new, total + np.arange(total), np.arange(total))
            traffic = pa.concat_tables([traffic, self._draw(self._changed, total)]).take(pa.array(place))
        # The score without min_effect tells both stories, as each test's distance is known too.
        monitoring = self._monitoring.model_copy(update={"min_effect": 0.0})
        return [
            score_window(
                profile_of(traffic.slice(number * self._rows, self._rows), self._recipe, reference),
                reference,
                monitoring,
                number + 1,
                list(self._recipe.features),
            )
            for number in range(LOOKS_A_WEEK)
        ]

    def _draw(self, pool: pa.Table, rows: int) -> pa.Table:
        return pool.take(pa.array(self._rng.choice(pool.num_rows, rows, replace=False, shuffle=True)))
