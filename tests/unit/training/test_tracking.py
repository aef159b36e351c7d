"""A tracker that cannot be reached is a warning; tests/e2e/test_experiments.py has one that can."""

import socket
import sys
import time

from tests.running_cloud import find_free_port
from tests.unit.training.job_folder import NewJob, Sample


def run(new_job: NewJob, sample: Sample) -> tuple[dict, str]:
    job = new_job(sample.with_training(params={"num_boost_round": 3}), sample.batches)
    job.run()
    return job.document("run.json"), (job.paths.output / "report.html").read_text()


def test_a_job_that_is_told_of_no_tracker_does_not_import_its_client(new_job, diabetes, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    record, _page = run(new_job, diabetes)
    assert (record["tracked"], record["warnings"]) == ("", [])


def test_a_tracker_that_is_down_is_a_warning_in_the_record_and_on_the_page(new_job, diabetes, monkeypatch):
    uri = f"http://127.0.0.1:{find_free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    record, page = run(new_job, diabetes)
    (warning,) = record["warnings"]
    assert warning.startswith(f"The run was not written to MLflow at {uri}, or not whole: ")
    assert "Warning:" in page
    assert record["metrics"]["rmse"] > 0


def test_a_tracker_that_never_answers_is_waited_for_no_longer_than_said(new_job, diabetes, monkeypatch):
    monkeypatch.setattr("training.tracking.LONGEST_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        record, _page = run(new_job, diabetes)
        assert time.monotonic() - began < 9, "its client waits ten seconds for each call"
    assert "took more than" in record["warnings"][0]


def test_an_image_without_the_client_is_a_warning(new_job, diabetes, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    record, _page = run(new_job, diabetes)
    assert "ModuleNotFoundError" in record["warnings"][0]
    assert "was not written to MLflow" in capsys.readouterr().out
