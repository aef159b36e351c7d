"""Where training runs are also written to: SageMaker's MLflow App, or a server that is there already."""

import pulumi
from pulumi_aws import sagemaker

from comal import s3_layout
from infra.components.role import Role
from infra.policies import services
from infra.stack import Stack


class Experiments(pulumi.ComponentResource):
    """An MLflow App with its role, unless the stack names a server of its own.

    Attributes:
        tracking_uri: What MLflow's client is told.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__("comal:experiments:Experiments", "experiments")
        self.tracking_uri: pulumi.Input[str] = stack.settings.tracking_uri
        if not stack.settings.tracking_uri:
            self.tracking_uri = self._app(stack).arn
        self.register_outputs({"tracking_uri": self.tracking_uri})

    def _app(self, stack: Stack) -> sagemaker.MlflowApp:
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            "experiments",
            stack,
            service="sagemaker.amazonaws.com",
            policy=services.experiments(stack.names),
            opts=child,
        )
        return sagemaker.MlflowApp(
            "experiments",
            name=stack.names.shared("experiments"),
            artifact_store_uri=f"s3://{stack.names.bucket('models')}/{s3_layout.EXPERIMENTS.rstrip('/')}",
            role_arn=role.arn,
            # Versions are registered by the kit's own gate.
            model_registration_mode="AutoModelRegistrationDisabled",
            tags=stack.tags(),
            opts=child,
        )
