"""The SageMaker SDK, in an environment of its own, trains with the kit's container and asks the kit's endpoint."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comal import s3_layout
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import wait_for_endpoint
from comal.cli.repository import Repository
from tests.e2e.clone import Clone
from tests.e2e.own_environment import own_environment
from tests.running_cloud import REGION

pytestmark = pytest.mark.slow


# Without it the SDK tells AWS of every call, from a test as from anywhere.
SDK_DEFAULTS = 'SchemaVersion: "1.0"\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n'


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The SDK brings more than 130 packages: it is not for the kit's environment."""
    with own_environment(tmp_path_factory.mktemp("sdk"), "sagemaker>=3.27,<4") as commands:
        yield commands / "python"


def test_it_trains_the_same_model_and_asks_the_endpoint(python: Path, clone: Clone) -> None:
    chain = TacoChain(Repository(clone.root))
    clone.stack_value("comal:models", f"[{MODEL}]")
    clone.stack_value("comal:components", "[data, training, registry, serving]")
    clone.comal("up")
    clone.comal("push", MODEL, str(chain.week(1)))
    run = clone.json("retrain", MODEL, "--reason", "for the SDK")
    wait_for_endpoint(clone.target, MODEL, run["version"])
    sagemaker, names = clone.client("sagemaker"), clone.target.names
    own = sagemaker.describe_training_job(TrainingJobName=names.training_job(MODEL, run["run_id"]))
    prefix = f"s3://{names.bucket('models')}/{s3_layout.run_prefix(MODEL, run['run_id'])}sdk"
    said = ask(
        python,
        clone,
        {
            "region": REGION,
            "bucket": names.bucket("models"),
            "image": own["AlgorithmSpecification"]["TrainingImage"],
            "role": own["RoleArn"],
            "model": MODEL,
            "run_id": run["run_id"],
            "channels": own["InputDataConfig"],
            "output": prefix,
            "endpoint": names.of_model(MODEL),
            "row": chain.orders(chain.week(1))[0],
        },
    )
    assert said["status"] == "Completed"
    assert lineage_of(clone, said["artifacts"]) == lineage_of(clone, own["ModelArtifacts"]["S3ModelArtifacts"])
    assert said["prediction"]["model_version"] == str(run["version"])
    assert said["prediction"]["predictions"][0]["prediction"] > 0


def lineage_of(clone: Clone, artifacts: str) -> str:
    """Digest of a job's model."""
    from comal.archive import Limits, read_members

    bucket, key = s3_layout.split_uri(artifacts)
    body = clone.client("s3").get_object(Bucket=bucket, Key=key.replace("model.tar.gz", "output.tar.gz"))["Body"]
    content = read_members(body, ("lineage.json",), Limits())["lineage.json"]
    return str(json.loads(content)["artifact_sha256"])


def ask(python: Path, clone: Clone, asked: dict[str, Any]) -> dict[str, Any]:
    defaults = clone.root / ".comal/sagemaker.yaml"
    defaults.write_text(SDK_DEFAULTS)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(clone.root),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{clone.port}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEMAKER_VALIDATE_ROLE": "false",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(defaults),
    }
    script = Path(__file__).with_name("sdk_script.py")
    done = subprocess.run(
        [python, script, json.dumps(asked)], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
