"""A team's own fit: what the guide shows works, and what cannot work is refused in one sentence."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comal.errors import AlgorithmError, PlatformError, UserError
from tests.unit.training.job_folder import JobFolder, NewJob, Sample
from training.model import load_model
from training.own_fit import OwnModel

REPOSITORY = Path(__file__).parents[3]
FIT = "my_models/rentals.py:fit"
GUIDE = (REPOSITORY / "docs/guide.md").read_text().split("### A fit of your own")[1].split("\n### ")[0]
BOOSTER, CLASS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
XGBOOST = """
import xgboost
def fit(table, params):
    rows = xgboost.DMatrix(table.matrix, table.target)
    objective = {"binary": "binary:logistic", "multiclass": "multi:softprob"}[table.task]
    classes = {"num_class": len(table.classes)} if table.task == "multiclass" else {}
    return xgboost.train({"objective": objective, **classes, **params}, rows, 20)
"""


def own_job(new_job: NewJob, sample: Sample, source: str, **training: Any) -> JobFolder:
    return new_job(sample.with_training(fit=FIT, **training), sample.batches, own_fit=source)


def test_the_guides_ten_lines_are_ten_lines():
    assert len(BOOSTER.strip().splitlines()) <= 10


def test_the_guides_booster_is_trained_judged_and_served_without_the_teams_code(new_job: NewJob, diabetes: Sample):
    job = own_job(new_job, diabetes, BOOSTER, params={"learning_rate": 0.05, "num_leaves": 8})
    evaluation = job.run()
    assert evaluation["challenger"]["metrics"]["rmse"] < 0.9 * evaluation["baseline"]["metrics"]["rmse"]
    schema = load_model(job.paths.model).schema
    sha256 = hashlib.sha256(BOOSTER.encode()).hexdigest()
    assert (schema.algorithm, schema.fit_sha256) == ("lightgbm", sha256)
    assert job.document("lineage.json")["fit_sha256"] == sha256
    assert "poisson" in (job.paths.model / "model.txt").read_text()
    assert not list(job.paths.model.glob("*.py"))
    assert job.document("model_card.json")["model_overview"]["algorithm_type"] == f"The team's own: {FIT}"


def test_the_guides_class_is_loaded_by_its_own_code_and_predicts_the_same(new_job: NewJob, diabetes: Sample):
    job = own_job(new_job, diabetes, CLASS)
    evaluation = job.run()
    assert evaluation["challenger"]["metrics"]["rmse"] < evaluation["baseline"]["metrics"]["rmse"]
    trained = load_model(job.paths.model)
    assert isinstance(trained.model, OwnModel)
    rows = np.random.default_rng(1).normal(size=(20, 10)).astype(np.float32)
    assert trained.model.predict(rows).dtype == np.float32
    assert {path.name for path in (job.paths.model / "own").iterdir()} == {"rows.npz"}


def test_own_code_may_import_what_serving_does_without(new_job: NewJob, diabetes: Sample):
    job = own_job(new_job, diabetes, f"import sklearn.isotonic\n{CLASS}")
    job.run()
    code = (
        "import sys; from pathlib import Path; from training.absent import hide; hide('sklearn');"
        "from training.model import load_model; load_model(Path(sys.argv[1])); assert 'sklearn.isotonic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(job.paths.model)], cwd=REPOSITORY, check=True, timeout=60)


def test_own_code_is_asked_by_one_thread_at_a_time():
    class Alone:
        asked = 0

        def predict(self, matrix: Any) -> Any:
            self.asked += 1
            time.sleep(0.005)
            assert self.asked == 1
            self.asked -= 1
            return np.zeros(len(matrix))

    model = OwnModel(Alone(), Path(), "")
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(model.predict, [np.zeros((1, 1), np.float32)] * 8))) == 8


@pytest.mark.parametrize("name", ["cancer", "wine"])
def test_a_booster_of_xgboost_tells_classes_apart(new_job: NewJob, request: pytest.FixtureRequest, name: str):
    sample: Sample = request.getfixturevalue(name)
    job = own_job(new_job, sample, XGBOOST)
    assert job.run()["challenger"]["metrics"]["accuracy"] > 0.85
    assert load_model(job.paths.model).schema.algorithm == "xgboost"


def test_a_champion_of_the_teams_own_class_is_scored(new_job: NewJob, diabetes: Sample, tmp_path: Path):
    first = own_job(new_job, diabetes, CLASS)
    before = first.run()
    second = new_job(diabetes.recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz"))
    assert second.run()["champion"]["metrics"] == before["challenger"]["metrics"]


def test_code_that_is_not_that_of_training_is_not_run(new_job: NewJob, diabetes: Sample):
    job = own_job(new_job, diabetes, CLASS)
    job.run()
    (job.paths.model / "fit.py").write_text("raise SystemExit('run')")
    with pytest.raises(PlatformError, match=r"fit\.py is not the file that the model was trained by"):
        load_model(job.paths.model)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def fit(table, params):\n    return 1 / 0\n", r"rentals\.py, line 2: ZeroDivisionError: division by zero\."),
        ("import absent_library\n", r"rentals\.py, line 1: ModuleNotFoundError: No module named 'absent_library'\."),
        ("def fit(table, params):\n    return 7\n", r"rentals\.py:fit returned a int; expected a booster"),
        (
            "import numpy, pickle\n"
            "class M:\n"
            "    def predict(self, matrix): return numpy.zeros(len(matrix))\n"
            "    def save(self, folder): (folder / 'model').write_bytes(pickle.dumps([1]))\n"
            "def load(folder): return M()\n"
            "def fit(table, params): return M()\n",
            r"wrote model, a pickle, which runs code when it is read\.",
        ),
        (
            "import numpy\n"
            "class M:\n"
            "    def predict(self, matrix): return numpy.zeros(len(matrix))\n"
            "    def save(self, folder): pass\n"
            "def load(folder): return M()\n"
            "def fit(table, params): return M()\n",
            r"wrote no file\.",
        ),
        (
            "import xgboost\n"
            "def fit(table, params):\n"
            "    return xgboost.train({}, xgboost.DMatrix(table.matrix[:, :2], table.target), 2)\n",
            r"cannot predict the training rows: ",
        ),
    ],
)
def test_a_fit_that_cannot_work_is_refused_with_its_place(new_job: NewJob, diabetes: Sample, source: str, message: str):
    with pytest.raises(UserError, match=message):
        own_job(new_job, diabetes, source).run()


def test_answers_that_are_no_probabilities_are_refused(new_job: NewJob, cancer: Sample):
    source = XGBOOST.replace("binary:logistic", "binary:logitraw")
    with pytest.raises(AlgorithmError, match="answers with what are no probabilities"):
        own_job(new_job, cancer, source).run()


def ends_at(statement: str) -> tuple[str, str]:
    """The guide's class, which exits just before a statement, and what is said of it."""
    source = CLASS.replace(statement, f"raise SystemExit(0); {statement}")
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "SystemExit" in text)
    return source, rf", line {line}: SystemExit: 0\."


