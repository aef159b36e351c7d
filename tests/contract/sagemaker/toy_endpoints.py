"""What tests of endpoints do over and over: a toy model, a configuration, an endpoint, a call."""

import io
import json
import tarfile
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from tests.contract.sagemaker.conftest import TOY_IMAGE, Setup, wait_for

MODEL_KEY = "models/model.tar.gz"


def put_model(setup: Setup) -> None:
    """The toy's model archive, which is always the same."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("weights.json")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"{}"))
    setup.s3.put_object(Bucket=setup.bucket, Key=MODEL_KEY, Body=buffer.getvalue())


def make_config(
    setup: Setup,
    variants: dict[str, dict[str, Any]] | None = None,
    capture: dict[str, Any] | None = None,
    role: str | None = None,
    **environment: str,
) -> str:
    """A model and a configuration of one name; the environment says how the toy behaves."""
    put_model(setup)
    name = f"config-{uuid4().hex[:8]}"
    container = {"Image": TOY_IMAGE, "ModelDataUrl": f"s3://{setup.bucket}/{MODEL_KEY}", "Environment": environment}
    setup.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role or setup.role, PrimaryContainer=container)
    usual = {"AllTraffic": {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}}
    production = [{"VariantName": key, "ModelName": name, **rest} for key, rest in (variants or usual).items()]
    more = {"DataCaptureConfig": capture} if capture else {}
    setup.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=production, **more)
    return name


def await_endpoint(setup: Setup, name: str) -> dict[str, Any]:
    def settled() -> dict[str, Any] | None:
        endpoint = setup.sagemaker.describe_endpoint(EndpointName=name)
        return endpoint if endpoint["EndpointStatus"] in ("InService", "Failed") else None

    found: dict[str, Any] = wait_for(settled, f"{name} in service")
    return found


def make_endpoint(setup: Setup, config: str) -> str:
    name = f"endpoint-{uuid4().hex[:8]}"
    tags = [{"Key": "team", "Value": "toys"}]
    setup.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=tags)
    return name


def invoke(setup: Setup, name: str, body: bytes = b"x", **arguments: str) -> dict[str, Any]:
    answer = setup.runtime.invoke_endpoint(EndpointName=name, Body=body, **arguments)
    document: dict[str, Any] = json.loads(answer["Body"].read())
    return document


def delete_endpoint(setup: Setup, name: str) -> None:
    setup.sagemaker.delete_endpoint(EndpointName=name)

    def gone() -> bool:
        try:
            setup.sagemaker.describe_endpoint(EndpointName=name)
        except ClientError:
            return True
        return False

    wait_for(gone, "the endpoint's end")
