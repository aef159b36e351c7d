"""How long an order really takes in the simulated chain: the function that a model has to find, and when it changes.

Days are counted from 1, the first day of a simulation. README.md tells the same in words.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What no model can know of an order: standard deviation of the noise, in minutes, and so the best possible rmse.
NOISE_MINUTES = 1.5

NEW_OVEN_DAY = 8
DELIVERY_APP_DAY = 15

STORES = ("centro", "norte", "sur")
WEATHERS = ("clear", "rain", "storm")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OPENING_HOURS = tuple(range(11, 23))

BASE_MINUTES = 3.0
MINUTES_PER_ITEM = 0.7
STORE_PACE = {"centro": 1.0, "norte": 1.5, "sur": 0.9}
NORTE_PACE_WITH_NEW_OVEN = 0.8
RUSH_MINUTES = {12: 2.0, 13: 5.0, 14: 6.0, 15: 3.0, 19: 2.0, 20: 5.0, 21: 3.0}
WEEKEND_RUSH_FACTOR = 1.3
APP_RUSH_FACTOR = 1.5
STAFF_MINUTES = 8.0
MINUTES_PER_KM = 2.2
WEATHER_FACTOR = {"clear": 1.0, "rain": 1.35, "storm": 1.8}


def expected_minutes(
    *,
    day: NDArray[np.int64],
    store: NDArray[np.str_],
    weather: NDArray[np.str_],
    weekday: NDArray[np.str_],
    hour: NDArray[np.int64],
    staff: NDArray[np.int64],
    basket_size: NDArray[np.int64],
    delivery: NDArray[np.bool_],
    distance_km: Floats,
) -> Floats:
    """Minutes that orders take before noise; every argument and the result have shape (orders,)."""
    pace = _looked_up(store, STORE_PACE)
    pace = np.where((store == "norte") & (day >= NEW_OVEN_DAY), NORTE_PACE_WITH_NEW_OVEN, pace)
    rush = np.array([RUSH_MINUTES.get(each, 0.0) for each in range(24)])[hour]
    rush = rush * np.where(np.isin(weekday, ("sat", "sun")), WEEKEND_RUSH_FACTOR, 1.0)
    rush = rush * np.where(day >= DELIVERY_APP_DAY, APP_RUSH_FACTOR, 1.0)
    ride = MINUTES_PER_KM * distance_km * _looked_up(weather, WEATHER_FACTOR)
    cooking = BASE_MINUTES + MINUTES_PER_ITEM * basket_size * pace + STAFF_MINUTES / staff
    return np.asarray(cooking + rush + np.where(delivery, ride, 0.0))


def _looked_up(names: NDArray[np.str_], values: dict[str, float]) -> Floats:
    keys = np.array(sorted(values))
    return np.array([values[str(key)] for key in keys])[np.searchsorted(keys, names)]
