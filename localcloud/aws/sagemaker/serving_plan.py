"""What an endpoint configuration asks for, resolved: which image, model and role each variant's processes need.

The plan is kept with the endpoint, so that deleting a model or a configuration later changes nothing that runs.
"""

from dataclasses import dataclass
from typing import Any

from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.families import ENDPOINT_CONFIG, MODEL, MODEL_PACKAGE
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document

# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html: ready within 4 minutes
STARTUP_TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """One production variant.

    Attributes:
        name: Its name.
        weight: Its share of the traffic, relative to the others.
        instances: How many processes serve it.
        serverless: The request's ServerlessConfig, or None.
        image: Container image URI.
        model_data_url: S3 address of model.tar.gz, or empty.
        environment: What the model sets.
        role_arn: The model's execution role.
        startup_timeout_s: Seconds in which /ping must answer.
        instance_type: `ml.c6i.large`, …; empty for serverless.
    """

    name: str
    weight: float
    instances: int
    serverless: dict[str, Any] | None
    image: str
    model_data_url: str
    environment: dict[str, str]
    role_arn: str
    startup_timeout_s: float = STARTUP_TIMEOUT_S
    instance_type: str = ""

    def summary(self, wanted: "VariantPlan | None" = None) -> Document:
        """The variant as DescribeEndpoint shows it, on its way to what is wanted."""
        wanted = wanted or self
        shown: Document = {
            "VariantName": self.name,
            "DeployedImages": [{"SpecifiedImage": self.image, "ResolvedImage": self.image}],
            "CurrentWeight": self.weight,
            "DesiredWeight": wanted.weight,
        }
        if self.serverless is not None:
            return shown | {"CurrentServerlessConfig": self.serverless, "DesiredServerlessConfig": self.serverless}
        return shown | {"CurrentInstanceCount": self.instances, "DesiredInstanceCount": wanted.instances}


def make_plan(catalogue: Catalogue, scope: Scope, config_name: str) -> list[VariantPlan]:
    """Resolves a configuration.

    Raises:
        ApiError: The configuration or one of its models is not there.
    """
    config = catalogue.find(ENDPOINT_CONFIG, scope, config_name).document
    return [plan_variant(catalogue, scope, variant) for variant in config["ProductionVariants"]]


def resolve_container(catalogue: Catalogue, scope: Scope, request: Document) -> Document:
    """The one container of a CreateModel request; a model package stands for its first container.

    Raises:
        ApiError: There is none, there are several, or it has no image.
    """
    containers = [request["PrimaryContainer"]] if "PrimaryContainer" in request else request.get("Containers", [])
    if len(containers) != 1:
        raise ValidationError(f"A model here has exactly one container; the request has {len(containers)}.")
    container: Document = containers[0]
    if "ModelPackageName" in container:
        name = container["ModelPackageName"]
        package = catalogue.find(MODEL_PACKAGE, scope, name.partition(":model-package/")[2] or name).document
        packaged = package.get("InferenceSpecification", {}).get("Containers", [{}])[0]
        environment = packaged.get("Environment", {}) | container.get("Environment", {})
        container = packaged | {"Environment": environment}
    if not container.get("Image"):
        raise ValidationError("The container has neither an Image nor a ModelPackageName with one.")
    return container


def model_data_url(container: Document) -> str:
    """Address of the model archive, or empty.

    Raises:
        ApiError: The model data is no single archive.
    """
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        return str(container.get("ModelDataUrl", ""))
    if source["S3DataType"] != "S3Object" or source["CompressionType"] != "Gzip":
        raise ValidationError("ModelDataSource must be one S3Object with CompressionType Gzip on this machine.")
    return str(source["S3Uri"])


def plan_variant(catalogue: Catalogue, scope: Scope, variant: Document) -> VariantPlan:
    """Resolves one production variant.

    Raises:
        ApiError: Its model is not there.
    """
    model = catalogue.find(MODEL, scope, variant["ModelName"]).document
    container = resolve_container(catalogue, scope, model)
    serverless = variant.get("ServerlessConfig")
    return VariantPlan(
        name=variant["VariantName"],
        weight=variant.get("InitialVariantWeight", 1.0),
        instances=1 if serverless is not None else variant.get("InitialInstanceCount", 1),
        serverless=serverless,
        image=container["Image"],
        model_data_url=model_data_url(container),
        environment=container.get("Environment", {}),
        role_arn=model["ExecutionRoleArn"],
        startup_timeout_s=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S),
        instance_type=variant.get("InstanceType", ""),
    )
