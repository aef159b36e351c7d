"""Runs in MLflow: its own page in a real browser shows them with their plots, and without it nothing else changes."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import wait_for_endpoint
from comal.cli.repository import Repository
from comal.run_record import RunRecord
from localcloud.processes import end_processes, find_listener
from research import Study
from tests.e2e.clone import Clone
from tests.running_cloud import REPOSITORY, find_free_port

SERVER = REPOSITORY / ".comal/mlflow"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PLOTS = {"learning_curve", "predicted_and_actual", "residuals", "importance", "contributions"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVER.exists(), reason="MLflow's server is not installed: make experiments"),
]


@pytest.fixture(scope="module")
def uri() -> str:
    return f"http://127.0.0.1:{find_free_port()}"


@pytest.fixture(scope="module")
def trained(clone: Clone, uri: str) -> Clone:
    (clone.root / ".comal/mlflow").symlink_to(SERVER)
    clone.stack_value("comal:models", f"[{MODEL}]")
    clone.stack_value("comal:components", "[data, training, registry, serving, experiments]")
    clone.stack_value("comal:trackingUri", uri)
    clone.comal("up")
    clone.comal("push", MODEL, str(TacoChain(Repository(clone.root)).week(1)))
    for version in (1, 2):
        clone.comal("retrain", MODEL, "--reason", f"run {version}")
    wait_for_endpoint(clone.target, MODEL, 1)
    return clone


def ask(uri: str, path: str, **body: Any) -> Any:
    request = urllib.request.Request(f"{uri}/api/2.0/mlflow/{path}", data=json.dumps(body).encode() if body else None)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def look(uri: str, page: str, folder: Path) -> tuple[str, bytes]:
    """The page's text once its scripts have run, and a screenshot."""
    assert BROWSER is not None
    picture = folder / "page.png"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000"]
    options += ["--window-size=1400,1000", f"--user-data-dir={folder / 'profile'}"]
    shown = [
        subprocess.run(
            [BROWSER, *options, what, f"{uri}/{page}"], capture_output=True, text=True, timeout=120, check=True
        )
        for what in (f"--screenshot={picture}", "--dump-dom")
    ]
    return shown[-1].stdout, picture.read_bytes()


def test_every_run_is_there_with_its_curve_and_its_plots(trained, uri):
    records = trained.json("experiments", MODEL)
    assert [record["warnings"] for record in records] == [[], []]
    for record in records:
        run_id = record["tracked"].rpartition("/")[2]
        run = ask(uri, f"runs/get?run_id={run_id}")["run"]
        assert (run["info"]["run_name"], run["info"]["status"]) == (record["run_id"], "FINISHED")
        found = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
        assert found["rmse"] == pytest.approx(record["metrics"]["rmse"])
        assert {param["key"] for param in run["data"]["params"]} >= {"algorithm", "max_depth", "trees"}
        curve = ask(uri, f"metrics/get-history?run_id={run_id}&metric_key=held_out.rmse")["metrics"]
        assert [point["step"] for point in curve] == record["curve"]["rounds"]
        files = {entry["path"] for entry in ask(uri, f"artifacts/list?run_id={run_id}")["files"]}
        assert files == {"plots", "report.html", "run.json"}
        plots = ask(uri, f"artifacts/list?run_id={run_id}&path=plots")["files"]
        assert {Path(entry["path"]).stem for entry in plots} == PLOTS


def test_the_command_names_the_page(trained, uri):
    assert uri in trained.comal("experiments", MODEL).stdout
    one = trained.comal("experiments", MODEL, "1").stdout
    assert f"{uri}/#/experiments/" in one


