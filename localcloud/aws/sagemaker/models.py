"""Models and endpoint configurations: what an endpoint is made from."""

from botocore.exceptions import ClientError

from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.data_capture import CapturePlan
from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.families import ENDPOINT_CONFIG, MODEL
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import model_data_url, resolve_container
from localcloud.aws.sagemaker.store import Document


class Models:
    """CreateModel, CreateEndpointConfig and their opposites."""

    def __init__(self, catalogue: Catalogue, clients: AwsClients) -> None:
        self._catalogue = catalogue
        self._clients = clients

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {
            "CreateModel": self.create,
            "DeleteModel": self.delete,
            "CreateEndpointConfig": self.create_config,
            "DeleteEndpointConfig": self.delete_config,
        }

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateModel: the role and the model's archive are checked now, as AWS does.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
        """
        role_arn = request.get("ExecutionRoleArn")
        if not role_arn:
            raise ValidationError("ExecutionRoleArn is needed: the container reads its model with it.")
        self._clients.check_role(role_arn, scope.region)
        url = model_data_url(resolve_container(self._catalogue, scope, request))
        if url:
            self._check_model_data(scope, role_arn, url)
        fields = {"EnableNetworkIsolation": False, **request}
        model = self._catalogue.add(MODEL, scope, request["ModelName"], fields, request.get("Tags", []))
        return {"ModelArn": model.document["ModelArn"]}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteModel; endpoints that run it go on."""
        self._catalogue.remove(MODEL, self._catalogue.find(MODEL, scope, request["ModelName"]))
        return {}

    def create_config(self, scope: Scope, request: Document) -> Document:
        """CreateEndpointConfig.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
        """
        for variant in request["ProductionVariants"]:
            self._catalogue.find(MODEL, scope, variant["ModelName"])
            if "ServerlessConfig" not in variant and "InstanceType" not in variant:
                raise ValidationError(
                    f"Variant {variant['VariantName']} needs either InstanceType and InitialInstanceCount, or "
                    "ServerlessConfig."
                )
            if "ServerlessConfig" in variant and "DataCaptureConfig" in request:
                # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html ("Feature exclusions")
                raise ValidationError("DataCaptureConfig is not supported for serverless endpoints.")
        names = [variant["VariantName"] for variant in request["ProductionVariants"]]
        _check_capture(request.get("DataCaptureConfig"))
        if len(set(names)) != len(names):
            raise ValidationError("Production variant names must be unique within an endpoint configuration.")
        config = self._catalogue.add(
            ENDPOINT_CONFIG, scope, request["EndpointConfigName"], request, request.get("Tags", [])
        )
        return {"EndpointConfigArn": config.document["EndpointConfigArn"]}

    def delete_config(self, scope: Scope, request: Document) -> Document:
        """DeleteEndpointConfig; endpoints that use it go on."""
        config = self._catalogue.find(ENDPOINT_CONFIG, scope, request["EndpointConfigName"])
        self._catalogue.remove(ENDPOINT_CONFIG, config)
        return {}

    def _check_model_data(self, scope: Scope, role_arn: str, url: str) -> None:
        try:
            uri = S3Uri.parse(url)
        except ContainerFailure:
            raise ValidationError(f"Invalid ModelDataUrl {url}: expected s3://bucket/key.") from None
        credentials = self._clients.assume(role_arn, "SageMaker-CreateModel")
        s3 = RoleS3(self._clients.as_role("s3", scope.region, credentials), role_arn, scope.region)
        try:
            s3.size_bytes(uri)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise ValidationError(f"Could not find model data at {url}.") from None
            raise ValidationError(
                f'Could not access model data at {url}. Please ensure that the role "{role_arn}" exists and that its '
                'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
                '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the '
                f"object is located in {scope.region}."
            ) from None


def _check_capture(config: Document | None) -> None:
    try:
        CapturePlan.from_config(config)
    except ContainerFailure:
        raise ValidationError("DataCaptureConfig.DestinationS3Uri is not s3://bucket/prefix.") from None
