"""What tests of transform jobs do over and over: input files, a toy model, a job, its outputs."""

from typing import Any
from uuid import uuid4

from tests.contract.sagemaker.conftest import BATCH_IMAGE, Setup, wait_for
from tests.contract.sagemaker.toy_endpoints import MODEL_KEY, put_model


class ToyTransforms:
    """One test's jobs: below prefixes of its own."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.name = f"transform-{uuid4().hex[:8]}"
        self.root = f"{self.name}/in/"
        self.target = f"{self.name}/out"
        put_model(setup)
        container = {"Image": BATCH_IMAGE, "ModelDataUrl": f"s3://{setup.bucket}/{MODEL_KEY}"}
        setup.sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=setup.role, PrimaryContainer=container)

    def put(self, **files: bytes) -> None:
        """Input files by name; `a__b` lies in a folder `a`."""
        for name, body in files.items():
            key = f"{self.root}{name.replace('__', '/')}.csv"
            self.setup.s3.put_object(Bucket=self.setup.bucket, Key=key, Body=body)

    def request(self, *, prefix: str | None = None, **changes: Any) -> dict[str, Any]:
        """A request over all files, line by line; `split`, `assemble`, `types`, `instances` and `env` shorten it."""
        short = {"split": "Line", "assemble": "Line", "types": "text/csv", "instances": 1, "env": {}}
        short |= {name: changes.pop(name) for name in list(changes) if name in short}
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{self.setup.bucket}/{self.root if prefix is None else prefix}",
        }
        request: dict[str, Any] = {
            "TransformJobName": f"{self.name}-{uuid4().hex[:8]}",
            "ModelName": self.name,
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": short["types"],
                "SplitType": short["split"],
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{self.setup.bucket}/{self.target}",
                "Accept": short["types"],
                "AssembleWith": short["assemble"],
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": short["instances"]},
            "Environment": short["env"],
            "Tags": [{"Key": "team", "Value": "toys"}],
        }
        return request | changes

    def start(self, **changes: Any) -> str:
        """Starts a job; its name."""
        request = self.request(**changes)
        self.setup.sagemaker.create_transform_job(**request)
        name: str = request["TransformJobName"]
        return name

    def job(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.setup.sagemaker.describe_transform_job(TransformJobName=name)
        return described

    def ended(self, name: str) -> dict[str, Any]:
        def end() -> dict[str, Any] | None:
            job = self.job(name)
            return job if job["TransformJobStatus"] not in ("InProgress", "Stopping") else None

        found: dict[str, Any] = wait_for(end, f"the end of {name}")
        return found

    def run(self, **changes: Any) -> dict[str, Any]:
        """A job that has ended."""
        return self.ended(self.start(**changes))

    def outputs(self) -> dict[str, bytes]:
        """What was stored, by what its key has below S3OutputPath."""
        s3, bucket = self.setup.s3, self.setup.bucket
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{self.target}/").get("Contents", [])
        return {
            item["Key"].removeprefix(f"{self.target}/"): s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            for item in listed
        }
