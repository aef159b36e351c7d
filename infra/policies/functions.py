"""What each function may do, and nothing else."""

from comal import run_record, s3_layout
from comal.events import SOURCE
from comal.names import Names
from infra.policies import arns
from infra.policies.statements import Statement, allow, passes

_READ_BY_MONITORING = ("recipes", "profiles", "captured", "labels")
_WRITTEN_BY_VALIDATION = ("validated", "quarantine", "reports", "profiles")


def basics(names: Names, function: str) -> list[Statement]:
    """What every function may: write its own log."""
    log_group = names.arn("logs", f"log-group:/aws/lambda/{names.shared(function)}")
    return [allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group}:*"])]


def reads_queue(names: Names, function: str) -> Statement:
    """What Lambda needs, as the function, to hand it its queue's messages; validate_batch hides its own until its end.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    return allow(actions, [names.arn("sqs", names.shared(function))])


def validate_batch(names: Names) -> list[Statement]:
    """Reads what was pushed, files it in the lake, empties the landing bucket."""
    landing, lake = names.bucket("landing"), names.bucket("lake")
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion"], [arns.objects(landing, "incoming/*")]),
        # Every attempt at a batch reads the version of the recipe that the first one read.
        allow(["s3:GetObject", "s3:GetObjectVersion"], [arns.objects(lake, "recipes/*")]),
        allow(["s3:GetObject"], [arns.objects(lake, "profiles/*")]),
        allow(["s3:PutObject"], [arns.objects(lake, f"{area}/*") for area in _WRITTEN_BY_VALIDATION]),
        # Without it S3 answers 403 where an object is absent, and the first batch has no reference profile.
        allow(["s3:ListBucket"], [arns.bucket(lake), arns.bucket(landing)]),
        allow(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [arns.table(names, "batches")]),
        _emits(names),
    ]


def ingest_features(names: Names) -> list[Statement]:
    """Reads validated batches, files them with their windows, fills the feature groups."""
    lake = names.bucket("lake")
    offline = f"{s3_layout.FEATURE_STORE}*"
    return [
        allow(
            ["s3:GetObject"],
            [arns.objects(lake, "recipes/*"), arns.objects(lake, "validated/*"), arns.objects(lake, offline)],
        ),
        allow(["s3:PutObject"], [arns.objects(lake, "features/*"), arns.objects(lake, offline)]),
        allow(["s3:ListBucket"], [arns.bucket(lake)]),
        allow(["dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"], [arns.table(names, "features")]),
        allow(["dynamodb:Query", "dynamodb:UpdateItem"], [arns.table(names, "batches")]),
        allow(
            ["sagemaker:DescribeFeatureGroup", "sagemaker:BatchGetRecord", "sagemaker:PutRecord"],
            [arns.sagemaker(names, "feature-group/")],
        ),
        _emits(names),
    ]


def request_training(names: Names) -> list[Statement]:
    """Keeps triggers, reads batches and the champion, writes a run's inputs and starts its execution."""
    lake, models = names.bucket("lake"), names.bucket("models")
    return [
        allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            [arns.table(names, "retraining")],
        ),
        allow(["dynamodb:Query"], [arns.table(names, "batches")]),
        allow(["s3:GetObject"], [arns.objects(lake, "recipes/*")]),
        allow(["s3:GetObject", "s3:PutObject"], [arns.objects(models, "*/runs/*/inputs/*")]),
        allow(["s3:ListBucket"], [arns.bucket(lake), arns.bucket(models)]),
        *_reads_registry(names),
        allow(["states:StartExecution"], [names.state_machine_arn("*")]),
        allow(["states:DescribeExecution"], [names.arn("states", f"execution:{names.of_model('*')}:*")]),
        _emits(names),
    ]


def register_model(names: Names, image_repository_arn: str) -> list[Statement]:
    """Reads a run's output, registers a version and judges it."""
    lake, models = names.bucket("lake"), names.bucket("models")
    return [
        allow(["s3:GetObject"], [arns.objects(models, "*/runs/*"), *arns.batches(lake)]),
        allow(
            ["s3:PutObject"],
            [
                arns.objects(models, "*/runs/*/evaluation.json"),
                arns.objects(models, "*/runs/*/lineage.json"),
                *(arns.objects(models, f"*/runs/*/{name}") for name in (run_record.FILE_NAME, run_record.REPORT_NAME)),
                arns.objects(lake, s3_layout.reference_profile_key("*")),
                arns.objects(lake, s3_layout.version_profile_key("*", "*", "*")),
            ],
        ),
        *_reads_registry(names),
        allow(
            ["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"],
            [arns.sagemaker(names, "model-package-group/"), arns.sagemaker(names, "model-package/")],
        ),
        # SageMaker looks at a package's image as the caller.
        allow(["ecr:BatchGetImage", "ecr:DescribeImages"], [image_repository_arn]),
        _emits(names),
    ]


