from typing import Any

from comal.cli.compare_page import page, plot_pairs
from comal.run_record import RunRecord

EVIL = "<script>alert('&')</script>"


def record(**parts: Any) -> RunRecord:
    values: dict[str, Any] = {
        "model": "tacos",
        "run_id": "0" * 12,
        "task": "regression",
        "target": EVIL,
        "metric": "rmse",
        "algorithm": "xgboost",
        "parameters": {},
        "structure": {"features": 1},
        "metrics": {"rmse": 2.0},
        "champion": {},
        "baseline": {"rmse": 3.0},
        "curve": None,
        "data": {"batches": 1, "trained_rows": 8, "held_out_rows": 2, "sha256": "1" * 64},
        "libraries": {},
        "hardware": "local",
        "code_sha256": "",
        "artifact_sha256": "",
        "started": "2026-01-01T00:00:00+00:00",
        "ended": "2026-01-01T00:00:01+00:00",
        "seconds": {},
        "plots": {"predicted": [1.0, 2.0], "actual": [1.5, 1.5]},
    }
    return RunRecord.model_validate(values | parts)


def shown(first: RunRecord | None, second: RunRecord | None) -> str:
    return page("tacos", "dev", (1, 2), [("rmse", "2", "3")], [], plot_pairs(first, second))


def test_both_versions_plots_stand_side_by_side():
    curve = {"metric": "rmse", "rounds": [1, 2], "training": [3.0, 2.0], "held_out": [3.0, 2.5]}
    text = shown(record(), record(curve=curve))
    assert text.count("<svg") == 5
    assert text.count("It has no such plot on record.") == 1
    assert text.index("Predicted and actual") < text.index("Residuals")


def test_a_version_without_a_record_is_compared_all_the_same():
    assert shown(record(), None).count("<svg") == 2
    assert "<svg" not in shown(None, None)


def test_what_a_recipe_says_is_never_markup():
    text = shown(record(), record())
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "://" not in text
