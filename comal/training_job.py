"""The complete CreateTrainingJob request of a run, from its recipe.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from typing import Any

from comal import s3_layout
from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion
from comal.tracking import tracking_environment

# What a search scored its winner by: cross-validated, so that several searches can be compared.
SCORE = "search:score"
_NUMBER = "([-0-9.e+]+)"
# How often a spot job's running time it may wait for capacity and run, together.
_SPOT_WAIT_FACTOR = 2


def training_job_request(
    recipe: Recipe,
    names: Names,
    run_id: str,
    champion: ModelVersion | None,
    *,
    image_uri: str,
    role_arn: str,
    tracking_uri: str = "",
) -> dict[str, Any]:
    """Every field is there for every recipe, so that a state machine can pick them one by one.

    Args:
        recipe: The recipe that the run uses.
        names: Names of the stack.
        run_id: Id of the run; its inputs lie below `s3_layout.run_prefix`.
        champion: Version to compare with, or None.
        image_uri: The kit's container.
        role_arn: Role of the job.
        tracking_uri: MLflow that the run is written to as well; empty is none.
    """
    model = recipe.model
    prefix = f"s3://{names.bucket('models')}/{s3_layout.run_prefix(model, run_id)}"
    return {
        "TrainingJobName": names.training_job(model, run_id),
        "AlgorithmSpecification": {
            "TrainingImage": image_uri,
            "TrainingInputMode": "File",
            "MetricDefinitions": _metric_definitions(recipe),
        },
        "RoleArn": role_arn,
        "InputDataConfig": _channels(model, names, run_id, champion),
        "OutputDataConfig": {"S3OutputPath": prefix.rstrip("/")},
        "ResourceConfig": {
            "InstanceType": recipe.training.instance,
            "InstanceCount": recipe.training.instances,
            "VolumeSizeInGB": recipe.training.volume_gb,
        },
        "StoppingCondition": _stopping_condition(recipe),
        "EnableManagedSpotTraining": recipe.training.spot,
        "CheckpointConfig": {"S3Uri": f"{prefix}checkpoints"},
        "HyperParameters": _hyperparameters(model, run_id, champion),
        "Environment": {"PYTHONUNBUFFERED": "1", **tracking_environment(names.of_model(model), tracking_uri)},
        "Tags": [
            {"Key": "comal:stack", "Value": names.stack},
            {"Key": "comal:model", "Value": model},
            {"Key": "comal:run", "Value": run_id},
        ],
    }


def _metric_definitions(recipe: Recipe) -> list[dict[str, str]]:
    """What SageMaker reads off the job's log; the container prints `metric <name>=<value>`."""
    metrics = (*recipe.metrics, "train:rows", *([SCORE] if recipe.training.search else []))
    return [{"Name": name, "Regex": f"metric {name}={_NUMBER}"} for name in metrics]


def _channels(model: str, names: Names, run_id: str, champion: ModelVersion | None) -> list[dict[str, Any]]:
    bucket = names.bucket("models")
    channels = [
        _channel("train", "ManifestFile", f"s3://{bucket}/{s3_layout.run_manifest_key(model, run_id)}"),
        _channel("recipe", "S3Prefix", f"s3://{bucket}/{s3_layout.run_recipe_prefix(model, run_id)}"),
    ]
    if champion:
        channels.append(_channel("champion", "S3Prefix", champion.model_data_url))
    return channels


def _channel(name: str, data_type: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": data_type, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def _stopping_condition(recipe: Recipe) -> dict[str, int]:
    """A spot job must also say how long it may wait and run, which must not be less than it may run.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
    """
    runtime_s = recipe.training.max_runtime_minutes * 60
    condition = {"MaxRuntimeInSeconds": runtime_s}
    if recipe.training.spot:
        condition["MaxWaitTimeInSeconds"] = runtime_s * _SPOT_WAIT_FACTOR
    return condition


def _hyperparameters(model: str, run_id: str, champion: ModelVersion | None) -> dict[str, str]:
    parameters = {"model": model, "run_id": run_id}
    if champion:
        parameters["champion_version"] = str(champion.version)
        parameters["champion_package_arn"] = champion.arn
    return parameters
