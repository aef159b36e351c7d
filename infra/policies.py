"""Who may do what: one least-privilege policy document a role, as plain data.

Names go in, a policy document comes out. Actions and ARNs are named; `Resource: "*"` stands only where AWS knows no
narrower resource, with the page in a comment.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from typing import Any

from comal import run_record, s3_layout
from comal.events import SOURCE
from comal.names import Names

Document = dict[str, Any]
Statement = dict[str, Any]

_READ_BY_MONITORING = ("recipes", "profiles", "captured", "labels")
_WRITTEN_BY_VALIDATION = ("validated", "quarantine", "reports", "profiles")
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
SAGEMAKER_MANAGED_RULE = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"
TUNING_MANAGED_RULE = "StepFunctionsGetEventsForSageMakerHyperParameterTuningJobsRule"


def document(*statements: Statement) -> Document:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], resources: list[str], condition: Document | None = None) -> Statement:
    """One statement."""
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def trust(service: str) -> Document:
    """Lets an AWS service take on a role."""
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def tls_only(bucket_arn: str) -> Document:
    """Bucket policy that refuses every request without TLS.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    return document(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def queue_of_rules(names: Names, function: str) -> Document:
    """Queue policy: EventBridge may send what the function's own rules match."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": names.arn("sqs", names.shared(function)),
        "Condition": {"ArnLike": {"aws:SourceArn": names.arn("events", f"rule/{names.shared(function)}-*")}},
    }
    return document(statement)


def sends_to_queue(names: Names, function: str) -> Statement:
    """What a schedule's role may: put a message into a function's queue."""
    return allow(["sqs:SendMessage"], [names.arn("sqs", names.shared(function))])


def function_basics(names: Names, function: str) -> list[Statement]:
    """What every function may: write its own log."""
    log_group = names.arn("logs", f"log-group:/aws/lambda/{names.shared(function)}")
    return [allow(["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group}:*"])]


def reads_queue(names: Names, function: str) -> Statement:
    """What Lambda needs, as the function, to hand it its queue's messages.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    return allow(actions, [names.arn("sqs", names.shared(function))])


def validate_batch(names: Names) -> list[Statement]:
    """Reads what was pushed, files it in the lake, empties the landing bucket."""
    landing, lake = names.bucket("landing"), names.bucket("lake")
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion"], [_objects(landing, "incoming/*")]),
        # Every attempt at a batch reads the version of the recipe that the first one read.
        allow(["s3:GetObject", "s3:GetObjectVersion"], [_objects(lake, "recipes/*")]),
        allow(["s3:GetObject"], [_objects(lake, "profiles/*")]),
        allow(["s3:PutObject"], [_objects(lake, f"{area}/*") for area in _WRITTEN_BY_VALIDATION]),
        # Without it S3 answers 403 where an object is absent, and the first batch has no reference profile.
        allow(["s3:ListBucket"], [_bucket(lake), _bucket(landing)]),
        allow(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [_table(names, "batches")]),
        _emits(names),
    ]


def ingest_features(names: Names) -> list[Statement]:
    """Reads validated batches, files them with their windows, fills the feature groups."""
    lake = names.bucket("lake")
    offline = f"{s3_layout.FEATURE_STORE}*"
    return [
        allow(
            ["s3:GetObject"],
            [_objects(lake, "recipes/*"), _objects(lake, "validated/*"), _objects(lake, offline)],
        ),
        allow(["s3:PutObject"], [_objects(lake, "features/*"), _objects(lake, offline)]),
        allow(["s3:ListBucket"], [_bucket(lake)]),
        allow(["dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"], [_table(names, "features")]),
        allow(["dynamodb:Query", "dynamodb:UpdateItem"], [_table(names, "batches")]),
        allow(
            ["sagemaker:DescribeFeatureGroup", "sagemaker:GetRecord", "sagemaker:PutRecord"],
            [_sagemaker(names, "feature-group/")],
        ),
        _emits(names),
    ]


def feature_store(names: Names) -> Document:
    """What SageMaker does for a feature group: it writes the offline store.

    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-adding-policies.html
    """
    lake = names.bucket("lake")
    return document(
        allow(["s3:GetBucketAcl"], [_bucket(lake)]),
        allow(["s3:PutObject"], [_objects(lake, f"{s3_layout.FEATURE_STORE}*")]),
    )


def request_training(names: Names) -> list[Statement]:
    """Keeps triggers, reads batches and the champion, writes a run's inputs and starts its execution."""
    lake, models = names.bucket("lake"), names.bucket("models")
    return [
        allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            [_table(names, "retraining")],
        ),
        allow(["dynamodb:Query"], [_table(names, "batches")]),
        allow(["s3:GetObject"], [_objects(lake, "recipes/*")]),
        allow(["s3:GetObject", "s3:PutObject"], [_objects(models, "*/runs/*/inputs/*")]),
        allow(["s3:ListBucket"], [_bucket(lake), _bucket(models)]),
        *_reads_registry(names),
        allow(["states:StartExecution"], [names.state_machine_arn("*")]),
        allow(["states:DescribeExecution"], [names.arn("states", f"execution:{names.of_model('*')}:*")]),
        _emits(names),
    ]


def register_model(names: Names, image_repository_arn: str) -> list[Statement]:
    """Reads a run's output, registers a version and judges it."""
    lake, models = names.bucket("lake"), names.bucket("models")
    return [
        allow(["s3:GetObject"], [_objects(models, "*/runs/*"), *_batches(lake)]),
        allow(
            ["s3:PutObject"],
            [
                _objects(models, "*/runs/*/evaluation.json"),
                _objects(models, "*/runs/*/lineage.json"),
                *(_objects(models, f"*/runs/*/{name}") for name in (run_record.FILE_NAME, run_record.REPORT_NAME)),
                _objects(lake, s3_layout.reference_profile_key("*")),
                _objects(lake, s3_layout.version_profile_key("*", "*", "*")),
            ],
        ),
        *_reads_registry(names),
        allow(
            ["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"],
            [_sagemaker(names, "model-package-group/"), _sagemaker(names, "model-package/")],
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
        allow(["s3:GetObject"], [_objects(lake, "recipes/*"), _objects(lake, "profiles/*")]),
        allow(["s3:PutObject"], [_objects(lake, "profiles/*/reference.json")]),
        allow(["s3:ListBucket"], [_bucket(lake)]),
        *_reads_registry(names),
        allow(["sagemaker:UpdateModelPackage"], [_sagemaker(names, "model-package/")]),
        allow(
            [
                *(f"sagemaker:{verb}Model" for verb in ("Create", "Describe", "Delete")),
                *(f"sagemaker:{verb}EndpointConfig" for verb in ("Create", "Describe", "Delete")),
                *(f"sagemaker:{verb}Endpoint" for verb in ("Create", "Describe", "Update", "Delete")),
                "sagemaker:AddTags",
                "sagemaker:DeleteTags",
                "sagemaker:ListTags",
            ],
            [_sagemaker(names, kind) for kind in kinds],
        ),
        _lists(["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"]),
        _passes(serving_role_arn, "sagemaker.amazonaws.com"),
        _emits(names),
    ]


