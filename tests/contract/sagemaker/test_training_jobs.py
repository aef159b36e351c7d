import io
import json
import tarfile
from typing import Any

from tests.contract.sagemaker.conftest import TOY_IMAGE, Setup, wait_for
from tests.running_cloud import find_free_port


def read_archive(setup: Setup, uri: str) -> dict[str, bytes]:
    body = setup.s3.get_object(Bucket=setup.bucket, Key=uri.removeprefix(f"s3://{setup.bucket}/"))["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


def read_report(setup: Setup, job: dict[str, Any]) -> dict[str, Any]:
    uri = job["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", "output.tar.gz")
    report: dict[str, Any] = json.loads(read_archive(setup, uri)["report.json"])
    return report


def test_a_job_runs_the_container_by_the_training_contract(setup: Setup) -> None:
    name = setup.train()
    job = setup.await_job(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://toys/out/{name}/output/model.tar.gz"
    assert read_archive(setup, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"model.json": b'{"answer": 42}'}
    report = read_report(setup, job)
    assert report["inputs"] == {"train/a.csv": "1,2", "train/deep/b.csv": "3,4"}
    assert report["hyperparameters"] == {"deed": "succeed"}
    assert report["config"]["inputdataconfig"]["train"]["TrainingInputMode"] == "File"
    assert report["config"]["resourceconfig"]["hosts"] == ["algo-1"]


def test_a_job_is_told_its_name_paths_and_its_roles_session(setup: Setup) -> None:
    name = setup.train(Environment={"MINE": "yes"})
    environment = read_report(setup, setup.await_job(name))["environment"]
    assert environment["TRAINING_JOB_NAME"] == name
    assert environment["TRAINING_JOB_ARN"].endswith(f":training-job/{name}")
    assert environment["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert environment["SM_HP_DEED"] == "succeed"
    assert environment["MINE"] == "yes"
    assert environment["AWS_ENDPOINT_URL"] == setup.cloud.url
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    session = {
        "access_key": environment["AWS_ACCESS_KEY_ID"],
        "secret_key": environment["AWS_SECRET_ACCESS_KEY"],
        "token": environment["AWS_SESSION_TOKEN"],
    }
    identity = setup.cloud.client("sts", **session).get_caller_identity()
    assert ":assumed-role/toy/" in identity["Arn"]


def test_a_manifest_channel_keeps_the_paths_below_its_prefix(setup: Setup) -> None:
    manifest = json.dumps([{"prefix": "s3://toys/data/"}, "train/deep/b.csv"]).encode()
    setup.s3.put_object(Bucket=setup.bucket, Key="manifests/one", Body=manifest)
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://toys/manifests/one"}
    job = setup.await_job(
        setup.train(InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}])
    )
    assert read_report(setup, job)["inputs"]["train/train/deep/b.csv"] == "3,4"


def test_a_channel_may_name_one_object(setup: Setup) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://toys/data/train/deep/b.csv"}
    job = setup.await_job(
        setup.train(InputDataConfig=[{"ChannelName": "champion", "DataSource": {"S3DataSource": source}}])
    )
    assert read_report(setup, job)["inputs"] == {"champion/b.csv": "3,4"}


def test_checkpoints_come_from_s3_and_go_back(setup: Setup) -> None:
    setup.s3.put_object(Bucket=setup.bucket, Key="checkpoints/step-1", Body=b"one")
    job = setup.await_job(setup.train(CheckpointConfig={"S3Uri": "s3://toys/checkpoints"}))
    assert read_report(setup, job)["checkpoints"] == ["step-1"]
    assert setup.s3.get_object(Bucket=setup.bucket, Key="checkpoints/step-2")["Body"].read() == b"two"


def with_hosts(setup: Setup, deed: str, count: int) -> str:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 5}
    hyperparameters = {"deed": deed, "port": str(find_free_port())}
    request = setup.training_request(ResourceConfig=resources, HyperParameters=hyperparameters)
    setup.sagemaker.create_training_job(**request)
    return str(request["TrainingJobName"])


def test_the_hosts_of_a_job_find_each_other_by_name_and_leave_one_model(setup: Setup) -> None:
    name = with_hosts(setup, "meet", 3)
    job = setup.await_job(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    files = read_archive(setup, job["ModelArtifacts"]["S3ModelArtifacts"])
    assert files == {"model.json": b'{"answer": 42}', "algo-2.txt": b"algo-2", "algo-3.txt": b"algo-3"}
    report = read_report(setup, job)
    assert report["config"]["resourceconfig"]["current_host"] == "algo-1"
    assert report["config"]["resourceconfig"]["hosts"] == ["algo-1", "algo-2", "algo-3"]
    assert report["environment"]["SM_HOSTS"] == '["algo-1", "algo-2", "algo-3"]'
    streams = setup.cloud.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
    )["logStreams"]
    assert [stream["logStreamName"].split("/")[1][:6] for stream in streams] == ["algo-1", "algo-2", "algo-3"]


