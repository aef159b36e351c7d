"""A deployment of an endpoint, as its document keeps it: an id, a config's name, a plan, and what is captured."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import PROCESS
from localcloud.aws.sagemaker.serving_plan import VariantPlan
from localcloud.aws.sagemaker.store import Document


def plan_of(deployment: Document) -> list[VariantPlan]:
    """Its plan."""
    return [VariantPlan(**row) for row in deployment["Plan"]]


def plan_rows(plan: Sequence[VariantPlan]) -> list[Document]:
    """A plan as a deployment keeps it."""
    return [asdict(variant) for variant in plan]


def instance_name(variant: str, number: int) -> str:
    """Name of an instance's directory, below its deployment's."""
    return f"{variant}-{number}"


def end_strays(directory: Path, serving: Document | None) -> None:
    """Kills what a killed emulator had been starting or stopping, and removes its files.

    Args:
        directory: The endpoint's; holds a directory for each deployment.
        serving: The deployment that serves, whose instances stay; None when nothing does.
    """
    kept: set[Path] = set()
    if serving is not None:
        for variant in plan_of(serving):
            names = (instance_name(variant.name, number) for number in range(variant.instances))
            kept |= {directory / serving["Id"] / name for name in names}
    for record in directory.glob(f"*/*/{PROCESS}"):
        if record.parent in kept:
            continue
        process = SupervisedProcess.find(record.parent)
        if process is not None:
            process.kill()
        shutil.rmtree(record.parent)
    for deployment in directory.glob("*/"):
        if serving is None or deployment.name != serving["Id"]:
            shutil.rmtree(deployment)
