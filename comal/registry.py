"""A model's versions in SageMaker's model registry, as the kit reads them.

A version is a model package in the group `Names.of_model`. What the kit knows beyond the registry's own fields lies in
CustomerMetadataProperties: run_id, expires_at, when_expired, trained_rows, and every metric under its name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from comal.absence import is_absent
from comal.evaluation import RecentScores
from comal.names import Names
from comal.one_line import one_line

APPROVED = "Approved"
REJECTED = "Rejected"
PENDING = "PendingManualApproval"

# Between the reasons of a version, the newest first.
BEFORE = " | before: "
# How the reason begins of a version that its endpoint could not be moved to.
NOT_SERVED = "rollback: "

_DESCRIPTIVE = ("run_id", "expires_at", "when_expired", "trained_rows")
_RECENT = "recent_"


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model.

    Attributes:
        approval: Approved, Rejected or PendingManualApproval.
        why: Why it was approved or rejected, or what it waits for; behind BEFORE what was so until then.
        metrics: On the held-out rows.
        recent: Metrics on the recent rows (evaluation.RecentScores), as `challenger_rmse` and `champion_rmse`, and
            `rows`; empty where there were none.
        run_id: Run that made it; empty for a version that somebody else registered.
        trained_rows: Rows that it learned from; None for a version that somebody else registered.
        expires_at: Timezone-aware; None for a version that somebody else registered.
        refuses_when_expired: Whether it shall not predict once it has expired.
        image_uri: Container that serves it.
        image_digest: What SageMaker found that address to be; empty where it does not say (the local cloud, which runs
            the container's files).
        model_data_url: S3 address of its model.tar.gz.
    """

    version: int
    arn: str
    approval: str
    why: str
    created_at: datetime
    metrics: Mapping[str, float]
    run_id: str
    trained_rows: int | None
    expires_at: datetime | None
    image_uri: str
    model_data_url: str
    recent: Mapping[str, float] = field(default_factory=dict)
    refuses_when_expired: bool = False
    image_digest: str = ""


def versions(sagemaker: Any, names: Names, model: str, approval: str | None = None) -> Iterator[ModelVersion]:
    """A model's versions, newest first; described one by one, as they are asked for.

    Args:
        sagemaker: A boto3 client.
        names: Names of the stack.
        model: Name of the model; a model without a group has no versions.
        approval: Only versions with this approval.
    """
    wanted = {"ModelApprovalStatus": approval} if approval else {}
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=names.of_model(model), SortBy="CreationTime", SortOrder="Descending", **wanted
    )
    try:
        found = [package for page in pages for package in page["ModelPackageSummaryList"]]
    except ClientError as error:
        if is_absent(error):
            return
        raise
    for package in sorted(found, key=lambda package: -int(package["ModelPackageVersion"])):
        yield describe(sagemaker, package["ModelPackageArn"])


def champion(sagemaker: Any, names: Names, model: str) -> ModelVersion | None:
    """The newest approved version, or None."""
    return next(versions(sagemaker, names, model, APPROVED), None)


def describe(sagemaker: Any, arn: str) -> ModelVersion:
    """One version, by the ARN of its model package."""
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    notes = package.get("CustomerMetadataProperties", {})
    container = package["InferenceSpecification"]["Containers"][0]
    return ModelVersion(
        version=package["ModelPackageVersion"],
        arn=package["ModelPackageArn"],
        approval=package["ModelApprovalStatus"],
        why=one_line(package.get("ApprovalDescription", "")),
        created_at=package["CreationTime"],
        metrics={name: float(value) for name, value in _metrics(notes)},
        run_id=notes.get("run_id", ""),
        trained_rows=int(notes["trained_rows"]) if "trained_rows" in notes else None,
        expires_at=datetime.fromisoformat(notes["expires_at"]) if "expires_at" in notes else None,
        image_uri=container["Image"],
        image_digest=container.get("ImageDigest", ""),
        model_data_url=container["ModelDataUrl"],
        recent={name.removeprefix(_RECENT): float(notes[name]) for name in notes if name.startswith(_RECENT)},
        refuses_when_expired=notes.get("when_expired") == "refuse",
    )


def _metrics(notes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in notes.items() if name not in _DESCRIPTIVE and not name.startswith(_RECENT))


def customer_metadata(
    *,
    run_id: str,
    expires_at: datetime,
    when_expired: str,
    trained_rows: int,
    metrics: Mapping[str, float],
    recent: RecentScores | None = None,
) -> dict[str, str]:
    """CustomerMetadataProperties of a version that the kit registers; `describe` reads them back.

    Values hold at most 256 characters.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
    """
    return {
        "run_id": run_id,
        "expires_at": expires_at.isoformat(),
        "when_expired": when_expired,
        "trained_rows": str(trained_rows),
        **{name: repr(value) for name, value in metrics.items()},
        **_recent_metadata(recent),
    }


def _recent_metadata(recent: RecentScores | None) -> dict[str, str]:
    if recent is None:
        return {}
    sides = {"challenger": recent.challenger, "champion": recent.champion}
    return {
        f"{_RECENT}rows": str(recent.held_out_rows),
        **{f"{_RECENT}{side}_{name}": repr(value) for side, scores in sides.items() for name, value in scores.items()},
    }


def judge(sagemaker: Any, arn: str, *, approved: bool, why: str, before: str = "") -> None:
    """Record a verdict on a version; the same verdict twice changes nothing.

    Args:
        sagemaker: A boto3 client.
        arn: Of its model package.
        approved: The verdict.
        why: Why; kept as one reason in one line, whatever it holds.
        before: What `why` was until now; kept behind the new one, as far as 1,024 characters reach.
    """
    reason = one_line(why).replace(BEFORE.strip(), BEFORE.strip().replace("|", "/"))
    kept = before if reasons_of(before)[0] == reason else f"{reason}{BEFORE}{before}" if before else reason
    _note(sagemaker, arn, APPROVED if approved else REJECTED, kept)


def reasons_of(why: str) -> list[str]:
    """The reasons in a version's `why`, the newest first; one, empty, where nothing was said yet."""
    return why.split(BEFORE)


def postpone(sagemaker: Any, arn: str, why: str) -> None:
    """Leave the verdict on a version to a person, and say why."""
    _note(sagemaker, arn, PENDING, why)


def _note(sagemaker: Any, arn: str, approval: str, why: str) -> None:
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=approval, ApprovalDescription=why[:1024])
