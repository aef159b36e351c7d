"""The AWS CLI, in an environment of its own, lists what the kit made."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.repository import Repository
from tests.e2e.clone import Clone
from tests.e2e.own_environment import own_environment
from tests.running_cloud import REGION

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The AWS CLI pins its own botocore, so it cannot share the kit's environment."""
    with own_environment(tmp_path_factory.mktemp("awscli"), "awscli") as commands:
        yield commands / "aws"


@pytest.fixture(scope="module")
def trained(clone: Clone) -> Clone:
    clone.comal("up")
    clone.comal("push", MODEL, str(TacoChain(Repository(clone.root)).week(1)))
    clone.comal("retrain", MODEL, "--reason", "for the AWS CLI")
    return clone


def ask(aws: Path, clone: Clone, *arguments: str) -> Any:
    done = subprocess.run(
        [aws, "--endpoint-url", f"http://127.0.0.1:{clone.port}", "--region", REGION, "--output", "json", *arguments],
        env={"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_lists_the_jobs(aws, trained):
    jobs = ask(aws, trained, "sagemaker", "list-training-jobs")["TrainingJobSummaries"]
    assert {job["TrainingJobStatus"] for job in jobs} == {"Completed"}
    assert all(job["TrainingJobName"].startswith(f"local-{MODEL}-") for job in jobs)


def test_it_describes_the_endpoint(aws, trained):
    endpoint = ask(aws, trained, "sagemaker", "describe-endpoint", "--endpoint-name", f"local-{MODEL}")
    assert endpoint["EndpointStatus"] == "InService"


def test_it_lists_the_packages(aws, trained):
    packages = ask(aws, trained, "sagemaker", "list-model-packages", "--model-package-group-name", f"local-{MODEL}")
    assert packages["ModelPackageSummaryList"]


def test_its_copy_into_the_landing_bucket_is_a_push(aws, trained):
    file = TacoChain(Repository(trained.root)).week(2)
    bucket = trained.json("outputs")["buckets"]["landing"]
    subprocess.run(
        [
            aws,
            "--endpoint-url",
            f"http://127.0.0.1:{trained.port}",
            "s3",
            "cp",
            file,
            f"s3://{bucket}/incoming/{MODEL}/",
        ],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION},
        check=True,
    )
    (batch,) = trained.json("push", MODEL, str(file))
    assert batch["status"] in {"duplicate", "validated"}


def test_it_tells_of_the_alarms_and_their_metrics(aws, trained):
    alarms = ask(aws, trained, "cloudwatch", "describe-alarms", "--alarm-name-prefix", f"local-{MODEL}-")
    assert f"local-{MODEL}-drift" in {alarm["AlarmName"] for alarm in alarms["MetricAlarms"]}
    metrics = ask(aws, trained, "cloudwatch", "list-metrics", "--namespace", "AWS/Lambda")["Metrics"]
    assert {"Errors", "Invocations"} <= {metric["MetricName"] for metric in metrics}
