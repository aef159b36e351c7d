"""Steps that hold, and steps that do not."""

import pytest

from comal.cli.demo.step import Journal, StepError, expect


def test_a_step_that_holds_is_remembered_with_its_time_and_detail(capsys):
    journal = Journal(2)
    journal.run("the stack is up", lambda: "40 create")
    (outcome,) = journal.outcomes
    assert (outcome.name, outcome.detail) == ("the stack is up", "40 create")
    assert outcome.duration_s >= 0
    assert "✓ [1/2] the stack is up" in capsys.readouterr().out


def test_a_step_that_does_not_hold_is_named_and_ends_the_demo(capsys):
    journal = Journal(1)
    with pytest.raises(StepError) as caught:
        journal.run("it is trained", lambda: expect(False, seen="FAILED.", expected="SUCCEEDED.", logs="comal logs"))
    assert "✗ [1/1] it is trained" in capsys.readouterr().out
    assert caught.value.message == "Seen: FAILED. Expected: SUCCEEDED."
    assert caught.value.next_step == "The logs: comal logs"
    assert journal.outcomes == []


def test_an_unexpected_error_names_its_step_too(capsys):
    def broken() -> str:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Journal(1).run("it is served", broken)
    assert "✗ [1/1] it is served" in capsys.readouterr().out
