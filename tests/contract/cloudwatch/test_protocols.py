"""CloudWatch speaks every protocol that SDKs speak to it; real boto3 clients, made to prefer one."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.contract.cloudwatch.conftest import Watched
from tests.running_cloud import REGION

PROTOCOLS = ("json", "smithy-rpc-v2-cbor", "query")


@pytest.fixture(params=PROTOCOLS)
def client(watched: Watched, request: pytest.FixtureRequest) -> Any:
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def load_with_protocol(service: str, *arguments: Any, **options: Any) -> Any:
        model = load(service, *arguments, **options)
        if service == "cloudwatch" and "metadata" in model:
            model = {
                **model,
                "metadata": {**model["metadata"], "protocol": request.param, "protocols": [request.param]},
            }
        return model

    loader.load_service_model = load_with_protocol
    return boto3.Session(botocore_session=session).client(
        "cloudwatch",
        endpoint_url=watched.cloud.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_metrics_go_in_and_come_out(watched: Watched, client: Any) -> None:
    watched.to_the_minute()
    at = datetime.fromtimestamp(watched.now() // 60 * 60, UTC)
    datum = {"MetricName": "sales", "Timestamp": at, "Unit": "Count", "StorageResolution": 1}
    store = [{"Name": "store", "Value": "Nörte & Söhne"}]
    client.put_metric_data(
        Namespace=watched.namespace,
        MetricData=[
            {**datum, "Dimensions": store, "Values": [1.5, 2.0], "Counts": [2.0, 1.0]},
            {**datum, "StatisticValues": {"SampleCount": 2, "Sum": -3, "Minimum": -2, "Maximum": -1}},
        ],
    )
    metric = {"Namespace": watched.namespace, "MetricName": "sales"}
    listed = client.list_metrics(**metric, Dimensions=[{"Name": "store"}])["Metrics"]
    assert listed == [{**metric, "Dimensions": store}]
    queries = [
        {"Id": "all", "MetricStat": {"Metric": {**metric, "Dimensions": store}, "Period": 60, "Stat": "Sum"}},
        {"Id": "none", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "sum", "Expression": "all + none", "Label": "both"},
    ]
    answer = client.get_metric_data(
        MetricDataQueries=queries,
        StartTime=at.timestamp() - 60,
        EndTime=datetime.fromtimestamp(watched.now() + 60, UTC),
    )
    results = {one["Id"]: (one["Label"], one["Timestamps"], one["Values"]) for one in answer["MetricDataResults"]}
    assert results == {"all": ("sales", [at], [5.0]), "sum": ("both", [at], [2.0])}


def test_alarms_are_put_described_and_deleted(watched: Watched, client: Any) -> None:
    alarm = {
        "AlarmName": watched.alarm,
        "Namespace": watched.namespace,
        "MetricName": "sales",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": -0.5,
        "ComparisonOperator": "LessThanThreshold",
        "Dimensions": [{"Name": "store", "Value": "norte"}],
        "AlarmActions": [],
    }
    client.put_metric_alarm(**alarm, ActionsEnabled=False, Tags=[{"Key": "team", "Value": "tacos"}])
    (found,) = client.describe_alarms(AlarmNames=[watched.alarm])["MetricAlarms"]
    assert {name: found[name] for name in alarm} == alarm
    assert found["ActionsEnabled"] is False
    assert abs(found["StateUpdatedTimestamp"].timestamp() - watched.now()) < 60
    assert client.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"] == [{"Key": "team", "Value": "tacos"}]
    client.delete_alarms(AlarmNames=[watched.alarm])
    assert client.describe_alarms(AlarmNames=[watched.alarm]).get("MetricAlarms", []) == []


def test_refusals_have_their_code_and_message(watched: Watched, client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFound, match="does not exist") as refused:
        client.delete_alarms(AlarmNames=[watched.alarm])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(ClientError, match="AWS/EC2"):
        client.put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "x", "Value": 1.0}])


def test_large_requests_come_compressed(watched: Watched, client: Any) -> None:
    """https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html ."""
    encodings = []
    client.meta.events.register(
        "before-send.cloudwatch", lambda request, **_: encodings.append(request.headers.get("Content-Encoding"))
    )
    data = [{"MetricName": "sales", "Value": float(number)} for number in range(400)]
    client.put_metric_data(Namespace=watched.namespace, MetricData=data)
    assert encodings == [b"gzip"]
    now = watched.now()
    answer = client.get_metric_statistics(
        Namespace=watched.namespace,
        MetricName="sales",
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["SampleCount"],
    )
    assert sum(point["SampleCount"] for point in answer["Datapoints"]) == 400


@pytest.mark.parametrize(
    ("path", "headers", "body", "code"),
    [
        ("/", {"content-type": "application/x-www-form-urlencoded"}, b"Version=2010-08-01", "SerializationException"),
        ("/", {"content-type": "application/x-www-form-urlencoded"}, b"Action=Dance", "UnknownOperationException"),
        (
            "/",
            {"content-type": "application/x-www-form-urlencoded"},
            b"Action=DescribeAlarms&MaxRecords=many",
            "SerializationException",
        ),
        ("/service/GraniteServiceVersion20100801/operation/DescribeAlarms", {}, b"\x01", "SerializationException"),
        (
            "/service/GraniteServiceVersion20100801/operation/DescribeAlarms",
            {"content-encoding": "gzip"},
            b"no gzip",
            "SerializationException",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    watched: Watched, path: str, headers: dict[str, str], body: bytes, code: str
) -> None:
    request = AWSRequest("POST", watched.cloud.url + path, headers, body)
    SigV4Auth(Credentials("test", "test"), "monitoring", REGION).add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(request.url, body, dict(request.headers), method="POST"))
    with refused.value as answer:
        assert answer.code == 400
        assert code in answer.read().decode(errors="replace")


def test_a_role_needs_the_right_in_every_protocol(watched: Watched, client: Any) -> None:
    iam = watched.cloud.client("iam")
    name = f"{watched.namespace}-reader"
    principal = {"AWS": "*"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    arn = f"arn:aws:iam::000000000000:role/{name}"
    if name not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    keys = watched.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    client._request_signer._credentials = Credentials(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    )
    with pytest.raises(ClientError, match="cloudwatch:DescribeAlarms"):
        client.describe_alarms()
