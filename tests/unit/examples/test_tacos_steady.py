"""Traffic without drift."""

import sys
from pathlib import Path

import pyarrow.compute as pc
import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch):
    """examples/ is no installed package."""
    monkeypatch.syspath_prepend(REPOSITORY)
    import examples.tacos.steady

    return sys.modules[examples.tacos.steady.__name__]


def test_the_first_rows_are_as_mixed_as_all(steady):
    """In the simulator's own order a thousand rows hold two weekdays."""
    orders = steady.steady_orders(4, seed=1)
    first = orders.slice(0, 1000)
    assert len(pc.unique(first.column("weekday"))) == 7
    assert len(pc.unique(orders.column("order_id"))) == orders.num_rows
    for name in ("delivery", "staff", "hour"):
        whole, part = (float(pc.mean(table.column(name).cast("float64")).as_py()) for table in (orders, first))
        assert part == pytest.approx(whole, rel=0.1)


def test_a_seed_gives_the_same_orders_and_another_gives_others(steady):
    assert steady.steady_orders(1, seed=1).equals(steady.steady_orders(1, seed=1))
    assert not steady.steady_orders(1, seed=1).equals(steady.steady_orders(1, seed=2))


def test_the_third_week_has_the_delivery_app(steady):
    shares = [
        pc.mean(steady.steady_orders(1, seed=1, chain_week=week).column("delivery").cast("int64")).as_py()
        for week in (1, 3)
    ]
    assert shares == pytest.approx([0.35, 0.6], abs=0.03)


def test_weeks_share_no_row_and_end_where_the_orders_do(steady):
    orders = steady.steady_orders(1, seed=1)
    weeks = [steady.steady_week(orders, number, rows=2000) for number in (0, 1)]
    names = [name for week in weeks for name in week.column("order_id").to_pylist()]
    assert len(set(names)) == 4000
    with pytest.raises(ValueError, match="no week number 2"):
        steady.steady_week(orders, 2, rows=2000)
