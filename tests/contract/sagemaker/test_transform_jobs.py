"""Transform jobs by AWS's documentation: each expectation names its page.

GUIDE is https://docs.aws.amazon.com/sagemaker/latest/dg, API https://docs.aws.amazon.com/sagemaker/latest/APIReference.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sagemaker.conftest import Setup, refusal, wait_for
from tests.contract.sagemaker.toy_transforms import ToyTransforms

SINGLE = {"BatchStrategy": "SingleRecord"}


@pytest.fixture
def toys(setup: Setup) -> ToyTransforms:
    return ToyTransforms(setup)


@pytest.mark.parametrize(
    ("split", "assemble", "strategy", "expected"),
    [
        ("None", "None", "MultiRecord", b"pa\npb\npc"),
        ("None", "Line", "MultiRecord", b"pa\npb\npc\n"),
        ("Line", "None", "MultiRecord", b"pa\npb\npc"),
        ("Line", "Line", "MultiRecord", b"pa\npb\npc\n"),
        ("Line", "None", "SingleRecord", b"papbpc"),
        ("Line", "Line", "SingleRecord", b"pa\npb\npc\n"),
    ],
)
def test_answers_are_assembled_in_the_order_of_the_records(
    toys: ToyTransforms, split: str, assemble: str, strategy: str, expected: bytes
) -> None:
    """API_TransformInput (SplitType), API_TransformOutput (AssembleWith): None concatenates, Line ends each answer."""
    toys.put(rows=b"a\nb\nc\n")
    job = toys.run(split=split, assemble=assemble, BatchStrategy=strategy)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert toys.outputs() == {"rows.csv.out": expected}


def test_mini_batches_fit_the_largest_payload_and_keep_to_their_file(toys: ToyTransforms, tmp_path: Path) -> None:
    """GUIDE/batch-transform.html: mini-batches of different input files are not combined."""
    line = b"x" * 99_999 + b"\n"
    toys.put(first=line * 33, second=line)
    job = toys.run(MaxPayloadInMB=1, env={"TOY_LOG": str(tmp_path / "requests")})
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert [int(rows) for rows in (tmp_path / "requests").read_text().split()] == [10, 10, 10, 3, 1]
    assert {key: len(body.splitlines()) for key, body in toys.outputs().items()} == {
        "first.csv.out": 33,
        "second.csv.out": 1,
    }


def test_every_object_below_the_prefix_has_an_output_in_the_same_subfolder(toys: ToyTransforms) -> None:
    """API_TransformOutput (S3OutputPath): "with an .out suffix in a corresponding subfolder"."""
    toys.put(a=b"1\n", deep__b=b"2\n", deep__er__c=b"3\n")
    toys.run()
    assert toys.outputs() == {"a.csv.out": b"p1\n", "deep/b.csv.out": b"p2\n", "deep/er/c.csv.out": b"p3\n"}


def test_one_object_may_be_the_prefix(toys: ToyTransforms) -> None:
    """API_TransformS3DataSource (S3Uri): all objects with the prefix."""
    toys.put(a=b"1\n", b=b"2\n")
    toys.run(prefix=f"{toys.root}b.csv")
    assert toys.outputs() == {"b.csv.out": b"p2\n"}


def test_a_manifest_names_the_objects(toys: ToyTransforms) -> None:
    """API_TransformS3DataSource (ManifestFile)."""
    toys.put(a=b"1\n", deep__b=b"2\n", deep__c=b"3\n")
    manifest = [{"prefix": f"s3://{toys.setup.bucket}/{toys.root}"}, "deep/c.csv", "a.csv"]
    key = f"{toys.name}/manifest"
    toys.setup.s3.put_object(Bucket=toys.setup.bucket, Key=key, Body=json.dumps(manifest).encode())
    request = toys.request()
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{toys.setup.bucket}/{key}"}
    request["TransformInput"]["DataSource"]["S3DataSource"] = source
    toys.setup.sagemaker.create_transform_job(**request)
    assert toys.ended(request["TransformJobName"])["TransformJobStatus"] == "Completed"
    assert toys.outputs() == {"a.csv.out": b"p1\n", "deep/c.csv.out": b"p3\n"}


def test_an_empty_file_has_an_empty_output(toys: ToyTransforms) -> None:
    """GUIDE/batch-transform.html: all of its records were processed; there are none."""
    toys.put(empty=b"", rows=b"a\n")
    assert toys.run()["TransformJobStatus"] == "Completed"
    assert toys.outputs() == {"empty.csv.out": b"", "rows.csv.out": b"pa\n"}


def test_files_are_shared_out_over_the_instances(toys: ToyTransforms) -> None:
    """GUIDE/batch-transform.html: "one instance might process input1.csv, and another [...] input2.csv"."""
    toys.put(**{f"file{number}": b"who\n" for number in range(4)})
    assert toys.run(instances=2, env={"TOY_LINE_S": "0.3"})["TransformJobStatus"] == "Completed"
    found = toys.outputs()
    assert len(found) == 4
    assert len(set(found.values())) == 2


@pytest.mark.parametrize("where", ["in the request", "in /execution-parameters"])
def test_so_many_requests_are_under_way_as_is_said(toys: ToyTransforms, where: str) -> None:
    """API_CreateTransformJob (MaxConcurrentTransforms); the toy answers three at once, or none."""
    rows = [b"%d" % row for row in range(12)]
    toys.put(rows=b"\n".join(rows))
    wanted: dict[str, Any] = {"MaxConcurrentTransforms": 3, "MaxPayloadInMB": 1, **SINGLE}
    env = {"TOY_TOGETHER": "3"}
    if where == "in /execution-parameters":
        suggested = {"MaxConcurrentTransforms": 3, "MaxPayloadInMB": 1, "BatchStrategy": "SINGLE_RECORD"}
        wanted, env = {}, env | {"TOY_PARAMETERS": json.dumps(suggested)}
    job = toys.run(**wanted, env=env)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert toys.outputs()["rows.csv.out"].splitlines() == [b"p" + row for row in rows]


def test_files_that_are_one_request_each_are_under_way_together_too(toys: ToyTransforms) -> None:
    """API_CreateTransformJob (MaxConcurrentTransforms): parallel requests at each instance, of whatever file."""
    toys.put(a=b"1\n", b=b"2\n")
    assert (
        toys.run(split="None", MaxConcurrentTransforms=2, env={"TOY_TOGETHER": "2"})["TransformJobStatus"]
        == "Completed"
    )


def test_what_the_request_says_counts_before_the_execution_parameters(toys: ToyTransforms, tmp_path: Path) -> None:
    """GUIDE/your-algorithms-batch-code.html: the order of precedence."""
    toys.put(rows=b"a\nb\nc\n")
    suggested = {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
    env = {"TOY_PARAMETERS": json.dumps(suggested), "TOY_LOG": str(tmp_path / "requests")}
    assert toys.run(BatchStrategy="MultiRecord", env=env)["TransformJobStatus"] == "Completed"
    assert (tmp_path / "requests").read_text() == "3\n"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, {}),
        (
            {"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 5, "BatchStrategy": "SingleRecord"},
            {
                "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
                "SAGEMAKER_MAX_PAYLOAD_IN_MB": "5",
                "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
            },
        ),
    ],
)
def test_the_container_is_told_what_the_request_says(
    toys: ToyTransforms, asked: dict[str, Any], told: dict[str, str]
) -> None:
    """GUIDE/your-algorithms-batch-code.html: "If the user doesn't set values for them, they aren't passed"."""
    toys.put(rows=b"told\n")
    toys.run(**asked)
    (said,) = toys.outputs().values()
    types = {"content-type": "text/csv", "accept": "text/csv"}
    assert json.loads(said) == {"SAGEMAKER_BATCH": "true", **types, **told}


def test_an_id_stays_out_of_the_request_and_is_joined_to_the_answer(toys: ToyTransforms) -> None:
    """GUIDE/batch-transform-data-processing.html: the example with an ID column."""
    toys.put(rows=b"7,a\n8,b\n")
    job = toys.run(DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"})
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert toys.outputs() == {"rows.csv.out": b"7,pa\n8,pb\n"}


def test_a_bad_record_costs_its_file_and_the_others_are_useable(toys: ToyTransforms) -> None:
    """GUIDE/batch-transform.html, "Batch Transform Errors"."""
    toys.put(a=b"1\n", b=b"1\nbad\n2\n", c=b"2\n")
    job = toys.run(**SINGLE)
    assert job["TransformJobStatus"] == "Failed"
    assert "ClientError: See job logs for more information" in job["FailureReason"]
    assert "Status 422: no such column" in job["FailureReason"]
    assert toys.outputs() == {"a.csv.out": b"p1\n", "c.csv.out": b"p2\n"}


def test_a_record_beyond_the_largest_payload_fails_the_job(toys: ToyTransforms) -> None:
    """GUIDE/batch-transform.html: "Exceeding the MaxPayloadInMB limit causes an error"."""
    toys.put(rows=b"x" * (1024 * 1024 + 1))
    job = toys.run(MaxPayloadInMB=1)
    assert (job["TransformJobStatus"], toys.outputs()) == ("Failed", {})
    assert "longer than MaxPayloadInMB (1)" in job["FailureReason"]


def test_a_container_that_ends_during_each_request_fails_the_job(toys: ToyTransforms) -> None:
    """API_ModelClientConfig (InvocationsMaxRetries)."""
    toys.put(rows=b"die\n")
    job = toys.run(ModelClientConfig={"InvocationsMaxRetries": 1})
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: The container ended during each of its requests."


def test_input_that_is_not_there_fails_the_job(toys: ToyTransforms) -> None:
    """https://repost.aws/knowledge-center/sagemaker-s3-accessdenied-training"""
    job = toys.run(prefix="nowhere/")
    assert job["TransformJobStatus"] == "Failed"
    assert 'No S3 objects found under S3 URL "s3://toys/nowhere/"' in job["FailureReason"]