def monitor_endpoint(names: Names) -> list[Statement]:
    """Reads what was captured and which labels came, files both in the lake, keeps count, reports and tells."""
    landing, lake, capture = (names.bucket(kind) for kind in ("landing", "lake", "capture"))
    return [
        allow(["s3:GetObject"], [_objects(capture, "*")]),
        allow(["s3:GetObject"], [_objects(lake, f"{area}/*") for area in _READ_BY_MONITORING]),
        allow(["s3:GetObject", "s3:GetObjectVersion"], [_objects(landing, "labels/*")]),
        allow(["s3:PutObject"], [_objects(lake, f"{area}/*") for area in ("captured", "labels", "monitoring")]),
        allow(["s3:ListBucket"], [_bucket(bucket) for bucket in (landing, lake, capture)]),
        allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            [_table(names, "monitoring")],
        ),
        *_reads_registry(names),
        _emits(names),
    ]


def score_batch(names: Names, transform_role_arn: str) -> list[Statement]:
    """Starts transform jobs with a Model each, and files what they predict."""
    lake = names.bucket("lake")
    return [
        allow(["s3:GetObject"], [_objects(lake, "recipes/*"), _objects(lake, "scoring/*")]),
        allow(["s3:PutObject"], [_objects(lake, "predictions/*")]),
        allow(["s3:DeleteObject"], [_objects(lake, "scoring/*")]),
        allow(["s3:ListBucket"], [_bucket(lake)]),
        allow(["dynamodb:GetItem"], [_table(names, "batches")]),
        *_reads_registry(names),
        allow(
            [f"sagemaker:{verb}Model" for verb in ("Create", "Describe", "Delete")] + ["sagemaker:AddTags"],
            [_sagemaker(names, "model/")],
        ),
        allow(
            ["sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:AddTags"],
            [_sagemaker(names, "transform-job/")],
        ),
        _passes(transform_role_arn, "sagemaker.amazonaws.com"),
        _emits(names),
    ]


