"""SageMaker's API, from botocore."""

from localcloud.aws.api_model import ApiModel

_MODEL = ApiModel("sagemaker")
input_shape = _MODEL.input_shape
output_shape = _MODEL.output_shape
output_members = _MODEL.output_members
structure_members = _MODEL.structure_members
