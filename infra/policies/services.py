"""What a service of AWS may do for the stack: run jobs, answer as an endpoint, start executions, keep records."""

from typing import Any

from comal import s3_layout
from comal.names import Names
from infra.policies import arns
from infra.policies.statements import Document, Statement, allow, document, passes

# https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
_MANAGED_RULES = (
    "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "StepFunctionsGetEventsForSageMakerHyperParameterTuningJobsRule",
)


def training_job(names: Names, image_repository_arn: str, *, mlflow_app_arn: Any = None) -> Document:
    """A training job: reads its channels, writes its run's folder, and its record to the stack's MLflow App, if any.

    The App's ARN is known once it is made, and may be a Pulumi output: its name is no part of it.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMlflowApp.html
    """
    lake, models = names.bucket("lake"), names.bucket("models")
    return document(
        allow(["s3:GetObject"], [*arns.batches(lake), arns.objects(models, "*/runs/*")]),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], [arns.objects(models, "*/runs/*")]),
        allow(["s3:ListBucket"], [arns.bucket(lake), arns.bucket(models)]),
        *_container(names, image_repository_arn, "TrainingJobs"),
        *([] if mlflow_app_arn is None else _writes_experiments(names, mlflow_app_arn)),
    )


def batch_transform(names: Names, image_repository_arn: str) -> Document:
    """A transform job: reads its model's archive and validated batches, writes predictions out of sight."""
    lake, models = names.bucket("lake"), names.bucket("models")
    return document(
        allow(["s3:GetObject"], [arns.objects(models, "*/runs/*"), *arns.batches(lake)]),
        allow(["s3:PutObject"], [arns.objects(lake, "scoring/*")]),
        allow(["s3:ListBucket"], [arns.bucket(lake), arns.bucket(models)]),
        *_container(names, image_repository_arn, "TransformJobs"),
    )


def endpoint(names: Names, image_repository_arn: str, *, captures: bool) -> Document:
    """A container behind an endpoint: reads its model's archive, and keeps the calls where they are monitored.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """
    models, capture = names.bucket("models"), names.bucket("capture")
    return document(
        allow(["s3:GetObject"], [arns.objects(models, "*/runs/*")]),
        allow(["s3:ListBucket"], [arns.bucket(models)]),
        # Below <model>/<endpoint>/, and nothing else that the bucket may come to hold.
        *([allow(["s3:PutObject"], [arns.objects(capture, f"*/{names.of_model('*')}/*")])] if captures else []),
        *_container(names, image_repository_arn, "Endpoints"),
    )


def state_machine(names: Names, training_role_arn: str) -> Document:
    """A model's state machine: runs the job, or a tuning job, by `.sync`, then register_model.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html#sagemaker-iam
    """
    return document(
        allow(
            [f"sagemaker:{verb}TrainingJob" for verb in ("Create", "Describe", "Stop")] + ["sagemaker:AddTags"],
            [arns.sagemaker(names, "training-job/")],
        ),
        allow(
            [f"sagemaker:{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")]
            + ["sagemaker:AddTags"],
            [arns.sagemaker(names, "hyper-parameter-tuning-job/")],
        ),
        passes(training_role_arn),
        allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [names.arn("events", f"rule/{rule}") for rule in _MANAGED_RULES],
        ),
        allow(["lambda:InvokeFunction"], [names.arn("lambda", f"function:{names.shared('register_model')}")]),
    )


def schedule(names: Names, function: str) -> Document:
    """A schedule: puts a message into a function's queue."""
    return document(allow(["sqs:SendMessage"], [names.arn("sqs", names.shared(function))]))


def feature_store(names: Names) -> Document:
    """What SageMaker does for a feature group: it writes the offline store.

    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-adding-policies.html
    """
    lake = names.bucket("lake")
    return document(
        allow(["s3:GetBucketAcl"], [arns.bucket(lake)]),
        allow(["s3:PutObject"], [arns.objects(lake, f"{s3_layout.FEATURE_STORE}*")]),
    )


def experiments(names: Names) -> Document:
    """The MLflow App: keeps and shows what jobs hand to it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-app-setup-prerequisites-iam.html
    """
    models = names.bucket("models")
    files = [arns.objects(models, f"{s3_layout.EXPERIMENTS}*")]
    return document(
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], files),
        allow(["s3:ListBucket"], [arns.bucket(models)]),
    )


def _container(names: Names, image_repository_arn: str, kind: str) -> list[Statement]:
    """What SageMaker does as the role of a job or an endpoint, beside its data.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    log_group = names.arn("logs", f"log-group:/aws/sagemaker/{kind}")
    return [
        allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [f"{log_group}*"],
        ),
        # PutMetricData knows no resources; the namespace narrows it.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        allow(
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        ),
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [image_repository_arn],
        ),
        # GetAuthorizationToken knows no resources.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
        allow(["ecr:GetAuthorizationToken"], ["*"]),
    ]


def _writes_experiments(names: Names, mlflow_app_arn: Any) -> list[Statement]:
    """MLflow's client asks the App, by one action for its whole API, and puts a run's files into the bucket itself."""
    return [
        allow(["sagemaker:CallMlflowAppApi"], [mlflow_app_arn]),
        allow(["s3:PutObject"], [arns.objects(names.bucket("models"), f"{s3_layout.EXPERIMENTS}*")]),
    ]
