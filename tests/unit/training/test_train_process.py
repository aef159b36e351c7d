import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from comal.recipe import Recipe
from tests.unit.training.job_folder import JobFolder, NewJob, Sample

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = {
    "evaluation.json",
    "model_card.json",
    "profile.json",
    "prediction_profile.json",
    "lineage.json",
    "importance.json",
    "run.json",
    "report.html",
}


def start(job: JobFolder, command: str = "train", **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "training", command],
        cwd=REPOSITORY,
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(job.paths.base), "PYTHONWARNINGS": "error", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_job_runs_by_sagemakers_contract(new_job: NewJob, diabetes: Sample):
    job = new_job(diabetes.recipe, diabetes.batches)
    process = start(job)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert {path.name for path in job.paths.model.iterdir()} == {*DOCUMENTS, "model.ubj", "schema.json", "recipe.json"}
    assert {path.name for path in job.paths.output.iterdir()} == DOCUMENTS
    assert not job.paths.failure.exists()
    evaluation = job.document("evaluation.json")
    metrics = {**evaluation["challenger"]["metrics"], "train:rows": evaluation["trained_rows"]}
    for name, value in metrics.items():
        assert float(re.findall(rf"metric {name}=([-0-9.e+]+)", output)[-1]) == value
    assert Recipe.model_validate(job.document("recipe.json")).model == "diabetes"
    assert job.document("schema.json")["features"][0] == {"name": "age", "type": "number", "values": []}


def test_a_failed_job_leaves_one_clear_sentence(new_job: NewJob, diabetes: Sample):
    recipe = {**diabetes.recipe, "features": {"altitude": {"type": "number"}}}
    job = new_job(recipe, diabetes.batches)
    process = start(job)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    sentence = job.paths.failure.read_text()
    assert sentence == (
        "User error: Batch batch0 has no column 'altitude'; it was validated by an older recipe. "
        "Push its rows again with every column that the recipe lists."
    )
    assert errors.strip() == sentence


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
def test_sigterm_ends_the_fit_and_saves_what_was_fitted(new_job: NewJob, diabetes: Sample, algorithm: str):
    rounds = 100_000
    params = {"num_boost_round": rounds, "max_depth": 1}
    job = new_job(diabetes.with_training(algorithm=algorithm, params=params), diabetes.batches)
    process = start(job)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Fitting"):
            break
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    kept = int(re.findall(r"Asked to stop: keeping the model of (\d+) rounds", output)[0])
    assert 0 < kept < rounds
    assert "asked to stop" in job.document("model_card.json")["training_details"]["training_observations"]
    assert job.document("evaluation.json")["challenger"]["metrics"]["rmse"] > 0


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train", "now"]])
def test_another_command_says_what_there_is(arguments: list[str]):
    process = subprocess.run(
        [sys.executable, "-m", "training", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 2
    assert process.stderr == "usage: python -m training {train|serve}\n"


def test_an_endpoint_without_a_model_ends_with_one_sentence(new_job: NewJob, diabetes: Sample):
    process = start(new_job(diabetes.recipe, {}), "serve")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"Platform error: .*schema\.json does not exist, .*\n", errors)


def test_training_imports_no_pandas_and_no_boto3(new_job: NewJob, diabetes: Sample):
    """What is not imported need not be in the image. Where pandas is installed pyarrow loads it by itself."""
    job = new_job(diabetes.recipe, diabetes.batches)
    code = (
        "import tests.without_pandas, sys; from pathlib import Path; "
        "from training.paths import TrainPaths; from training.train import train;"
        "from training.stop import StopRequest; train(TrainPaths(Path(sys.argv[1])), StopRequest());"
        "import json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code, str(job.paths.base)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    loaded = set(json.loads(output.splitlines()[-1]))
    assert not loaded & {"boto3", "botocore", "typer", "jinja2", "yaml", "optuna", "lightgbm"}