def test_a_host_that_dies_fails_the_job_with_what_the_others_say_of_it(setup: Setup) -> None:
    job = setup.await_job(with_hosts(setup, "meet_and_die", 2))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == (
        "Failed",
        "AlgorithmError: a host has gone, exit code: 137",
    )


def test_stopping_a_job_stops_each_of_its_hosts(setup: Setup) -> None:
    name = with_hosts(setup, "sleep", 2)
    setup.await_job(name, "Training")
    wait_for(lambda: len(list(setup.cloud.state_dir.rglob(f"*{name}*/**/process.json"))) == 2, "both processes")
    setup.sagemaker.stop_training_job(TrainingJobName=name)
    assert setup.await_job(name)["SecondaryStatus"] == "Stopped"


SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
    "CheckpointConfig": {"S3Uri": "s3://toys/spot"},
}


def test_a_spot_job_that_is_interrupted_begins_again_with_its_checkpoints(setup: Setup) -> None:
    job = setup.await_job(setup.train("lose_capacity_once", **SPOT))
    assert job["TrainingJobStatus"] == "Completed"
    assert read_report(setup, job)["checkpoints"] == ["step-1"]
    states = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    again = ["Starting", "Downloading", "Training"]
    assert states == [*again, "Interrupted", *again, "Uploading", "Completed"]


def test_a_spot_job_waits_for_capacity_as_long_as_it_may(setup: Setup) -> None:
    waits = {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}}
    job = setup.await_job(setup.train("lose_capacity_always", **waits))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_the_last_value_of_each_metric_is_its_final_one(setup: Setup) -> None:
    job = setup.await_job(setup.train())
    assert [(metric["MetricName"], metric["Value"]) for metric in job["FinalMetricDataList"]] == [("rmse", 1.25)]


def test_a_job_passes_through_awss_states_with_times(setup: Setup) -> None:
    job = setup.await_job(setup.train())
    transitions = job["SecondaryStatusTransitions"]
    states = ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert [transition["Status"] for transition in transitions] == states
    assert all(transition["EndTime"] >= transition["StartTime"] for transition in transitions)
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= job["LastModifiedTime"]
    assert job["BillableTimeInSeconds"] >= 1


def test_every_state_is_an_event_in_awss_shape(setup: Setup) -> None:
    name = setup.train()

    def of_job(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [event for event in heard if event["detail"].get("TrainingJobName") == name]

    heard = of_job(setup.events(lambda events: len(of_job(events)) == 5))
    assert [event["detail"]["SecondaryStatus"] for event in heard][-1] == "Completed"
    last = heard[-1]
    assert last["detail-type"] == "SageMaker Training Job State Change"
    assert last["resources"] == [last["detail"]["TrainingJobArn"]]
    assert last["detail"]["Tags"] == {"team": "toys"}
    assert last["detail"]["TrainingEndTime"].isdigit()
    assert len(last["detail"]["TrainingEndTime"]) == 13


def test_what_the_container_prints_is_in_cloudwatch_logs(setup: Setup) -> None:
    name = setup.train()
    setup.await_job(name)
    logs = setup.cloud.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/algo-1-")["logStreams"]
    assert len(streams) == 1
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
    assert [event["message"] for event in events] == ["deed succeed metric rmse=9.5", "metric rmse=1.25", "é finished"]


def test_logs_arrive_while_the_job_runs(setup: Setup) -> None:
    name = setup.train("sleep")
    logs = setup.cloud.client("logs")

    def printed() -> bool:
        found = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name)
        return any("deed sleep" in event["message"] for event in found["events"])

    wait_for(printed, "the first line")
    assert setup.job(name)["TrainingJobStatus"] == "InProgress"
    setup.sagemaker.stop_training_job(TrainingJobName=name)


def test_a_stopped_job_keeps_what_it_has(setup: Setup) -> None:
    name = setup.train("sleep")
    setup.process_ids(name)
    wait_for(lambda: setup.job(name)["SecondaryStatus"] == "Training", "training")
    setup.sagemaker.stop_training_job(TrainingJobName=name)
    job = setup.await_job(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")


def test_a_job_over_its_time_is_stopped_and_says_so(setup: Setup) -> None:
    job = setup.await_job(setup.train("sleep", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert read_archive(setup, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"partial.txt": b"half"}


def test_the_request_may_name_its_own_entry_point(setup: Setup) -> None:
    algorithm = {
        "TrainingImage": TOY_IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["sh", "-c"],
        "ContainerArguments": ["echo hi > /opt/ml/model/said; test $(id -u) = 0"],
    }
    job = setup.await_job(setup.train(AlgorithmSpecification=algorithm))
    assert read_archive(setup, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"said": b"hi\n"}


def test_an_ended_job_can_be_deleted(setup: Setup) -> None:
    name = setup.train()
    setup.await_job(name)
    setup.sagemaker.delete_training_job(TrainingJobName=name)
    listed = setup.sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
    assert listed == []
