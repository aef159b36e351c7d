"""Until when a model predicts, by the clock of the server."""

from datetime import UTC, datetime

import pytest

from training.serve.expiry import Expiry
from training.serve.refusal import RefusalError

EXPIRES_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def judged_at(seconds: float) -> None:
    Expiry(EXPIRES_AT, "3", now=lambda: EXPIRES_AT.timestamp() + seconds).check()


@pytest.mark.parametrize("early_s", [3600, 1, 0.001])
def test_before_it_expires_a_version_predicts(early_s):
    judged_at(-early_s)


@pytest.mark.parametrize("late_s", [0, 0.001, 3600])
def test_from_that_moment_on_it_refuses_and_says_which_version_and_since_when(late_s):
    with pytest.raises(RefusalError) as refusal:
        judged_at(late_s)
    assert refusal.value.status == 410
    assert "version 3 expired on 2026-03-01 12:00 UTC" in refusal.value.message


def test_a_version_without_an_end_predicts_for_ever():
    Expiry(None, "3", now=lambda: 1e12).check()
