"""The families of resources as a table: names, ARNs, error texts and list answers of each."""

from dataclasses import dataclass

from localcloud.aws.sagemaker.errors import ApiError
from localcloud.aws.sagemaker.scope import Scope


@dataclass(frozen=True, slots=True)
class Family:
    """One family of resources that shares Create, Describe, List and Delete with the others.

    Attributes:
        name: As in the operations (`TrainingJob`).
        arn_token: As in ARNs (`training-job`).
        summaries: Member of the List answer.
        summary_shape: Shape of one of its elements.
        missing: Code and text when a name is not there; `{arn}` and `{name}` are filled in.
        duplicate: Code and text when a name is taken.
        descending: Whether List starts with the newest when the caller does not say.
        event: Detail-type of its EventBridge events, or empty.
    """

    name: str
    arn_token: str
    summaries: str
    summary_shape: str
    missing: tuple[str, str]
    duplicate: tuple[str, str]
    descending: bool
    event: str = ""

    @property
    def name_field(self) -> str:
        """Member that carries the name (`TrainingJobName`)."""
        return f"{self.name}Name"

    @property
    def arn_field(self) -> str:
        """Member that carries the ARN (`TrainingJobArn`)."""
        return f"{self.name}Arn"

    @property
    def status_field(self) -> str:
        """Member that carries the status (`TrainingJobStatus`)."""
        return f"{self.name}Status"

    def missing_error(self, scope: Scope, name: str) -> ApiError:
        """The refusal for a name that is not there."""
        code, text = self.missing
        return ApiError(code, text.format(arn=scope.arn(self.arn_token, name), name=name))

    def duplicate_error(self, scope: Scope, name: str) -> ApiError:
        """The refusal for a name that is taken."""
        code, text = self.duplicate
        return ApiError(code, text.format(arn=scope.arn(self.arn_token, name), name=name))


# What AWS really answers, where it differs from the errors that its own model declares. Sources: the "404" prefixes in
# controllers/clientwrapper of github.com/aws/amazon-sagemaker-operator-for-k8s, find.go in internal/service/sagemaker
# of github.com/hashicorp/terraform-provider-aws, and the texts that users quote ("already existing" in
# github.com/aws/sagemaker-python-sdk/issues/101).
_INVALID = "ValidationException"
TRAINING_JOB = Family(
    "TrainingJob",
    "training-job",
    "TrainingJobSummaries",
    "TrainingJobSummary",
    (_INVALID, "Requested resource not found."),
    (
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        "already exists ({arn})",
    ),
    descending=False,
    event="SageMaker Training Job State Change",
)
MODEL_PACKAGE_GROUP = Family(
    "ModelPackageGroup",
    "model-package-group",
    "ModelPackageGroupSummaryList",
    "ModelPackageGroupSummary",
    (_INVALID, "ModelPackageGroup {arn} does not exist."),
    (_INVALID, "Model Package Group already exists: {arn}"),
    descending=False,
)
MODEL_PACKAGE = Family(
    "ModelPackage",
    "model-package",
    "ModelPackageSummaryList",
    "ModelPackageSummary",
    (_INVALID, "ModelPackage {arn} does not exist."),
    (_INVALID, "Model Package already exists: {arn}"),
    descending=False,
    event="SageMaker Model Package State Change",
)
MODEL = Family(
    "Model",
    "model",
    "Models",
    "ModelSummary",
    (_INVALID, 'Could not find model "{arn}".'),
    (_INVALID, 'Cannot create already existing model "{arn}".'),
    descending=True,
)
ENDPOINT_CONFIG = Family(
    "EndpointConfig",
    "endpoint-config",
    "EndpointConfigs",
    "EndpointConfigSummary",
    (_INVALID, 'Could not find endpoint configuration "{arn}".'),
    (_INVALID, 'Cannot create already existing endpoint configuration "{arn}".'),
    descending=True,
)
ENDPOINT = Family(
    "Endpoint",
    "endpoint",
    "Endpoints",
    "EndpointSummary",
    (_INVALID, 'Could not find endpoint "{arn}".'),
    (_INVALID, 'Cannot create already existing endpoint "{arn}".'),
    descending=True,
    event="SageMaker Endpoint State Change",
)
TRANSFORM_JOB = Family(
    "TransformJob",
    "transform-job",
    "TransformJobSummaries",
    "TransformJobSummary",
    (_INVALID, "Could not find requested job with name: {name}"),
    (
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    ),
    descending=False,
    event="SageMaker Transform Job State Change",
)
FEATURE_GROUP = Family(
    "FeatureGroup",
    "feature-group",
    "FeatureGroupSummaries",
    "FeatureGroupSummary",
    ("ResourceNotFound", "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}"),
    (
        "ResourceInUse",
        "Resource Already Exists: FeatureGroup with name {name} already exists. Choose a different name.\n"
        "Info: Feature Group '{name}' already exists.",
    ),
    descending=False,
    event="SageMaker Feature Group State Change",
)
TUNING_JOB = Family(
    "HyperParameterTuningJob",
    "hyper-parameter-tuning-job",
    "HyperParameterTuningJobSummaries",
    "HyperParameterTuningJobSummary",
    ("ResourceNotFound", "Amazon SageMaker can't find a tuning job with name {name}."),
    (
        "ResourceInUse",
        "Hyperparameter tuning job names must be unique within an AWS account and region, and a hyperparameter tuning "
        "job with this name already exists ({arn})",
    ),
    descending=False,
    event="SageMaker HyperParameter Tuning Job State Change",
)
FAMILIES = {
    family.name: family
    for family in (
        TRAINING_JOB,
        TRANSFORM_JOB,
        MODEL_PACKAGE_GROUP,
        MODEL_PACKAGE,
        MODEL,
        ENDPOINT_CONFIG,
        ENDPOINT,
        FEATURE_GROUP,
        TUNING_JOB,
    )
}