@pytest.mark.parametrize("statement", ["import numpy", "return Nearest(table", "np.savez(", "return self.answers"])
def test_code_that_exits_is_refused_with_its_place(new_job: NewJob, diabetes: Sample, statement: str):
    source, message = ends_at(statement)
    with pytest.raises(UserError, match=r"rentals\.py" + message):
        own_job(new_job, diabetes, source).run()


def test_a_model_whose_load_exits_is_refused_with_its_place(new_job: NewJob, diabetes: Sample):
    source, message = ends_at("saved = np.load(")
    job = own_job(new_job, diabetes, source)
    job.run()
    with pytest.raises(UserError, match=r"fit\.py" + message):
        load_model(job.paths.model)


@pytest.mark.parametrize(
    ("statement", "error"), [("return table.nothing", "AttributeError: "), ("raise SystemExit(0)", "SystemExit: 0.")]
)
def test_the_job_says_in_one_sentence_what_was_wrong_and_keeps_the_trace_in_its_log(
    new_job: NewJob, diabetes: Sample, statement: str, error: str
):
    job = own_job(new_job, diabetes, f"def fit(table, params):\n    {statement}\n")
    process = subprocess.run(
        [sys.executable, "-m", "training", "train"],
        cwd=REPOSITORY,
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(job.paths.base)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    assert job.paths.failure.read_text().startswith(f"User error: my_models/rentals.py, line 2: {error}")
    assert "Traceback" in process.stderr


def test_a_recipe_channel_without_the_file_is_refused(new_job: NewJob, diabetes: Sample):
    with pytest.raises(PlatformError, match=r"fit\.py does not exist"):
        new_job(diabetes.with_training(fit=FIT), diabetes.batches).run()


def test_the_schema_of_the_kits_own_algorithms_names_no_fit(new_job: NewJob, diabetes: Sample):
    job = new_job(diabetes.with_training(params={"num_boost_round": 5}), diabetes.batches)
    job.run()
    assert json.loads((job.paths.model / "schema.json").read_text())["fit_sha256"] == ""