def alert_topic(names: Names) -> Document:
    """Topic policy: alarms and budgets of this account may publish.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    topic = names.arn("sns", names.shared("alerts"))
    return document(
        _of_service("cloudwatch.amazonaws.com", ["sns:Publish"], topic, names),
        _of_service("budgets.amazonaws.com", ["sns:Publish"], topic, names),
    )


def alert_key(names: Names) -> Document:
    """Policy of the topic's key: the account rules it, alarms and budgets publish with it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{names.account}:root"},
            "Action": "kms:*",
            # In a key's policy it means the key.
            "Resource": "*",
        },
        _of_service("cloudwatch.amazonaws.com", actions, "*", names),
        _of_service("budgets.amazonaws.com", actions, "*", names),
    )


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
            [_sagemaker(names, kind) for kind in kinds],
        ),
        allow(["states:ListExecutions"], [names.state_machine_arn("*")]),
        allow(["states:StopExecution"], [names.arn("states", f"execution:{names.of_model('*')}:*")]),
    ]
    if empty_on_destroy:
        buckets = [names.bucket(kind) for kind in ("landing", "lake", "models", "capture")]
        statements += [
            allow(["s3:ListBucketVersions"], [_bucket(bucket) for bucket in buckets]),
            allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], [_objects(bucket, "*") for bucket in buckets]),
        ]
    return statements


def experiments(names: Names) -> Document:
    """The MLflow App: keeps and shows what jobs hand to it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-app-setup-prerequisites-iam.html
    """
    models = names.bucket("models")
    files = [_objects(models, f"{s3_layout.EXPERIMENTS}*")]
    return document(
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], files), allow(["s3:ListBucket"], [_bucket(models)])
    )


def training_job(names: Names, image_repository_arn: str, *, mlflow_app_arn: Any = None) -> Document:
    """A training job: reads its channels, writes its run's folder, and its record to the stack's MLflow App, if any.

    The App's ARN is known once it is made, and may be a Pulumi output: its name is no part of it.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMlflowApp.html
    """
    lake, models = names.bucket("lake"), names.bucket("models")
    return document(
        allow(["s3:GetObject"], [*_batches(lake), _objects(models, "*/runs/*")]),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], [_objects(models, "*/runs/*")]),
        allow(["s3:ListBucket"], [_bucket(lake), _bucket(models)]),
        *_container(names, image_repository_arn, "TrainingJobs"),
        *([] if mlflow_app_arn is None else _writes_experiments(names, mlflow_app_arn)),
    )


