import csv
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from examples.tacos.poison import KINDS, poison
from examples.tacos.simulator import TARGET, simulate, week, without_outcome, write_csv
from examples.tacos.truth import NOISE_MINUTES, expected_minutes

REPOSITORY = Path(__file__).parents[3]
START = date(2026, 1, 5)


@pytest.fixture(scope="module")
def orders() -> pa.Table:
    return simulate(START, 21, seed=7)


def day_numbers(table: pa.Table) -> np.ndarray:
    days = table.column("ordered_at").to_numpy().astype("datetime64[D]")
    return (days - np.datetime64(START)).astype(np.int64) + 1


def truth_of(table: pa.Table) -> np.ndarray:
    known = {name: np.array(table.column(name).to_pylist()) for name in ("store", "weather", "weekday", "delivery")}
    counts = {name: table.column(name).to_numpy() for name in ("hour", "staff", "basket_size", "distance_km")}
    return expected_minutes(day=day_numbers(table), **known, **counts)


def test_the_same_seed_gives_the_same_orders(orders: pa.Table):
    assert simulate(START, 21, seed=7).equals(orders)
    assert not simulate(START, 21, seed=8).equals(orders)


def test_a_longer_simulation_begins_with_the_shorter_one(orders: pa.Table):
    shorter = simulate(START, 3, seed=7)
    assert orders.slice(0, shorter.num_rows).equals(shorter)


def test_a_week_has_about_five_thousand_orders_and_weeks_make_up_the_whole(orders: pa.Table):
    weeks = [week(orders, START, number) for number in (1, 2, 3)]
    assert all(4500 < table.num_rows < 5500 for table in weeks)
    assert pa.concat_tables(weeks).equals(orders)


def test_order_ids_are_distinct_and_times_ascend(orders: pa.Table):
    assert len(set(orders.column("order_id").to_pylist())) == orders.num_rows
    assert (np.diff(orders.column("ordered_at").to_numpy()).astype(np.int64) >= 0).all()


def test_what_remains_beside_the_documented_truth_is_the_documented_noise(orders: pa.Table):
    known = orders.filter(orders.column("distance_km").is_valid())
    for number in (1, 2, 3):
        table = week(known, START, number)
        noise = table.column(TARGET).to_numpy() - truth_of(table)
        assert abs(noise.mean()) < 0.1
        assert noise.std() == pytest.approx(NOISE_MINUTES, rel=0.05)


def test_the_new_oven_makes_norte_faster_from_day_8(orders: pa.Table):
    minutes, stores, days = orders.column(TARGET).to_numpy(), orders.column("store").to_numpy(), day_numbers(orders)
    before = minutes[(stores == "norte") & (days < 8)].mean()
    after = minutes[(stores == "norte") & (days >= 8) & (days < 15)].mean()
    assert before - after > 1.5
    others = stores != "norte"
    assert abs(minutes[others & (days < 8)].mean() - minutes[others & (days >= 8) & (days < 15)].mean()) < 0.8


def test_the_delivery_app_brings_more_and_longer_rides_from_day_15(orders: pa.Table):
    delivery, km, days = (
        orders.column("delivery").to_numpy(),
        orders.column("distance_km").to_numpy(),
        day_numbers(orders),
    )
    assert delivery[days < 15].mean() == pytest.approx(0.35, abs=0.03)
    assert delivery[days >= 15].mean() == pytest.approx(0.6, abs=0.03)
    assert np.nanmean(km[days >= 15]) == pytest.approx(1.5 * np.nanmean(km[days < 15]), rel=0.1)


def test_every_week_fits_the_recipe(orders: pa.Table):
    recipe = yaml.safe_load((REPOSITORY / "recipes" / "tacos.yaml").read_text())
    features = recipe["features"]
    assert {*features, recipe["target"], recipe["entity"], recipe["event_time"]["column"]} == set(orders.column_names)
    for name, feature in features.items():
        column = orders.column(name)
        assert column.null_count / orders.num_rows < recipe["validation"]["max_missing"]
        values = column.drop_null().to_pylist()
        if feature["type"] == "category":
            assert set(values) == set(feature["values"])
        elif feature["type"] in ("integer", "number"):
            assert feature["min"] <= min(values)
            assert max(values) <= feature["max"]


def test_csv_has_iso_times_and_empty_cells_for_missing_values(orders: pa.Table, tmp_path: Path):
    write_csv(orders.slice(0, 500), tmp_path / "orders.csv")
    with (tmp_path / "orders.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines[0].keys() == {*orders.column_names}
    assert lines[0]["ordered_at"].startswith("2026-01-05T11:")
    missing = [line["distance_km"] == "" for line in lines]
    assert missing == orders.slice(0, 500).column("distance_km").is_null().to_pylist()


def test_orders_without_their_outcome_are_what_an_endpoint_is_asked(orders: pa.Table):
    assert TARGET not in without_outcome(orders).column_names


def lines_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_each_poison_breaks_the_file_in_its_own_way(orders: pa.Table):
    good = orders.slice(0, 1000)
    made = {kind: poison(good, kind) for kind in KINDS}
    assert "distance_km" not in lines_of(made["missing_column"])[0]
    assert sum(line["basket_size"] == "three" for line in lines_of(made["wrong_type"])) == 100
    assert sum(line["store"] == "poniente" for line in lines_of(made["unknown_store"])) == 100
    nulls = sum(line["distance_km"] == "" for line in lines_of(made["many_nulls"])) / 1000
    assert nulls == pytest.approx(0.4, abs=0.01)
    assert made["empty"] == b""
    with pytest.raises(UnicodeDecodeError):
        made["not_csv"].decode()


def test_the_module_writes_weeks_and_poison(tmp_path: Path):
    process = subprocess.run(
        [sys.executable, "-m", "examples.tacos", "--seed", "3", "--days", "10", "--out", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert {path.name for path in tmp_path.glob("*.csv")} == {"week1.csv", "week2.csv"}
    assert {path.stem for path in (tmp_path / "poisoned").iterdir()} == set(KINDS)
    assert f"{tmp_path / 'week1.csv'}  " in process.stdout
