"""The layer that the functions import from."""

import pulumi
from pulumi_aws import lambda_, s3

from infra import layer
from infra.stack import Stack


class FunctionLayer(pulumi.ComponentResource):
    """Uploads the built layer.

    By way of a bucket: Lambda takes 50 MB in a call.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    Attributes:
        arn: ARN of the layer's version.
    """

    def __init__(self, stack: Stack, *, bucket: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("comal:functions:FunctionLayer", "layer", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        archive = layer.find(stack.settings.layer_path)
        content = s3.BucketObjectv2(
            "layer",
            bucket=bucket,
            # The folder's name is made of what the layer was built from, so new content has a new key.
            key=f"layers/{archive.parent.resolve().name}.zip",
            source=pulumi.FileAsset(str(archive)),
            tags=stack.tags(),
            opts=child,
        )
        version = lambda_.LayerVersion(
            "layer",
            layer_name=stack.names.shared("layer"),
            s3_bucket=bucket,
            s3_key=content.key,
            compatible_runtimes=[stack.settings.lambda_runtime],
            opts=child,
        )
        self.arn = version.arn
        self.register_outputs({"arn": self.arn})
