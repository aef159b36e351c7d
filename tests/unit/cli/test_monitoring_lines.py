"""What `comal status` says of live traffic."""

from comal.cli.monitoring import lines_of

OK = {"name": "dev-tacos-drift", "state": "OK", "reason": "", "since": None}
WINDOW = {
    "version": 2,
    "rows": 1000,
    "drift_score": 1.75,
    "prediction_drift_score": None,
    "skew_score": 0.5,
    "report_path": "/repo/.comal/reports/dev/0011.html",
}
QUALITY = {
    "metric": "rmse",
    "value": 2.5,
    "low": 2.25,
    "high": 2.75,
    "rows": 400,
    "baseline": 2.0,
    "quality_score": 1.125,
}


def test_alarms_that_are_on_are_told_with_their_reasons():
    on = {**OK, "name": "dev-tacos-quality", "state": "ALARM", "reason": "Threshold Crossed"}
    lines = lines_of({"alarms": [on, OK], "window": None, "quality": None})
    assert lines == [
        ("alarms", "1 of 2 on"),
        ("", "dev-tacos-quality: Threshold Crossed"),
        ("live rows", "no full window yet"),
    ]


def test_scores_report_and_quality_are_told():
    lines = dict(lines_of({"alarms": [], "window": WINDOW, "quality": QUALITY}))
    assert lines["live rows"] == "drift 1.75, skew 0.50 (threshold 1); version 2, 1000 rows"
    assert lines["report"] == "/repo/.comal/reports/dev/0011.html"
    assert lines["live quality"] == ("rmse 2.5 (2.25 to 2.75) of 400 labels, held out 2; score 1.12 (threshold 1)")
