"""How functions run: with their layer and their role, and with nothing of the emulator's."""

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.localcloud.resources import create_function, create_role, make_zip, wait_for
from tests.running_cloud import RunningCloud


def invoke(cloud: RunningCloud, name: str, event: Any = None) -> Any:
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload


def publish_layer(cloud: RunningCloud, name: str, files: dict[str, str]) -> str:
    layer = cloud.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": make_zip(files)})
    arn: str = layer["LayerVersionArn"]
    return arn


def layer_trees(cloud: RunningCloud) -> list[Path]:
    return list((cloud.state_dir / "layers" / "tree").iterdir())


def test_a_layer_is_unpacked_once_and_shared_by_all_workers(cloud: RunningCloud) -> None:
    layer = publish_layer(cloud, "shared", {"python/in_layer.py": "where = __file__", "python/boto3.py": "mine = True"})
    code = "import in_layer, boto3\ndef handle(event, context): return [in_layer.where, boto3.mine]"
    for name in ("first-user", "second-user"):
        create_function(cloud, name, code, Layers=[layer])
    first, second = invoke(cloud, "first-user"), invoke(cloud, "second-user")
    assert first == second
    assert first[1] is True, "the layer comes before what the runtime brings along"
    assert Path(first[0]).is_relative_to(cloud.state_dir / "layers" / "tree")


def test_a_deleted_layer_leaves_the_disk_when_no_function_uses_it(cloud: RunningCloud) -> None:
    before = set(layer_trees(cloud))
    layer = publish_layer(cloud, "gone", {"python/gone.py": "x = 1"})
    create_function(cloud, "last-user", "import gone\ndef handle(event, context): return gone.x", Layers=[layer])
    assert invoke(cloud, "last-user") == 1
    assert len(set(layer_trees(cloud)) - before) == 1
    client = cloud.client("lambda")
    client.delete_layer_version(LayerName="gone", VersionNumber=1)
    client.invoke(FunctionName="last-user")
    client.delete_function(FunctionName="last-user")
    assert set(layer_trees(cloud)) == before


def test_a_layer_comes_back_from_its_download_address(cloud: RunningCloud) -> None:
    publish_layer(cloud, "downloaded", {"python/x.py": "x = 1"})
    found = cloud.client("lambda").get_layer_version(LayerName="downloaded", VersionNumber=1)
    assert found["Content"]["CodeSize"] == len(make_zip({"python/x.py": "x = 1"}))


def test_a_function_sees_boto3_but_none_of_the_emulators_packages(cloud: RunningCloud) -> None:
    code = """
import importlib.util
def handle(event, context):
    return {name: importlib.util.find_spec(name) is not None for name in event}
"""
    create_function(cloud, "looks-around", code)
    seen = invoke(
        cloud, "looks-around", ["boto3", "botocore", "ministack", "localcloud", "numpy", "pydantic", "uvicorn"]
    )
    assert [name for name, found in seen.items() if found] == ["boto3", "botocore"]


def test_a_function_sees_its_own_variables_and_awss_and_no_secret_of_the_caller(cloud: RunningCloud) -> None:
    code = "import os\ndef handle(event, context): return dict(os.environ)"
    create_function(cloud, "prints-environment", code, Environment={"Variables": {"MINE": "1"}}, MemorySize=256)
    seen = invoke(cloud, "prints-environment")
    assert seen["MINE"] == "1"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert {"PYTEST_CURRENT_TEST", "AUTH", "STATE_DIR", "S3_DATA_DIR"}.isdisjoint(seen)


def test_a_function_may_do_what_its_role_may_and_nothing_else(cloud: RunningCloud) -> None:
    cloud.client("s3").create_bucket(Bucket="readable")
    cloud.client("s3").put_object(Bucket="readable", Key="k", Body=b"content")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::readable/*"}
    role = create_role(cloud, "reader", [statement])
    code = """
import boto3
def handle(event, context):
    s3 = boto3.client("s3")
    text = s3.get_object(Bucket="readable", Key="k")["Body"].read().decode()
    try:
        s3.put_object(Bucket="readable", Key="k", Body=b"overwritten")
    except s3.exceptions.ClientError as error:
        return [text, error.response["Error"]["Code"]]
"""
    create_function(cloud, "reads-and-writes", code, Role=role, Timeout=20)
    assert invoke(cloud, "reads-and-writes") == ["content", "AccessDenied"]


def test_log_lines_arrive_with_the_call_that_printed_them(cloud: RunningCloud) -> None:
    code = "def handle(event, context):\n    for line in event: print(line)\n    print('end', end='')"
    create_function(cloud, "prints", code)
    client = cloud.client("lambda")
    for lines in (["one", "two"], [], ["three"]):
        answer = client.invoke(FunctionName="prints", Payload=json.dumps(lines), LogType="Tail")
        answer["Payload"].read()
        log = base64.b64decode(answer["LogResult"]).decode()
        printed = [line for line in log.splitlines() if line in ("one", "two", "three", "end") or "\0" in line]
        assert printed == [*lines, "end"]


def test_a_function_that_cannot_be_imported_says_why(cloud: RunningCloud) -> None:
    create_function(cloud, "broken", "import not_there\ndef handle(event, context): pass")
    answer = cloud.client("lambda").invoke(FunctionName="broken")
    assert "No module named 'not_there'" in answer["Payload"].read().decode()


def test_an_error_has_the_exceptions_own_name(cloud: RunningCloud) -> None:
    code = "def handle(event, context): raise KeyError('gone') if event else TimeoutError('late')"
    create_function(cloud, "raises", code)
    for event, name in ((1, "KeyError"), (0, "TimeoutError")):
        answer = cloud.client("lambda").invoke(FunctionName="raises", Payload=json.dumps(event))
        assert json.loads(answer["Payload"].read())["errorType"] == name
        assert answer["FunctionError"] == "Unhandled"


def test_a_layer_that_is_no_zip_or_leaves_its_directory_is_refused(cloud: RunningCloud) -> None:
    client = cloud.client("lambda")
    with pytest.raises(ClientError, match="Could not unzip"):
        client.publish_layer_version(LayerName="bad", Content={"ZipFile": b"no zip"})
    layer = publish_layer(cloud, "escaping", {"../../escaped.py": "x = 1"})
    create_function(cloud, "escapes", "def handle(event, context): return 1", Layers=[layer])
    assert "lies outside the archive" in client.invoke(FunctionName="escapes")["Payload"].read().decode()
    assert not list(cloud.state_dir.rglob("escaped.py"))


def test_a_layer_may_come_from_a_bucket(cloud: RunningCloud) -> None:
    content = io.BytesIO(make_zip({"python/from_bucket.py": "x = 2"}))
    cloud.client("s3").create_bucket(Bucket="layers")
    cloud.client("s3").upload_fileobj(content, "layers", "layer.zip")
    client = cloud.client("lambda")
    source = {"S3Bucket": "layers", "S3Key": "layer.zip"}
    arn = client.publish_layer_version(LayerName="from-bucket", Content=source)["LayerVersionArn"]
    create_function(cloud, "bucket-user", "import from_bucket\ndef handle(e, c): return from_bucket.x", Layers=[arn])
    assert wait_for(lambda: invoke(cloud, "bucket-user"), "answer") == 2
