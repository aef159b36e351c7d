"""A transform job and its Model in SageMaker: both belong to one scoring.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from comal import s3_layout
from comal.absence import describe_or_none, is_absent
from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion
from comal.serving_config import MODEL_VERSION, model_request

PARQUET_TYPE = "application/x-parquet"
# The largest that AWS allows; a batch is one request.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
_MAX_PAYLOAD_MB = 100


@dataclass(frozen=True)
class Transforms:
    """`sagemaker` is a boto3 client, `role_arn` the jobs' role."""

    sagemaker: Any
    names: Names
    role_arn: str

    def start(self, recipe: Recipe, version: ModelVersion, prefix: str, scoring_id: str) -> str:
        """Start the job of a scoring, unless it was started before.

        A scoring keeps the version that its Model was made with: the champion may have changed since an earlier attempt
        ended between the Model and the job, and what the job is tagged with must be what it predicts with.

        Args:
            recipe: The deployed recipe.
            version: Version to score with, unless the scoring has a Model already.
            prefix: Prefix of validated batches in the lake.
            scoring_id: Id of the scoring.

        Returns:
            Name of the job.
        """
        name = self.names.transform_job(recipe.model, scoring_id)
        if describe_or_none(self.sagemaker.describe_transform_job, TransformJobName=name) is None:
            model = model_request(self.names, recipe.model, version, role_arn=self.role_arn) | {"ModelName": name}
            _unless_there(self.sagemaker.create_model, model)
            made = self.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["Environment"][MODEL_VERSION]
            _unless_there(self.sagemaker.create_transform_job, self._request(recipe, made, prefix, scoring_id))
        return name

    def forget(self, model: str, scoring_id: str) -> None:
        """Delete the Model of a job that has ended; the job itself stays on record."""
        try:
            self.sagemaker.delete_model(ModelName=self.names.transform_job(model, scoring_id))
        except ClientError as error:
            if not is_absent(error):
                raise

    def _request(self, recipe: Recipe, version: str, prefix: str, scoring_id: str) -> dict[str, Any]:
        lake = self.names.bucket("lake")
        name = self.names.transform_job(recipe.model, scoring_id)
        if recipe.feature_groups:
            prefix = s3_layout.features_of(prefix, recipe.model, recipe.feature_definition)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{lake}/{prefix}"}
        tags = {"comal:stack": self.names.stack, "comal:model": recipe.model, "comal:version": version}
        return {
            "TransformJobName": name,
            "ModelName": name,
            "MaxConcurrentTransforms": 1,
            "MaxPayloadInMB": _MAX_PAYLOAD_MB,
            "BatchStrategy": "SingleRecord",
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": PARQUET_TYPE,
                "SplitType": "None",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{lake}/{s3_layout.scoring_prefix(recipe.model, scoring_id)}".rstrip("/"),
                "Accept": PARQUET_TYPE,
                "AssembleWith": "None",
            },
            "TransformResources": {
                "InstanceType": recipe.batch.instance,
                "InstanceCount": recipe.batch.instances,
            },
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }


def _unless_there(create: Callable[..., Any], request: dict[str, Any]) -> None:
    """Create what a repeated message may have created before, or creates at the same moment."""
    try:
        create(**request)
    except ClientError as error:
        text = error.response["Error"].get("Message", "")
        if error.response["Error"]["Code"] != "ResourceInUse" and "already exist" not in text:
            raise
