"""Kitchens that have slow and fast days: what no column of an order says, and the orders before it do."""

from datetime import date

import numpy as np
import pyarrow as pa

from examples.tacos.simulator import TARGET
from examples.tacos.truth import STORES

# Minutes that a store's tempo adds to an order: a standard deviation of 2, half of it gone after a day and a half.
SPREAD_MINUTES = 2.0
_STAYS = 0.98


def with_tempo(orders: pa.Table, start_day: date, seed: int) -> pa.Table:
    """Orders of a simulation whose stores are slower or faster than the truth, by a tempo that wanders hour by hour.

    Args:
        orders: What `simulate` draws.
        start_day: Its first day.
        seed: Seed of the tempo; a longer simulation begins with the shorter one.
    """
    ordered_at = orders.column("ordered_at").to_numpy().astype("datetime64[h]")
    hours = (ordered_at - np.datetime64(start_day, "h")).astype(np.int64)
    steps = np.random.default_rng([seed, len(STORES)]).normal(size=(int(hours.max(initial=0)) + 1, len(STORES)))
    tempo = np.empty_like(steps)
    tempo[0] = steps[0]
    for hour in range(1, len(steps)):
        tempo[hour] = _STAYS * tempo[hour - 1] + np.sqrt(1 - _STAYS**2) * steps[hour]
    store = np.array([STORES.index(name) for name in orders.column("store").to_pylist()])
    minutes = orders.column(TARGET).to_numpy() + SPREAD_MINUTES * tempo[hours, store]
    position = orders.schema.get_field_index(TARGET)
    return orders.set_column(position, TARGET, pa.array(np.maximum(np.round(minutes, 2), 1.0)))