def test_without_a_model_the_page_is_opened_for_a_person_and_named_to_a_script(trained, uri, tmp_path):
    assert trained.json("experiments") == {"page": uri}
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    reading_end, terminal = pty.openpty()
    command = [Path(sys.executable).parent / "comal", "experiments"]
    environment = {**trained.environment, "BROWSER": str(browser)}
    subprocess.run(command, cwd=trained.root, env=environment, stdout=terminal, timeout=60, check=True)
    os.close(terminal)
    os.close(reading_end)
    assert seen.read_text().strip() == uri


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_mlflows_own_page_shows_the_runs_and_their_plots(trained, uri, tmp_path):
    records = trained.json("experiments", MODEL)
    experiment = records[0]["tracked"].split("/")[2]
    text, picture = look(uri, f"#/experiments/{experiment}/runs", tmp_path)
    assert all(record["run_id"] in text for record in records)
    assert picture.startswith(b"\x89PNG")
    text, picture = look(uri, f"{records[0]['tracked']}/artifacts/plots/learning_curve.svg", tmp_path)
    assert "plots/learning_curve.svg" in text
    assert re.search(r"<img[^>]+src=\"blob:", text)
    assert len(picture) > 50_000


def test_trials_of_a_search_are_runs_below_their_run(trained, uri):
    board = trained.json("search", MODEL, "--trials", "4", "--minutes", "1")["leaderboard"]
    parent = next(record for record in trained.json("experiments", MODEL) if record["search"])
    _, experiment, _, run_id = parent["tracked"].removeprefix("#/").split("/")
    query = f"tags.`mlflow.parentRunId` = '{run_id}'"
    runs = ask(uri, "runs/search", experiment_ids=[experiment], filter=query)["runs"]
    found = {}
    for run in runs:
        params = {param["key"]: param["value"] for param in run["data"]["params"]}
        scores = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
        found[int(run["info"]["run_name"].rpartition(" ")[2])] = (params["algorithm"], scores.get("folds.rmse"))
    complete = [trial for trial in board["trials"] if trial["score"] is not None]
    assert len(found) == len(board["trials"]) == 4
    assert complete
    for trial in complete:
        assert found[trial["number"]] == (trial["algorithm"], pytest.approx(trial["score"]))


def test_a_fit_in_a_notebook_is_a_run_as_well(trained, uri, monkeypatch):
    monkeypatch.chdir(trained.root)
    study = Study(MODEL)
    study.fit(study.idea(params={"num_boost_round": 5}), name="five rounds")
    (path,) = trained.root.glob(f".comal/research/local/{MODEL}/runs/five-rounds-*/model/run.json")
    record = RunRecord.model_validate_json(path.read_bytes())
    assert record.warnings == []
    run = ask(uri, f"runs/get?run_id={record.tracked.rpartition('/')[2]}")["run"]
    assert (run["info"]["run_name"], run["info"]["status"]) == (record.run_id, "FINISHED")


def test_a_run_that_failed_is_there_with_its_reason(trained, uri):
    path = trained.root / f"recipes/{MODEL}.yaml"
    original = path.read_text()
    path.write_text(original.replace("max_depth: 5", "max_depth: -5"))
    trained.comal("up")
    trained.comal("retrain", MODEL, "--reason", "a mistake", exit_code=1)
    path.write_text(original)
    trained.comal("up")
    experiment = trained.json("experiments", MODEL)[0]["tracked"].split("/")[2]
    (run,) = ask(uri, "runs/search", experiment_ids=[experiment], filter="attributes.status = 'FAILED'")["runs"]
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert "max_depth" in tags["comal.failure"]


def test_a_run_without_its_tracker_ends_as_it_would_have_and_says_so(trained, uri):
    server = find_listener(int(uri.rpartition(":")[2]))
    assert server is not None
    end_processes([server], timeout_s=10)
    outcome = trained.json("retrain", MODEL, "--reason", "without MLflow")
    assert outcome["version"] == 4
    newest = trained.json("experiments", MODEL)[0]
    assert "was not written to MLflow" in newest["warnings"][0]
    assert "comal cloud start" in trained.comal("experiments", exit_code=1).stderr
    assert newest["tracked"] == ""


def test_the_server_ends_with_the_local_cloud_and_comes_back_with_its_runs(trained, uri):
    trained.comal("cloud", "stop")
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{uri}/health", timeout=2)
    trained.comal("cloud", "start", "--port", str(trained.port))
    assert ask(uri, "experiments/get-by-name?experiment_name=local-tacos")["experiment"]["name"] == "local-tacos"
