"""Orders of a chain in which nothing changes: the traffic that must not raise an alarm."""

from datetime import date

import numpy as np
import pyarrow as pa

from examples.tacos.simulator import DAYS_PER_WEEK, simulate, week

_START = date(2026, 1, 5)


def steady_orders(simulations: int, seed: int, chain_week: int = 1) -> pa.Table:
    """One and the same week of the chain's story, simulated many times and shuffled.

    In the simulator's own order rows differ by more than chance without any drift: a thousand orders in a row come from
    two weekdays, and all of an hour share its weather. Shuffled, they are exchangeable, which is what "no drift" means
    (docs/drift.md).

    Args:
        simulations: How many weeks to simulate, about 5,000 rows each.
        seed: Seed of everything drawn.
        chain_week: 1 is as the chain began, 2 has the new oven, 3 the delivery app.

    Returns:
        Rows as `simulate` gives them, with `order_id` made unique.
    """
    tables = [
        week(simulate(_START, DAYS_PER_WEEK * chain_week, seed * 100_003 + number), _START, chain_week)
        for number in range(simulations)
    ]
    orders = pa.concat_tables(tables)
    order = np.random.default_rng(seed).permutation(orders.num_rows)
    names = pa.array([f"{seed}-{chain_week}-{number:07d}" for number in range(orders.num_rows)])
    return orders.take(pa.array(order)).set_column(orders.schema.get_field_index("order_id"), "order_id", names)


def steady_week(orders: pa.Table, number: int, rows: int = 5000) -> pa.Table:
    """A week of traffic without drift, cut from `steady_orders`: number 0, 1, …; no two weeks share a row.

    Raises:
        ValueError: The orders do not last so long.
    """
    if (number + 1) * rows > orders.num_rows:
        raise ValueError(f"{orders.num_rows} orders hold no week number {number} of {rows}; simulate more.")
    return orders.slice(number * rows, rows)
