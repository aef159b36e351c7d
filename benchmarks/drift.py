"""How often drift scores are wrong without drift, how soon they find what is known to drift, and what they cost.

The truth is the simulated taco chain's. `make bench-peers` installs the peers.
"""

import argparse
import math
import tempfile
from pathlib import Path

from benchmarks._drift_speed import PEERS, measure, write_profile, write_rows
from benchmarks._drift_truth import Chain, Detection
from benchmarks._report import Goal, Measurement, report

RATE = 0.05
_CONFIDENCE = 0.95
_FASTER_THAN = {"evidently": 200, "nannyml": 20}
_SHARE_OF_LIMIT = 0.15
_MAX_MB = 600
_TRUTH = "comal on tacos"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--quick", action="store_true", help="a twentieth of the weeks, a tenth of the rows, one run of each"
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of the simulated weeks")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    weeks = 100 if options.quick else 2000
    truth, goals = _truth(options.seed, weeks, drifted_weeks=weeks // 10)
    speed, speed_goals = _speed(rows=5_000_000 // part, repeats=1 if options.quick else 5)
    report([*truth, *speed], [*goals, *speed_goals], as_json=options.json)


def _truth(seed: int, weeks: int, drifted_weeks: int) -> tuple[list[Measurement], list[Goal]]:
    chain = Chain(seed, weeks)
    rates = chain.false_alarms()
    low, high = _binomial_interval(weeks)
    measured = [
        _share(f"false alarms of {weeks} weeks, min_effect 0", rates.without_min_effect),
        _share(f"false alarms of {weeks} weeks, min_effect 0.1", rates.with_default),
    ]
    goals = [
        Goal(
            "false-alarm rate, min_effect 0",
            f"{low:.4f} to {high:.4f} (binomial, p = {RATE})",
            f"{rates.without_min_effect:.4f}",
            low <= rates.without_min_effect <= high,
        ),
        Goal("false-alarm rate, default", f"<= {high:.4f}", f"{rates.with_default:.4f}", rates.with_default <= high),
    ]
    found = {share: chain.detection(share, drifted_weeks) for share in (1.0, 0.5, 0.25)}
    for share, detection in found.items():
        drift = f"delivery app for {share:.0%} of the orders"
        measured.append(_share(f"power in one window, {drift}", detection.power))
        measured.append(Measurement(f"delay, {drift}", _TRUTH, "ours", detection.delay_rows, "rows"))
    goals.append(_found_soon(found[1.0]))
    return measured, goals


def _found_soon(detection: Detection) -> Goal:
    got = f"power {detection.power:.3f}, median delay {detection.delay_rows} rows"
    delay = math.inf if detection.delay_rows is None else detection.delay_rows
    return Goal(
        "the delivery app is found", "power >= 0.99, delay <= 2 windows", got, detection.power >= 0.99 and delay <= 2000
    )


def _speed(rows: int, repeats: int) -> tuple[list[Measurement], list[Goal]]:
    with tempfile.TemporaryDirectory() as folder:
        window, small, reference = (Path(folder) / f"{name}.parquet" for name in ("window", "small", "reference"))
        write_rows(reference, rows // 5, seed=1)
        write_profile(reference)
        write_rows(window, rows, seed=2)
        write_rows(small, rows // 5, seed=3)
        ours, limit = measure(window, reference, repeats, with_peers=False)
        # The peers hold all rows at once: they get a fifth, and so do we, to compare with them.
        ours_small, _, *peers = measure(small, reference, repeats, with_peers=True)
    assert ours.value is not None  # ours and the limit are always measured
    assert limit.value is not None
    share = limit.value / ours.value
    goals = [
        Goal("full profile and score against decode", f">= {_SHARE_OF_LIMIT:.0%}", f"{share:.0%}", share >= 0.15),
        Goal("memory", f"<= {_MAX_MB} MB", f"{ours.peak_mb:.0f} MB", ours.peak_mb is not None and ours.peak_mb <= 600),
        *(_faster(ours_small, peer, name) for name, peer in zip(PEERS, peers, strict=True)),
    ]
    return [ours, limit, ours_small, *peers], goals


def _faster(ours: Measurement, peer: Measurement, name: str) -> Goal:
    wanted = f">= {_FASTER_THAN[name]} ×"
    goal = f"CPU seconds against {name}"
    if peer.cpu_s is None or ours.cpu_s is None:
        return Goal(goal, wanted, "peer absent", None)
    times = peer.cpu_s / ours.cpu_s
    return Goal(goal, wanted, f"{times:.0f} ×", times >= _FASTER_THAN[name])


def _share(path: str, value: float) -> Measurement:
    return Measurement(path, _TRUTH, "ours", value, "share of weeks")


def _binomial_interval(weeks: int) -> tuple[float, float]:
    """The two-sided 95 % interval of the share of weeks that alarm, each with probability RATE."""
    tail = (1 - _CONFIDENCE) / 2
    total = 0.0
    bounds: list[float] = []
    for alarms in range(weeks + 1):
        ways = math.lgamma(weeks + 1) - math.lgamma(alarms + 1) - math.lgamma(weeks - alarms + 1)
        total += math.exp(ways + alarms * math.log(RATE) + (weeks - alarms) * math.log(1 - RATE))
        if total >= tail and not bounds:
            bounds.append(alarms / weeks)
        if total >= 1 - tail:
            return bounds[0], alarms / weeks
    raise AssertionError("probabilities sum to 1")


if __name__ == "__main__":
    main()
