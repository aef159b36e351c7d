"""Taking one model back to before its first push; the stack and every other model stay as they are."""

import re
import time
from collections.abc import Iterator
from typing import Any

from comal import s3_layout
from comal.cli.endpoint import endpoint_of
from comal.cli.items import rows_of
from comal.cli.patience import wait_for
from comal.cli.runs import RUNNING
from comal.cli.target import Target
from comal.cli.versions import versions_of

# Areas of the lake that hold a model's data; recipes/ belongs to the stack.
LAKE_AREAS = (
    "validated",
    "quarantine",
    "reports",
    "profiles",
    "captured",
    "labels",
    "monitoring",
    "scoring",
    "predictions",
)
RUN_ID = "[0-9a-f]{12}"
STOP_TIMEOUT_S = 60.0
DRAIN_TIMEOUT_S = 5.0
DRAIN_POLL_S = 0.2


def reset_model(target: Target, model: str) -> dict[str, int]:
    """Remove everything that pushes and runs made of a model.

    Order matters: triggers go first so that no run follows the one that is stopped, versions go before the endpoint
    so that deploy_model does not bring it back.

    Returns:
        How many of each kind were removed: runs, versions, endpoints, objects, rows.
    """
    rows = _delete_rows(target, model, "retraining", keep="state")
    runs = _stop_runs(target, model)
    _let_messages_drain(target)
    versions = _delete_versions(target, model)
    endpoints = _delete_endpoint(target, model)
    rows += _delete_rows(target, model, "retraining")
    rows += _delete_rows(target, model, "batches")
    objects = _delete_objects(target, "landing", s3_layout.incoming_key(model, ""))
    objects += sum(_delete_objects(target, "lake", f"{area}/{model}/") for area in LAKE_AREAS)
    objects += _delete_objects(target, "landing", s3_layout.labels_key(model, ""))
    objects += _delete_objects(target, "models", f"{model}/")
    if _is_monitored(target):
        rows += _delete_rows(target, model, "monitoring")
        objects += _delete_objects(target, "capture", s3_layout.capture_prefix(model))
    return {"runs": runs, "versions": versions, "endpoints": endpoints, "objects": objects, "rows": rows}


def _is_monitored(target: Target) -> bool:
    """Whether the stack has the component `monitoring`."""
    s3 = target.client("s3")
    buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    return target.names.bucket("capture") in buckets


def _stop_runs(target: Target, model: str) -> int:
    states, sagemaker = target.client("stepfunctions"), target.client("sagemaker")
    running = states.list_executions(stateMachineArn=target.names.state_machine_arn(model), statusFilter=RUNNING)
    for execution in running["executions"]:
        states.stop_execution(executionArn=execution["executionArn"], error="Reset", cause="The demo starts afresh.")
    for job in _jobs(target, model, "InProgress"):
        sagemaker.stop_training_job(TrainingJobName=job)

    def all_ended() -> bool | None:
        return None if _jobs(target, model, "InProgress") or _jobs(target, model, "Stopping") else True

    wait_for(
        all_ended,
        what=f"the running jobs of {model} to stop",
        timeout_s=STOP_TIMEOUT_S,
        next_step=f"Run: comal logs job {model}",
    )
    return len(running["executions"])


def _jobs(target: Target, model: str, status: str) -> list[str]:
    """Names of a model's jobs in a state; those of `tacos-gpu` are not those of `tacos`."""
    prefix = target.names.training_job(model, "")
    pages = target.client("sagemaker").get_paginator("list_training_jobs")
    jobs = [
        job["TrainingJobName"]
        for page in pages.paginate(NameContains=prefix, StatusEquals=status)
        for job in page["TrainingJobSummaries"]
    ]
    return [job for job in jobs if re.fullmatch(RUN_ID, job.removeprefix(prefix))]


def _let_messages_drain(target: Target) -> None:
    """Wait until the functions have handled what was on its way, so that no old message meets the new rows.

    After a killed process a message may stay invisible for minutes; functions are idempotent, so we go on then.
    """
    sqs = target.client("sqs")
    urls = sqs.list_queues(QueueNamePrefix=target.names.shared("")).get("QueueUrls", [])
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while time.monotonic() < deadline:
        attributes = [
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
            for url in urls
            if not url.endswith("-dead-letters")
        ]
        if all(int(value) == 0 for queue in attributes for value in queue.values()):
            return
        time.sleep(DRAIN_POLL_S)


def _delete_versions(target: Target, model: str) -> int:
    versions = versions_of(target, model)
    for version in versions:
        target.client("sagemaker").delete_model_package(ModelPackageName=version["model_package_arn"])
    return len(versions)


def _delete_endpoint(target: Target, model: str) -> int:
    """The endpoint with its configs and models; those of a model whose name begins alike are not touched."""
    sagemaker = target.client("sagemaker")
    name = target.names.of_model(model)
    exists = endpoint_of(target, model) is not None
    if exists:
        wait_for(
            lambda: _at_rest(target, model),
            what=f"endpoint {name} to be at rest",
            timeout_s=STOP_TIMEOUT_S,
            next_step=f"Run: comal logs endpoint {model}",
        )
        sagemaker.delete_endpoint(EndpointName=name)
    for config in _tagged(target, model, "list_endpoint_configs", "EndpointConfigs", "EndpointConfig"):
        sagemaker.delete_endpoint_config(EndpointConfigName=config)
    for served in _tagged(target, model, "list_models", "Models", "Model"):
        sagemaker.delete_model(ModelName=served)
    return int(exists)


def _at_rest(target: Target, model: str) -> bool | None:
    """An endpoint that is being changed cannot be deleted."""
    endpoint = endpoint_of(target, model)
    return True if endpoint is None or endpoint["status"] not in {"Creating", "Updating"} else None


def _tagged(target: Target, model: str, operation: str, key: str, kind: str) -> list[str]:
    """Names of the resources of a kind that deploy_model tagged with the model."""
    sagemaker = target.client("sagemaker")
    pages = sagemaker.get_paginator(operation).paginate(NameContains=target.names.of_model(model))
    names = []
    for item in (item for page in pages for item in page[key]):
        tags = sagemaker.list_tags(ResourceArn=item[f"{kind}Arn"])["Tags"]
        if {"Key": "comal:model", "Value": model} in tags:
            names.append(item[f"{kind}Name"])
    return names


def _delete_rows(target: Target, model: str, table: str, keep: str = "") -> int:
    client, name = target.client("dynamodb"), target.names.shared(table)
    doomed = [row["sk"] for row in rows_of(target, table, model) if row["sk"] != keep]
    for sort_key in doomed:
        client.delete_item(TableName=name, Key={"pk": {"S": model}, "sk": {"S": sort_key}})
    return len(doomed)


def _delete_objects(target: Target, kind: str, prefix: str) -> int:
    """Every version below a prefix."""
    s3, bucket = target.client("s3"), target.names.bucket(kind)
    count = 0
    for batch in _version_batches(s3, bucket, prefix):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        count += len(batch)
    return count


def _version_batches(s3: Any, bucket: str, prefix: str) -> Iterator[list[dict[str, str]]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if found:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
