"""What monitoring says of a model: its alarms, the newest window's scores and the live quality."""

import json
from typing import Any

from comal.cli.items import rows_of
from comal.cli.reports import fetch_report
from comal.cli.target import Target

ALARM = "ALARM"
WINDOW, QUALITY = "window#", "quality"
_SCORES = {"drift_score": "drift", "prediction_drift_score": "prediction drift", "skew_score": "skew"}


def monitoring_of(target: Target, model: str) -> dict[str, Any] | None:
    """What is known of a model's live traffic; None in a stack without monitoring.

    Returns:
        alarms (name, state, reason, since; those that are on first), window (scores of the newest window, with the
        address and local path of its report, or None), quality (the newest live quality, or None).
    """
    dynamodb = target.client("dynamodb")
    try:
        windows = rows_of(target, "monitoring", model, WINDOW, newest_first=True)
        quality = rows_of(target, "monitoring", model, QUALITY)
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return {
        "alarms": alarms_of(target, model),
        "window": _newest_window(target, windows),
        "quality": next((json.loads(row["scores"]) or None for row in quality), None),
    }


def alarms_of(target: Target, model: str) -> list[dict[str, Any]]:
    """The model's alarms, those that are on first, then by name."""
    names = target.names
    # The names of `tacos` begin those of `tacos-gpu`, too.
    own = {model, names.of_model(model), names.state_machine_arn(model)}
    pages = (
        target.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=names.alarm(model, ""), AlarmTypes=["MetricAlarm"])
    )
    found = [
        {
            "name": alarm["AlarmName"],
            "state": alarm["StateValue"],
            "reason": alarm.get("StateReason", ""),
            "since": alarm.get("StateUpdatedTimestamp"),
        }
        for page in pages
        for alarm in page["MetricAlarms"]
        if own & {dimension["Value"] for dimension in alarm.get("Dimensions", [])}
    ]
    return sorted(found, key=lambda alarm: (alarm["state"] != ALARM, alarm["name"]))


def _newest_window(target: Target, windows: list[dict[str, Any]]) -> dict[str, Any] | None:
    scored = [json.loads(row["scores"]) for row in windows if row.get("scores")]
    if not scored:
        return None
    newest: dict[str, Any] = max(scored, key=lambda scores: str(scores["scored_at"]))
    key = newest.pop("report_key")
    window = newest | {"report": f"s3://{target.names.bucket('lake')}/{key}"}
    return window | {"report_path": str(fetch_report(target, window))}


def lines_of(monitoring: dict[str, Any]) -> list[tuple[str, str]]:
    """Lines of `comal status` about a value of `monitoring_of`."""
    on = [alarm for alarm in monitoring["alarms"] if alarm["state"] == ALARM]
    counted = f"{len(on)} of {len(monitoring['alarms'])} on"
    lines = [("alarms", counted), *(("", f"{alarm['name']}: {alarm['reason']}") for alarm in on)]
    window, quality = monitoring["window"], monitoring["quality"]
    if window is None:
        lines.append(("live rows", "no full window yet"))
    else:
        scores = [f"{name} {window[key]:.2f}" for key, name in _SCORES.items() if window.get(key) is not None]
        judged = f"{', '.join(scores) or 'nothing to compare with'} (threshold 1)"
        lines.append(("live rows", f"{judged}; version {window['version']}, {window['rows']} rows"))
        lines.append(("report", window["report_path"]))
    if quality is not None:
        found = f"{quality['metric']} {quality['value']:.4g} ({quality['low']:.4g} to {quality['high']:.4g})"
        compared = f"held out {quality['baseline']:.4g}; score {quality['quality_score']:.2f} (threshold 1)"
        lines.append(("live quality", f"{found} of {quality['rows']} labels, {compared}"))
    return lines
