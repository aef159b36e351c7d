"""Which runs `comal experiments` lists."""

import json
from typing import Any

import pytest

from comal.cli import experiments
from comal.cli.documents import DamagedDocumentError
from comal.run_record import RunRecord
from tests.unit.cli.conftest import Comal

RECORDED = {"a": "2026-11-01", "b": "2026-11-02", "c": "2026-11-03"}


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run b's model was refused, run d failed before it had one."""

    def record_of(_target: object, _model: str, row: dict[str, Any]) -> Any:
        started = RECORDED.get(row["run_id"])
        return RunRecord.model_construct(run_id=row["run_id"], started=started) if started else None

    versions = [{"version": 2, "approval": "Approved", "run_id": "c"}, {"version": 1, "approval": None, "run_id": "a"}]
    decisions = [{"decision": "run", "run_id": run_id} for run_id in "dcba"] + [{"decision": "refused", "run_id": None}]
    monkeypatch.setattr(experiments, "versions_of", lambda _target, _model: versions)
    monkeypatch.setattr(experiments, "decisions_of", lambda _target, _model: decisions)
    monkeypatch.setattr(experiments, "record_of", record_of)


def test_a_damaged_record_is_a_warning_and_the_other_runs_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readable = experiments.record_of

    def record_of(target: Any, model: str, row: dict[str, Any]) -> Any:
        if row["run_id"] in {"a", "b"}:
            raise DamagedDocumentError(f"{row['run_id']}/run.json is damaged.", next_step="Restore it.")
        return readable(target, model, row)

    monkeypatch.setattr(experiments, "record_of", record_of)
    assert [row["version"] for row, _ in experiments._runs(None, "tacos", 20)] == [2]  # type: ignore[arg-type]
    told = capsys.readouterr().err
    assert "Version 1 is not listed: a/run.json is damaged. Restore it." in told
    assert "Run b is not listed: b/run.json is damaged. Restore it." in told


@pytest.mark.parametrize(("limit", "expected"), [(20, [2, None, 1]), (2, [2, None]), (1, [2])])
def test_a_run_whose_model_was_refused_is_listed_without_a_version(limit: int, expected: list[int | None]) -> None:
    runs = experiments._runs(None, "tacos", limit)  # type: ignore[arg-type]
    assert [row["version"] for row, _ in runs] == expected


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_tracker_that_does_not_answer_is_a_failure_and_its_address_is_printed(
    comal: Comal, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    page = "http://127.0.0.1:9"  # the port that discards
    monkeypatch.setattr(experiments, "open_target", lambda _stack: None)
    monkeypatch.setattr(experiments, "tracking_page", lambda _target: page)
    done = comal("experiments", *flags)
    assert done.exit_code == 1
    assert f"MLflow does not answer on {page}" in done.stderr
    assert page in (json.loads(done.stdout)["page"] if flags else done.stdout)