def _writes_experiments(names: Names, mlflow_app_arn: Any) -> list[Statement]:
    """MLflow's client asks the App, by one action for its whole API, and puts a run's files into the bucket itself."""
    return [
        allow(["sagemaker:CallMlflowAppApi"], [mlflow_app_arn]),
        allow(["s3:PutObject"], [_objects(names.bucket("models"), f"{s3_layout.EXPERIMENTS}*")]),
    ]


def endpoint(names: Names, image_repository_arn: str, *, captures: bool) -> Document:
    """A container behind an endpoint: reads its model's archive, and keeps the calls where they are monitored.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """
    models, capture = names.bucket("models"), names.bucket("capture")
    return document(
        allow(["s3:GetObject"], [_objects(models, "*/runs/*")]),
        allow(["s3:ListBucket"], [_bucket(models)]),
        # Below <model>/<endpoint>/, and nothing else that the bucket may come to hold.
        *([allow(["s3:PutObject"], [_objects(capture, f"*/{names.of_model('*')}/*")])] if captures else []),
        *_container(names, image_repository_arn, "Endpoints"),
    )


def batch_transform(names: Names, image_repository_arn: str) -> Document:
    """A transform job: reads its model's archive and validated batches, writes predictions out of sight."""
    lake, models = names.bucket("lake"), names.bucket("models")
    return document(
        allow(["s3:GetObject"], [_objects(models, "*/runs/*"), *_batches(lake)]),
        allow(["s3:PutObject"], [_objects(lake, "scoring/*")]),
        allow(["s3:ListBucket"], [_bucket(lake), _bucket(models)]),
        *_container(names, image_repository_arn, "TransformJobs"),
    )


def state_machine(names: Names, training_role_arn: str) -> Document:
    """A model's state machine: runs the job, or a tuning job, by `.sync`, then register_model.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html#sagemaker-iam
    """
    return document(
        allow(
            [f"sagemaker:{verb}TrainingJob" for verb in ("Create", "Describe", "Stop")] + ["sagemaker:AddTags"],
            [_sagemaker(names, "training-job/")],
        ),
        allow(
            [f"sagemaker:{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")]
            + ["sagemaker:AddTags"],
            [_sagemaker(names, "hyper-parameter-tuning-job/")],
        ),
        _passes(training_role_arn, "sagemaker.amazonaws.com"),
        allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [names.arn("events", f"rule/{rule}") for rule in (SAGEMAKER_MANAGED_RULE, TUNING_MANAGED_RULE)],
        ),
        allow(["lambda:InvokeFunction"], [names.arn("lambda", f"function:{names.shared('register_model')}")]),
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


def _batches(lake: str) -> list[str]:
    """Validated rows, and the same with what their windows held."""
    return [_objects(lake, "validated/*"), _objects(lake, "features/*")]


def _reads_registry(names: Names) -> list[Statement]:
    return [
        _lists(["sagemaker:ListModelPackages"]),
        allow(["sagemaker:DescribeModelPackage"], [_sagemaker(names, "model-package/")]),
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


def _of_service(service: str, actions: list[str], resource: str, names: Names) -> Statement:
    """Lets a service of AWS do something on behalf of this account only."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": actions,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": names.account}},
    }


def _passes(role_arn: str, service: str) -> Statement:
    return allow(["iam:PassRole"], [role_arn], {"StringEquals": {"iam:PassedToService": service}})


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _objects(bucket: str, keys: str) -> str:
    return f"arn:aws:s3:::{bucket}/{keys}"


def _table(names: Names, noun: str) -> str:
    return names.arn("dynamodb", f"table/{names.shared(noun)}")


def _sagemaker(names: Names, kind: str) -> str:
    """Every resource of a kind that belongs to the stack's models; `kind` ends in a slash."""
    return names.arn("sagemaker", f"{kind}{names.of_model('*')}")
