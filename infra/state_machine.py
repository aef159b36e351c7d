"""The training run of a model, as Step Functions runs it: job or jobs, registration, done; or failed with the reason.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

from typing import Any

from comal.names import Names
from comal.recipe import Recipe

# Top-level fields of the CreateTrainingJob request that request_training prepares (comal/training_job.py).
JOB_FIELDS = (
    "TrainingJobName",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "HyperParameters",
    "Environment",
    "Tags",
)
# Those of the CreateHyperParameterTuningJob request (comal/tuning_job.py), of a run that searches in several jobs.
TUNING_FIELDS = ("HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition", "Tags")
# Getting an instance, pulling the image, uploading the model.
OVERHEAD_MINUTES = 60
# A spot job may wait for capacity as long as it may run.
SPOT_FACTOR = 2

_THROTTLED = {
    "ErrorEquals": ["SageMaker.AmazonSageMakerException", "SageMaker.ThrottlingException"],
    "IntervalSeconds": 5,
    "BackoffRate": 2.0,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
_LAMBDA_TROUBLE = {
    "ErrorEquals": [
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "IntervalSeconds": 2,
    "BackoffRate": 2.0,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}
_CATCH = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Failed"}


def definition(names: Names, recipe: Recipe, *, registers: bool) -> dict[str, Any]:
    """States of a model's run.

    Args:
        names: Names of the stack.
        recipe: The model's recipe; its `max_runtime_minutes` bounds the run.
        registers: Whether the stack has a registry; without it a run ends with its job.
    """
    train = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {f"{field}.$": f"$.training_job.{field}" for field in JOB_FIELDS},
        "TimeoutSeconds": _timeout_s(recipe),
        "ResultPath": "$.training_job_result",
        "Retry": [_THROTTLED],
        "Catch": [_CATCH],
        "Next": "Register" if registers else "Done",
    }
    tune = {
        **train,
        "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
        "Parameters": {f"{field}.$": f"$.tuning_job.{field}" for field in TUNING_FIELDS},
        "ResultPath": "$.tuning_result",
    }
    register = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": names.arn("lambda", f"function:{names.shared('register_model')}"),
            "Payload.$": "$",
        },
        "ResultSelector": {"registered.$": "$.Payload"},
        "ResultPath": "$.registration",
        "Retry": [_LAMBDA_TROUBLE],
        "Catch": [_CATCH],
        "Next": "Done",
    }
    return {
        "Comment": f"One training run of {recipe.model}",
        "StartAt": "Choose",
        "States": {
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.tuning_job", "IsPresent": True, "Next": "Tune"}],
                "Default": "Train",
            },
            "Train": train,
            "Tune": tune,
            **({"Register": register} if registers else {}),
            "Done": {"Type": "Succeed"},
            "Failed": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
        },
    }


def _timeout_s(recipe: Recipe) -> int:
    factor = SPOT_FACTOR if recipe.training.spot else 1
    return (recipe.training.max_runtime_minutes * factor + OVERHEAD_MINUTES) * 60