def deploy_model(names: Names, serving_role_arn: str) -> list[Statement]:
    """Owns Model, EndpointConfig and Endpoint of every model of the stack."""
    kinds = ("model/", "endpoint-config/", "endpoint/")
    lake = names.bucket("lake")
    return [
        allow(["s3:GetObject"], [arns.objects(lake, "recipes/*"), arns.objects(lake, "profiles/*")]),
        allow(["s3:PutObject"], [arns.objects(lake, "profiles/*/reference.json")]),
        allow(["s3:ListBucket"], [arns.bucket(lake)]),
        *_reads_registry(names),
        allow(["sagemaker:UpdateModelPackage"], [arns.sagemaker(names, "model-package/")]),
        allow(
            [
                *(f"sagemaker:{verb}Model" for verb in ("Create", "Describe", "Delete")),
                *(f"sagemaker:{verb}EndpointConfig" for verb in ("Create", "Describe", "Delete")),
                *(f"sagemaker:{verb}Endpoint" for verb in ("Create", "Describe", "Update", "Delete")),
                "sagemaker:AddTags",
                "sagemaker:DeleteTags",
                "sagemaker:ListTags",
            ],
            [arns.sagemaker(names, kind) for kind in kinds],
        ),
        _lists(["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"]),
        passes(serving_role_arn),
        _emits(names),
    ]


def monitor_endpoint(names: Names) -> list[Statement]:
    """Reads what was captured and which labels came, files both in the lake, keeps count, reports and tells."""
    landing, lake, capture = (names.bucket(kind) for kind in ("landing", "lake", "capture"))
    return [
        allow(["s3:GetObject"], [arns.objects(capture, "*")]),
        allow(["s3:GetObject"], [arns.objects(lake, f"{area}/*") for area in _READ_BY_MONITORING]),
        allow(["s3:GetObject", "s3:GetObjectVersion"], [arns.objects(landing, "labels/*")]),
        allow(["s3:PutObject"], [arns.objects(lake, f"{area}/*") for area in ("captured", "labels", "monitoring")]),
        allow(["s3:ListBucket"], [arns.bucket(bucket) for bucket in (landing, lake, capture)]),
        allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            [arns.table(names, "monitoring")],
        ),
        *_reads_registry(names),
        _emits(names),
    ]


def score_batch(names: Names, transform_role_arn: str) -> list[Statement]:
    """Starts transform jobs with a Model each, and files what they predict."""
    lake = names.bucket("lake")
    return [
        allow(["s3:GetObject"], [arns.objects(lake, "recipes/*"), arns.objects(lake, "scoring/*")]),
        allow(["s3:PutObject"], [arns.objects(lake, "predictions/*")]),
        allow(["s3:DeleteObject"], [arns.objects(lake, "scoring/*")]),
        allow(["s3:ListBucket"], [arns.bucket(lake)]),
        allow(["dynamodb:GetItem"], [arns.table(names, "batches")]),
        *_reads_registry(names),
        allow(
            [f"sagemaker:{verb}Model" for verb in ("Create", "Describe", "Delete")] + ["sagemaker:AddTags"],
            [arns.sagemaker(names, "model/")],
        ),
        allow(
            ["sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:AddTags"],
            [arns.sagemaker(names, "transform-job/")],
        ),
        passes(transform_role_arn),
        _emits(names),
    ]


def clean_up(names: Names, *, empty_on_destroy: bool) -> list[Statement]:
    """Deletes what functions made outside the stack's state; data only where the stack allows it."""
    kinds = ("endpoint/", "endpoint-config/", "model/", "model-package/", "training-job/", "transform-job/")
    statements = [
        _lists(
            [
                f"sagemaker:List{kind}"
                for kind in (
                    "Endpoints",
                    "EndpointConfigs",
                    "Models",
                    "ModelPackages",
                    "TrainingJobs",
                    "TransformJobs",
                )
            ]
        ),
        allow(
            [
                "sagemaker:DeleteEndpoint",
                "sagemaker:DeleteEndpointConfig",
                "sagemaker:DeleteModel",
                "sagemaker:DeleteModelPackage",
                "sagemaker:DescribeEndpoint",
                "sagemaker:ListTags",
                "sagemaker:StopTrainingJob",
                "sagemaker:StopTransformJob",
            ],
            [arns.sagemaker(names, kind) for kind in kinds],
        ),
        allow(["states:ListExecutions"], [names.state_machine_arn("*")]),
        allow(["states:StopExecution"], [names.arn("states", f"execution:{names.of_model('*')}:*")]),
    ]
    if empty_on_destroy:
        buckets = [names.bucket(kind) for kind in ("landing", "lake", "models", "capture")]
        statements += [
            allow(["s3:ListBucketVersions"], [arns.bucket(bucket) for bucket in buckets]),
            allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], [arns.objects(bucket, "*") for bucket in buckets]),
        ]
    return statements


def _reads_registry(names: Names) -> list[Statement]:
    return [
        _lists(["sagemaker:ListModelPackages"]),
        allow(["sagemaker:DescribeModelPackage"], [arns.sagemaker(names, "model-package/")]),
    ]


def _lists(actions: list[str]) -> Statement:
    # SageMaker's List operations know no resources.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
    return allow(actions, ["*"])


def _emits(names: Names) -> Statement:
    """Events in the kit's name only.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    """
    condition = {"StringEquals": {"events:source": SOURCE}}
    return allow(["events:PutEvents"], [names.arn("events", "event-bus/default")], condition)
