import os
import signal
from pathlib import Path
from typing import Any

from tests.contract.sagemaker.conftest import Setup, refusal, wait_for
from tests.running_cloud import RunningCloud


def test_the_failure_file_becomes_the_reason(setup: Setup) -> None:
    job = setup.await_job(setup.train("fail"))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the column minutes has no number, exit code: 1"


def test_without_a_failure_file_the_last_line_is_the_reason(setup: Setup) -> None:
    job = setup.await_job(setup.train("crash"))
    assert job["FailureReason"] == "AlgorithmError: RuntimeError: unplanned, exit code: 1"


def test_kill_9_of_the_process_fails_the_job_and_names_the_signal(setup: Setup) -> None:
    name = setup.train("sleep")
    os.kill(setup.process_ids(name)["child"], signal.SIGKILL)
    job = setup.await_job(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "killed by signal 9 (SIGKILL), exit code: 137" in job["FailureReason"]
    failed = setup.events(
        lambda heard: any(
            event["detail"].get("TrainingJobName") == name and event["detail"]["TrainingJobStatus"] == "Failed"
            for event in heard
        )
    )
    assert job["FailureReason"] in [event["detail"].get("FailureReason") for event in failed]


def test_kill_9_of_the_supervisor_fails_the_job_and_ends_the_process(setup: Setup) -> None:
    name = setup.train("sleep")
    ids = setup.process_ids(name)
    os.kill(ids["supervisor"], signal.SIGKILL)
    job = setup.await_job(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "supervisor" in job["FailureReason"]
    wait_for(lambda: not is_alive(ids["child"]), "the end of the process")


def test_a_role_without_s3_fails_the_job_and_names_role_and_action(setup: Setup) -> None:
    role = setup.make_role("no-s3", [])
    job = setup.await_job(setup.train(RoleArn=role))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed: AccessDenied (403)")
    assert f'the role "{role}" has "s3:ListBucket" permissions' in job["FailureReason"]


def test_a_role_that_may_not_write_fails_the_job_at_its_upload(setup: Setup) -> None:
    role = setup.make_role("read-only", ["s3:GetObject", "s3:ListBucket"])
    job = setup.await_job(setup.train(RoleArn=role))
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed: AccessDenied (403)")
    assert f'the role "{role}" has "s3:PutObject" permissions' in job["FailureReason"]


def test_a_channel_without_objects_fails_the_job(setup: Setup) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://toys/nothing/here"}
    name = setup.train(InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}])
    reason = setup.await_job(name)["FailureReason"]
    assert 'No S3 objects found under S3 URL "s3://toys/nothing/here"' in reason


def test_an_unknown_image_fails_the_job_and_names_the_known_ones(setup: Setup) -> None:
    algorithm = {"TrainingImage": "elsewhere/image:2", "TrainingInputMode": "File"}
    reason = setup.await_job(setup.train(AlgorithmSpecification=algorithm))["FailureReason"]
    assert reason.startswith("ClientError: Cannot find the image elsewhere/image:2.")
    assert "toy:1" in reason


def test_a_role_that_does_not_trust_sagemaker_is_refused_at_once(setup: Setup) -> None:
    other = setup.make_role("lambda-only", ["s3:*"], service="lambda.amazonaws.com")
    for role in (other, "arn:aws:iam::000000000000:role/nobody"):
        code, message = refusal(setup.sagemaker.create_training_job, **setup.training_request(RoleArn=role))
        assert code == "ValidationException"
        assert message.startswith(f"Could not assume role {role}.")


def test_a_name_is_given_once(setup: Setup) -> None:
    name = setup.train()
    code, message = refusal(setup.sagemaker.create_training_job, **setup.training_request(TrainingJobName=name))
    assert code == "ResourceInUse"
    assert "a training job with this name already exists" in message
    setup.await_job(name)


def test_only_a_running_job_can_be_stopped_and_only_an_ended_one_deleted(setup: Setup) -> None:
    name = setup.train("sleep")
    assert refusal(setup.sagemaker.delete_training_job, TrainingJobName=name)[0] == "ResourceInUse"
    setup.sagemaker.stop_training_job(TrainingJobName=name)
    setup.await_job(name)
    code, message = refusal(setup.sagemaker.stop_training_job, TrainingJobName=name)
    assert code == "ValidationException"
    assert message == "The request was rejected because the training job is in status Stopped."


def test_a_caller_needs_iams_leave(setup: Setup) -> None:
    role = setup.make_role("outsider", ["sagemaker:ListTrainingJobs"], service="*")
    caller = signed_in_as(setup.cloud, role)
    assert caller.list_training_jobs(MaxResults=1)["TrainingJobSummaries"]
    code, message = refusal(caller.describe_training_job, TrainingJobName="any")
    assert code == "AccessDeniedException"
    assert "sagemaker:DescribeTrainingJob" in message
    assert "training-job/any" in message


def signed_in_as(cloud: RunningCloud, role_arn: str) -> Any:
    user = cloud.client("iam")
    user.update_assume_role_policy(
        RoleName=role_arn.rsplit("/", 1)[-1],
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, '
        '"Action": "sts:AssumeRole"}]}',
    )
    session = cloud.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="outsider")["Credentials"]
    return cloud.client("sagemaker", session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"
