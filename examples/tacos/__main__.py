"""`python -m examples.tacos`: write a simulation as one CSV a week, and one poisoned file of each kind."""

import argparse
from datetime import date
from pathlib import Path

from examples.tacos.poison import KINDS, poison
from examples.tacos.simulator import DAYS_PER_WEEK, simulate, week, write_csv
from examples.tacos.tempo import with_tempo


def main() -> None:
    """Write week1.csv, week2.csv, … and poisoned/<kind>.csv."""
    parser = argparse.ArgumentParser(prog="python -m examples.tacos", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="seed of everything drawn (default: 7)")
    parser.add_argument("--days", type=int, default=21, help="number of days (default: 21)")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2026, 1, 5), help="first day, YYYY-MM-DD")
    parser.add_argument("--tempo", action="store_true", help="stores have slow and fast days")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    orders = simulate(arguments.start, arguments.days, arguments.seed)
    if arguments.tempo:
        orders = with_tempo(orders, arguments.start, arguments.seed)
    poisoned = arguments.out / "poisoned"
    poisoned.mkdir(parents=True, exist_ok=True)
    for number in range(1, -(-arguments.days // DAYS_PER_WEEK) + 1):
        path = arguments.out / f"week{number}.csv"
        rows = week(orders, arguments.start, number)
        write_csv(rows, path)
        print(f"{path}  {rows.num_rows} orders")
    for kind in KINDS:
        path = poisoned / f"{kind}.csv"
        path.write_bytes(poison(week(orders, arguments.start, 1), kind))
        print(f"{path}  to be quarantined")


if __name__ == "__main__":
    main()
