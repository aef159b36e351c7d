"""Orders of a taco chain with three stores, drawn day by day from a seed."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from examples.tacos.truth import (
    DELIVERY_APP_DAY,
    NOISE_MINUTES,
    OPENING_HOURS,
    STORES,
    WEATHERS,
    WEEKDAYS,
    expected_minutes,
)

TARGET = "minutes_to_serve"
DAYS_PER_WEEK = 7

_ORDERS_PER_DAY = {"mon": 560, "tue": 580, "wed": 620, "thu": 680, "fri": 840, "sat": 960, "sun": 760}
_STORE_SHARES = (0.45, 0.35, 0.20)
_WEATHER_SHARES = (0.6, 0.3, 0.1)
_HOUR_WEIGHTS = np.array([1, 3, 5, 5, 3, 1, 1, 2, 4, 5, 3, 2], dtype=np.float64)
_MISSING_DISTANCE_SHARE = 0.005
_CSV_TIME = "%Y-%m-%dT%H:%M:%S"


def simulate(start_day: date, days: int, seed: int) -> pa.Table:
    """Orders of consecutive days.

    A day depends on the seed and its number only, so a longer simulation begins with the shorter one.

    Args:
        start_day: The first day; it has number 1.
        days: How many days.
        seed: Seed of everything drawn.

    Returns:
        About 5,000 rows a week, in order of time. `distance_km` is null for a few orders.
    """
    return pa.concat_tables([_day(start_day, number, seed) for number in range(1, days + 1)])


def week(table: pa.Table, start_day: date, number: int) -> pa.Table:
    """Orders of one week of a simulation; number 1 is the first."""
    first = datetime.combine(start_day + timedelta(days=DAYS_PER_WEEK * (number - 1)), time())
    ordered_at = table.column("ordered_at")
    after = pc.greater_equal(ordered_at, pa.scalar(first, ordered_at.type))
    before = pc.less(ordered_at, pa.scalar(first + timedelta(days=DAYS_PER_WEEK), ordered_at.type))
    return table.filter(pc.and_(after, before))


def without_outcome(table: pa.Table) -> pa.Table:
    """Orders as they come in, before anybody knows how long they take."""
    return table.drop_columns([TARGET])


def write_csv(table: pa.Table, path: Path) -> None:
    """Write orders as CSV with a header; times in ISO 8601, a missing value is an empty cell."""
    position = table.schema.get_field_index("ordered_at")
    if position >= 0:
        table = table.set_column(position, "ordered_at", pc.strftime(table.column(position), format=_CSV_TIME))
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed", quoting_header="none"))


def _day(start_day: date, number: int, seed: int) -> pa.Table:
    rng = np.random.default_rng([seed, number])
    today = start_day + timedelta(days=number - 1)
    weekday = WEEKDAYS[today.weekday()]
    app = number >= DELIVERY_APP_DAY
    rows = int(rng.poisson(_ORDERS_PER_DAY[weekday]))

    second = np.sort(
        rng.choice(OPENING_HOURS, size=rows, p=_HOUR_WEIGHTS / _HOUR_WEIGHTS.sum()) * 3600
        + rng.integers(0, 3600, size=rows)
    )
    hour = second // 3600
    weather = rng.choice(WEATHERS, size=24, p=_WEATHER_SHARES)[hour]  # the same all over town, for an hour
    store = rng.choice(STORES, size=rows, p=_STORE_SHARES)
    staff = rng.integers(2, 6, size=rows)
    basket_size = 1 + rng.poisson(3.5, size=rows)
    delivery = rng.random(rows) < (0.6 if app else 0.35)
    # Short rides are the rule; a rider goes no farther than 12 km.
    ride_km = np.minimum(rng.gamma(2.0, 1.5 if app else 1.0, size=rows), 12.0)
    distance_km = np.asarray(np.round(ride_km, 2), dtype=np.float64)
    minutes = expected_minutes(
        day=np.full(rows, number),
        store=store,
        weather=weather,
        weekday=np.full(rows, weekday),
        hour=hour,
        staff=staff,
        basket_size=basket_size,
        delivery=delivery,
        distance_km=distance_km,
    )
    observed = np.maximum(np.round(minutes + rng.normal(0.0, NOISE_MINUTES, size=rows), 2), 1.0)
    lost = rng.random(rows) < _MISSING_DISTANCE_SHARE
    midnight = np.datetime64(today, "s")
    return pa.table(
        {
            "order_id": [f"{today:%Y%m%d}-{position:04d}" for position in range(rows)],
            "ordered_at": pa.array(midnight + second.astype("timedelta64[s]"), pa.timestamp("s")),
            "store": store.tolist(),
            "weather": weather.tolist(),
            "weekday": [weekday] * rows,
            "hour": hour,
            "staff": staff,
            "basket_size": basket_size,
            "delivery": delivery,
            "distance_km": pa.array(distance_km, mask=lost),
            TARGET: observed,
        }
    )
