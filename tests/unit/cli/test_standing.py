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
        ({"champion": None, "endpoint": None}, "comal models tacos"),
        ({"latest": {"version": 3, "approval": "PendingManualApproval"}}, "comal promote tacos 3"),
        ({"champion": {"version": 2, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}}, "version 2 expired"),
        ({"endpoint": None}, "moving to version 2"),
        ({"endpoint": {"status": "Updating", "version": 1}}, "moving to version 2"),
    ],
)
def test_the_next_step_fits_where_the_model_stands(changes, expected):
    assert expected in next_step({**SERVED, **changes})


def test_the_next_step_names_the_stack():
    assert next_step(SERVED, " -s dev").endswith(" -s dev")
