"""Data capture over HTTP, from AWS's description of it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sagemaker.conftest import Setup, refusal, start_toy_cloud, wait_for
from tests.contract.sagemaker.toy_endpoints import (
    await_endpoint,
    delete_endpoint,
    invoke,
    make_config,
    make_endpoint,
)
from tests.running_cloud import stop_cloud

FLUSH_S = 10.0


def capture(setup: Setup, prefix: str, **changes: Any) -> dict[str, Any]:
    config: dict[str, Any] = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{setup.bucket}/{prefix}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    return config | changes


def captured(setup: Setup, prefix: str) -> list[dict[str, Any]]:
    """All lines of all files below a prefix."""
    records = []
    for found in setup.s3.list_objects_v2(Bucket=setup.bucket, Prefix=prefix).get("Contents", []):
        body = setup.s3.get_object(Bucket=setup.bucket, Key=found["Key"])["Body"].read()
        records += [json.loads(line) for line in body.splitlines()]
    return records


def await_captured(setup: Setup, prefix: str, count: int, *, in_real_time: bool = False) -> list[dict[str, Any]]:
    if not in_real_time:
        setup.cloud.advance(FLUSH_S)
    found: list[dict[str, Any]] = wait_for(
        lambda: records if len(records := captured(setup, prefix)) >= count else None, f"{count} captured calls"
    )
    return found


def data_of(record: dict[str, Any], side: str) -> str:
    text: str = record["captureData"][side]["data"]
    return text


@pytest.fixture(scope="module")
def endpoint(setup: Setup) -> Iterator[str]:
    name = make_endpoint(setup, make_config(setup, capture=capture(setup, "kept/all/")))
    await_endpoint(setup, name)
    yield name
    delete_endpoint(setup, name)


def test_a_call_is_written_as_aws_writes_it(setup: Setup, endpoint: str) -> None:
    before = int(setup.cloud.now())
    answer = setup.runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=b"1,2\n",
        ContentType="text/csv; charset=utf-8",
        InferenceId="order-7",
        CustomAttributes="trace=7",
    )["Body"].read()
    (record,) = await_captured(setup, f"kept/all/{endpoint}/", 1, in_real_time=True)
    assert record["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv; charset=utf-8",
            "mode": "INPUT",
            "data": "1,2\n",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": answer.decode(),
            "encoding": "JSON",
        },
    }
    metadata = record["eventMetadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["eventId"])
    assert metadata["inferenceId"] == "order-7"
    assert metadata["customAttributes"] == ["trace=7"]
    assert before <= datetime.fromisoformat(metadata["inferenceTime"]).timestamp() <= setup.cloud.now()
    assert record["eventVersion"] == "0"
    (found,) = setup.s3.list_objects_v2(Bucket=setup.bucket, Prefix=f"kept/all/{endpoint}/")["Contents"]
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(rf"kept/all/{endpoint}/AllTraffic/\d{{4}}/\d\d/\d\d/\d\d/{uuid}\.jsonl", found["Key"])


def test_the_endpoint_says_what_it_captures(setup: Setup, endpoint: str) -> None:
    assert setup.sagemaker.describe_endpoint(EndpointName=endpoint)["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{setup.bucket}/kept/all/",
    }


def test_a_content_type_that_is_not_listed_is_written_in_base64_and_failed_calls_are_not_written(
    setup: Setup,
) -> None:
    config = make_config(setup, capture=capture(setup, "kept/base64", CaptureOptions=[{"CaptureMode": "Input"}]))
    name = make_endpoint(setup, config)
    await_endpoint(setup, name)
    refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=b"bad")
    refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=b"broken")
    invoke(setup, name, b"\xff\x00", ContentType="application/x-numbers")
    invoke(setup, name, b"\xff", ContentType="text/csv")
    records = await_captured(setup, "kept/base64/", 2)
    assert [list(record["captureData"]) for record in records] == [["endpointInput"]] * 2
    sides = [record["captureData"]["endpointInput"] for record in records]
    assert [side["encoding"] for side in sides] == ["BASE64", "BASE64"]
    assert [base64.b64decode(side["data"]) for side in sides] == [b"\xff\x00", b"\xff"]
    delete_endpoint(setup, name)


def test_an_update_changes_what_is_captured(setup: Setup) -> None:
    name = make_endpoint(setup, make_config(setup))
    assert "DataCaptureConfig" not in await_endpoint(setup, name)
    invoke(setup, name, b"before")
    everything = make_config(setup, capture=capture(setup, "kept/updated"))
    setup.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=everything)
    assert await_endpoint(setup, name)["DataCaptureConfig"]["CaptureStatus"] == "Started"
    invoke(setup, name, b"between", ContentType="text/csv")
    off = make_config(setup, capture=capture(setup, "kept/updated", EnableCapture=False))
    setup.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=off)
    assert await_endpoint(setup, name)["DataCaptureConfig"]["CaptureStatus"] == "Stopped"
    invoke(setup, name, b"after", ContentType="text/csv")
    (record,) = await_captured(setup, "kept/updated/", 1)
    assert data_of(record, "endpointInput") == "between"
    delete_endpoint(setup, name)


def test_a_share_of_the_calls_is_kept(setup: Setup) -> None:
    config = make_config(setup, capture=capture(setup, "kept/half", InitialSamplingPercentage=50))
    name = make_endpoint(setup, config)
    await_endpoint(setup, name)
    for _ in range(200):
        invoke(setup, name, b"x", ContentType="text/csv")
    invoke_all_kept = make_config(setup, capture=capture(setup, "kept/half-end"))
    setup.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=invoke_all_kept)
    await_endpoint(setup, name)
    invoke(setup, name, b"last", ContentType="text/csv")
    await_captured(setup, "kept/half-end/", 1)
    # Seven standard deviations of a fair coin.
    assert 50 < len(captured(setup, "kept/half/")) < 150
    delete_endpoint(setup, name)


def test_files_are_written_as_the_endpoints_role(setup: Setup) -> None:
    iam = setup.cloud.client("iam")
    role = setup.make_role("capture-denied", ["s3:*"])
    name = make_endpoint(setup, make_config(setup, capture=capture(setup, "kept/denied"), role=role))
    await_endpoint(setup, name)
    denied = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    iam.put_role_policy(RoleName="capture-denied", PolicyName="denied", PolicyDocument=policy)
    invoke(setup, name, b"1", ContentType="text/csv")
    setup.cloud.advance(FLUSH_S)
    log = setup.cloud.state_dir / "cloud.log"
    wait_for(lambda: "kept/denied" in log.read_text() and "AccessDenied" in log.read_text(), "the refusal in the log")
    assert captured(setup, "kept/denied/") == []
    iam.delete_role_policy(RoleName="capture-denied", PolicyName="denied")
    await_captured(setup, "kept/denied/", 1)
    delete_endpoint(setup, name)


def test_a_serverless_endpoint_captures_nothing(setup: Setup) -> None:
    serverless = {"AllTraffic": {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 2}}}
    code, message = refusal(make_config, setup=setup, variants=serverless, capture=capture(setup, "kept/serverless"))
    assert code == "ValidationException"
    assert "serverless" in message


def test_an_advance_of_the_clock_takes_captured_calls_to_s3_in_the_hour_they_were_made(tmp_path: Path) -> None:
    cloud = start_toy_cloud(tmp_path)
    try:
        setup = Setup(cloud)
        setup.create()
        name = make_endpoint(setup, make_config(setup, capture=capture(setup, "kept/clock")))
        await_endpoint(setup, name)
        for _ in range(2):
            invoke(setup, name, b"1", ContentType="text/csv")
            cloud.advance(3600)
        records = captured(setup, "kept/clock/")
        first, second = sorted(datetime.fromisoformat(record["eventMetadata"]["inferenceTime"]) for record in records)
        assert 3590 < (second - first).total_seconds() < 3660
    finally:
        stop_cloud(cloud)


def test_what_a_stopped_or_killed_cloud_had_collected_is_sent_by_the_next(tmp_path: Path) -> None:
    cloud = start_toy_cloud(tmp_path)
    setup = Setup(cloud)
    setup.create()
    name = make_endpoint(setup, make_config(setup, capture=capture(setup, "kept/survivors")))
    await_endpoint(setup, name)
    invoke(setup, name, b"stopped", ContentType="text/csv")
    stop_cloud(cloud)

    cloud = start_toy_cloud(tmp_path, cloud.port)
    setup = Setup(cloud)
    assert data_of(await_captured(setup, "kept/survivors/", 1)[0], "endpointInput") == "stopped"
    spool = tmp_path / "sagemaker/capture"
    invoke(setup, name, b"killed", ContentType="text/csv")
    wait_for(lambda: any(path.read_bytes().count(b"\n") == 2 for path in spool.iterdir()), "a spool file with the call")
    os.kill(cloud.process.pid, signal.SIGKILL)
    cloud.process.wait()
    with next(spool.iterdir()).open("ab") as file:
        file.write(b'{"captureData": {"endp')  # the kill came in mid-write

    cloud = start_toy_cloud(tmp_path, cloud.port)
    try:
        setup = Setup(cloud)
        records = await_captured(setup, "kept/survivors/", 2)
        assert sorted(data_of(record, "endpointInput") for record in records) == ["killed", "stopped"]
        wait_for(lambda: not any(spool.iterdir()), "an empty spool")
    finally:
        stop_cloud(cloud)
