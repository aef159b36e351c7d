"""What to do next, from where a model stands."""

from datetime import UTC, datetime

import pytest

from comal.cli.standing import next_step

SERVED = {
    "model": "tacos",
    "batches": {"validated": 2},
    "waiting": 0,
    "run": {"status": "SUCCEEDED", "step": "done"},
    "champion": {"version": 2, "expires_at": None},
    "latest": {"version": 2, "approval": "Approved"},
    "endpoint": {"status": "InService", "version": 2},
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "comal invoke tacos"),
        ({"batches": {}, "run": None}, "comal push tacos"),
        ({"batches": {"quarantined": 3}, "run": None}, "comal push tacos"),
        ({"run": {"status": "RUNNING", "step": "training"}}, "A run is training"),
        ({"run": {"status": "FAILED", "step": "done"}}, "comal logs job tacos"),
        ({"run": None, "champion": None, "latest": None, "endpoint": None}, "comal retrain tacos"),
        ({"run": None, "latest": None, "waiting": 2}, "2 validated batches wait for their windows"),
        ({"run": {"status": "FAILED", "step": "done"}, "waiting": 2}, "look again: comal status tacos"),
        ({"run": None, "latest": None, "waiting": 1}, "comal retrain tacos"),
        ({"latest": {"version": 3, "approval": "PendingManualApproval"}}, "comal promote tacos 3"),
        ({"champion": {"version": 2, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}}, "version 2 expired"),
        ({"endpoint": None}, "moving to version 2"),
        ({"endpoint": {"status": "Updating", "version": 1}}, "moving to version 2"),
    ],
)
def test_the_next_step_fits_where_the_model_stands(changes, expected):
    assert expected in next_step({**SERVED, **changes})


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        ("rmse 101 on 100 held-out rows; worse than the baseline's 100.", "The gate rejected version 1"),
        ("champion changed during the run", "The gate rejected version 1"),
        ("rejected by ana: no good | before: rmse 4 on 100 held-out rows.", "ana rejected version 1"),
        ("rolled back by ana b: slow | before: rmse 4 on 100 held-out rows.", "ana b rejected version 1"),
        ("rollback: the container did not answer | before: rmse 4.", "The endpoint could not serve version 1"),
        ("makes way for version 2, promoted over 1 by ana: ?", "Version 1 made way for another, now rejected"),
        ("", "Version 1 was rejected"),
    ],
)
def test_where_nothing_is_champion_it_is_said_who_rejected_the_newest_version(why, expected):
    latest = {"version": 1, "approval": "Rejected", "why": why}
    said = next_step({**SERVED, "champion": None, "endpoint": None, "latest": latest})
    assert said == f"{expected}; see why: comal models tacos"


def test_the_next_step_names_the_stack():
    assert next_step(SERVED, " -s dev").endswith(" -s dev")