def test_a_role_that_may_not_write_fails_the_job(toys: ToyTransforms) -> None:
    """GUIDE/sagemaker-roles.html: a job acts with its model's role."""
    setup, name = toys.setup, f"{toys.name}-reads"
    model = setup.sagemaker.describe_model(ModelName=toys.name)
    role = setup.make_role(name, ["s3:GetObject", "s3:ListBucket"])
    setup.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=model["PrimaryContainer"])
    toys.put(rows=b"a\n")
    job = toys.run(ModelName=name)
    assert (job["TransformJobStatus"], toys.outputs()) == ("Failed", {})
    assert "AccessDenied" in job["FailureReason"]
    assert '"s3:PutObject"' in job["FailureReason"]


def test_a_job_that_is_stopped_stores_nothing(toys: ToyTransforms) -> None:
    """API_StopTransformJob: Stopping, then Stopped, and no output in S3."""
    toys.put(done=b"a\n", long=b"a\n" * 200)
    name = toys.start(**SINGLE, env={"TOY_LINE_S": "0.02"})
    toys.setup.sagemaker.stop_transform_job(TransformJobName=name)
    job = toys.ended(name)
    assert job["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    assert toys.outputs() == {}
    code, message = refusal(toys.setup.sagemaker.stop_transform_job, TransformJobName=name)
    assert (code, "in status Stopped" in message) == ("ValidationException", True)


def test_a_job_is_described_as_it_was_asked_for(toys: ToyTransforms) -> None:
    """API_DescribeTransformJob."""
    toys.put(rows=b"a\n")
    asked = toys.request(
        MaxConcurrentTransforms=2, MaxPayloadInMB=5, ModelClientConfig={"InvocationsMaxRetries": 1}, env={"MINE": "1"}
    )
    arn = toys.setup.sagemaker.create_transform_job(**asked)["TransformJobArn"]
    job = toys.ended(asked["TransformJobName"])
    assert arn == job["TransformJobArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:transform-job/{asked['TransformJobName']}"
    tags = asked.pop("Tags")
    assert {name: job[name] for name in asked} == asked
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    assert toys.setup.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags


def test_jobs_are_listed_by_name_and_status(toys: ToyTransforms) -> None:
    """API_ListTransformJobs, API_TransformJobSummary."""
    toys.put(good=b"a\n", bad=b"bad\n")
    good, bad = (toys.run(prefix=f"{toys.root}{name}")["TransformJobName"] for name in ("good", "bad"))
    listed = toys.setup.sagemaker.list_transform_jobs(NameContains=toys.name)["TransformJobSummaries"]
    assert [job["TransformJobName"] for job in listed] == [good, bad]
    told = {"CreationTime", "LastModifiedTime", "TransformEndTime", "TransformJobArn", "TransformJobName"}
    assert listed[0].keys() == told | {"TransformJobStatus"}
    assert listed[1].keys() == told | {"TransformJobStatus", "FailureReason"}
    failed = toys.setup.sagemaker.list_transform_jobs(NameContains=toys.name, StatusEquals="Failed")
    assert [job["TransformJobName"] for job in failed["TransformJobSummaries"]] == [bad]


def test_every_change_of_status_is_an_event(toys: ToyTransforms) -> None:
    """GUIDE/automating-sagemaker-with-eventbridge.html, "SageMaker Transform Job State Change"."""
    toys.put(rows=b"a\n")
    name = toys.start()
    heard = toys.setup.events(lambda events: any(_is_end(event, name) for event in events))
    told = [event for event in heard if event["detail"].get("TransformJobName") == name]
    assert [event["detail"]["TransformJobStatus"] for event in told] == ["InProgress", "Completed"]
    end = told[-1]
    assert (end["source"], end["detail-type"]) == ("aws.sagemaker", "SageMaker Transform Job State Change")
    assert end["resources"] == [end["detail"]["TransformJobArn"]]
    assert end["detail"]["Tags"] == {"team": "toys"}
    assert end["detail"]["TransformEndTime"].endswith("Z")


def _is_end(event: dict[str, Any], name: str) -> bool:
    detail = event["detail"]
    return detail.get("TransformJobName") == name and detail["TransformJobStatus"] == "Completed"


def test_what_the_container_prints_goes_to_a_stream_of_the_jobs_name(toys: ToyTransforms) -> None:
    """GUIDE/logging-cloudwatch.html: /aws/sagemaker/TransformJobs, [transform-job-name]/[instance-id]-…"""
    toys.put(rows=b"a\n")
    name = toys.run()["TransformJobName"]
    logs, group = toys.setup.cloud.client("logs"), {"logGroupName": "/aws/sagemaker/TransformJobs"}
    streams = wait_for(
        lambda: logs.describe_log_streams(**group, logStreamNamePrefix=f"{name}/")["logStreams"], "a log stream"
    )
    read = logs.get_log_events(**group, logStreamName=streams[0]["logStreamName"])
    assert read["events"][0]["message"] == "the transformer starts"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"ModelName": "nobody"}, "ValidationException", "Could not find model"),
        ({"split": "RecordIO"}, "ValidationException", "RecordIO is not done on this machine"),
        ({"MaxConcurrentTransforms": 17}, "ValidationException", "must not exceed 100 MB"),
        ({"MaxPayloadInMB": 0}, "ValidationException", "not done on this machine"),
        ({"DataProcessing": {"InputFilter": "$..id"}}, "ValidationException", "is not supported"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "types": "image/png"},
            "ValidationException",
            "DataProcessing needs",
        ),
        ({"BatchStrategy": "Some"}, "ValidationException", "enum"),
    ],
)
def test_what_cannot_be_is_refused(toys: ToyTransforms, changes: dict[str, Any], code: str, said: str) -> None:
    """API_CreateTransformJob; what only this machine does not do says so."""
    found, message = refusal(toys.setup.sagemaker.create_transform_job, **toys.request(**changes))
    assert (found, said in message) == (code, True), message


def test_a_taken_name_is_refused(toys: ToyTransforms) -> None:
    """API_CreateTransformJob (Errors): ResourceInUse."""
    toys.put(rows=b"a\n")
    name = toys.run()["TransformJobName"]
    code, message = refusal(toys.setup.sagemaker.create_transform_job, **toys.request(TransformJobName=name))
    assert code == "ResourceInUse"
    assert "already exists" in message
