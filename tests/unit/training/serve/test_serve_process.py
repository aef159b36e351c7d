import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.training.job_folder import Sample, lay_out
from training.model import load_model

REPOSITORY = Path(__file__).parents[4]
START_TIMEOUT_S = 30.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


@dataclass
class Endpoint:
    """A serving process that listens on a Unix socket."""

    process: subprocess.Popen[str]
    socket_path: Path

    def ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
        with closing(UnixConnection(self.socket_path)) as connection:
            connection.request(method, path, body, {"content-type": content_type} if body is not None else {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())


def start(base: Path, socket_path: Path) -> Endpoint:
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "serve"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "SAGEMAKER_BASE_DIR": str(base),
            "SAGEMAKER_BIND_TO_UNIX_SOCKET": str(socket_path),
            "COMAL_MODEL_VERSION": "4",
            "PYTHONWARNINGS": "error",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    endpoint = Endpoint(process, socket_path)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            endpoint.ask("GET", "/ping")
        except OSError:
            time.sleep(0.05)
        else:
            return endpoint
    process.kill()
    raise AssertionError(process.communicate())


@pytest.fixture(scope="module")
def cancer_model(tmp_path_factory: pytest.TempPathFactory, cancer: Sample) -> Path:
    job = lay_out(tmp_path_factory.mktemp("cancer") / "ml", cancer.recipe, cancer.batches)
    job.run()
    return job.paths.base


@pytest.fixture
def endpoint(cancer_model: Path, tmp_path: Path) -> Iterator[Endpoint]:
    endpoint = start(cancer_model, tmp_path / "model.sock")
    yield endpoint
    endpoint.process.kill()
    endpoint.process.communicate()


def test_an_endpoint_answers_by_sagemakers_contract_and_drains_at_sigterm(endpoint: Endpoint, cancer: Sample):
    assert endpoint.ask("GET", "/ping") == (200, {})

    records = cancer.table.slice(0, 50).to_pylist()
    status, answer = endpoint.ask("POST", "/invocations", json.dumps(records).encode())
    assert status == 200
    assert answer["model_version"] == "4"
    right = [row["prediction"] == record["target"] for row, record in zip(answer["predictions"], records, strict=True)]
    assert sum(right) >= 48
    for row in answer["predictions"]:
        assert row["prediction"] == ("malignant" if row["probability"] > 0.5 else "benign")

    names = list(cancer.recipe["features"])
    lines = [",".join(names), *(",".join(str(record[name]) for name in names) for record in records)]
    assert endpoint.ask("POST", "/invocations", "\n".join(lines).encode(), "text/csv") == (200, answer)

    assert endpoint.ask("POST", "/invocations", b"{}")[0] == 400
    assert endpoint.ask("POST", "/invocations", b"x" * (6 * 1024 * 1024 + 1))[0] == 413
    assert endpoint.ask("GET", "/invocations")[0] == 405

    # A request whose body is still under way when SIGTERM comes is answered all the same.
    body = json.dumps(records[0]).encode()
    connection = UnixConnection(endpoint.socket_path)
    connection.putrequest("POST", "/invocations")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(len(body)))
    connection.endheaders(body[:10])
    assert endpoint.ask("GET", "/ping")[0] == 200  # it has been taken up by now
    endpoint.process.send_signal(signal.SIGTERM)
    finished = threading.Timer(0.3, connection.send, [body[10:]])
    finished.start()
    response = connection.getresponse()
    assert response.status == 200
    assert json.loads(response.read())["predictions"] == answer["predictions"][:1]
    connection.close()
    output, errors = endpoint.process.communicate(timeout=30)
    assert (endpoint.process.returncode, errors) == (0, "")
    assert output == f"Serving model cancer (version 4) on {endpoint.socket_path}.\n"


def test_the_first_parquet_file_is_answered_as_every_other(endpoint: Endpoint, cancer: Sample):
    sink = io.BytesIO()
    pq.write_table(cancer.table, sink)
    for _ in range(2):
        with closing(UnixConnection(endpoint.socket_path)) as connection:
            connection.request("POST", "/invocations", sink.getvalue(), {"content-type": "application/x-parquet"})
            response = connection.getresponse()
            body = response.read()
        assert response.status == 200, body
        assert pq.read_table(io.BytesIO(body)).num_rows == cancer.table.num_rows


def test_an_endpoint_listens_on_the_port_that_sagemaker_names(cancer_model: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "serve"],
        cwd=REPOSITORY,
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(cancer_model), "SAGEMAKER_BIND_TO_PORT": str(port)},
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        status = 0
        while status != 200 and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/ping")
                status = connection.getresponse().status
            except OSError:
                time.sleep(0.05)
            finally:
                connection.close()
        assert status == 200
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
def test_serving_imports_neither_pandas_nor_pyarrow_nor_scikit_learn(cancer: Sample, tmp_path: Path, algorithm: str):
    job = lay_out(tmp_path / "job", cancer.with_training(algorithm=algorithm), cancer.batches)
    job.run()
    code = (
        "import sys, json; from pathlib import Path; from training.absent import hide; hide('sklearn', 'pandas');"
        "import training.serve.server;"
        "from training.model import load_model; load_model(Path(sys.argv[1]));"
        "print(json.dumps([name for name, module in sys.modules.items() if module]))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code, str(job.paths.model)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    loaded = {name.split(".")[0] for name in json.loads(output)}
    assert not loaded & {"pandas", "pyarrow", "sklearn", "boto3"}
    assert loaded & {"xgboost", "lightgbm"} == {algorithm}


def test_a_lightgbm_model_answers_what_it_was_evaluated_on(cancer: Sample, tmp_path: Path):
    job = lay_out(tmp_path / "job", cancer.with_training(algorithm="lightgbm"), cancer.batches)
    job.run()
    names = list(cancer.recipe["features"])
    rows = cancer.table.select(names).slice(0, 20)
    endpoint = start(job.paths.base, tmp_path / "socket")
    status, answer = endpoint.ask("POST", "/invocations", json.dumps(rows.to_pylist()).encode())
    endpoint.process.terminate()
    endpoint.process.communicate(timeout=30)
    matrix = np.stack([rows.column(name).to_numpy() for name in names], axis=1).astype(np.float32)
    expected = load_model(job.paths.model).model.predict(matrix)
    assert status == 200
    assert [row["probability"] for row in answer["predictions"]] == pytest.approx(expected[:, 1].tolist(), rel=1e-6)
