"""The details of SageMaker's events: the Describe answer, with tags as a map and each family's way to write times.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from localcloud.aws.sagemaker.api_model import output_shape
from localcloud.aws.sagemaker.families import Family
from localcloud.aws.sagemaker.store import Document


def event_detail(family: Family, document: Document, tags: Mapping[str, str]) -> Document:
    """The detail of an event about a resource in its present state."""
    shape = output_shape(f"Describe{family.name}")
    known = {name: value for name, value in document.items() if name in shape.members}
    detail: Document = _with_times(shape, known, _TIME_WRITERS[family.name])
    if family.name == "Endpoint":
        detail["EndpointStatus"] = _upper_snake(document["EndpointStatus"])
    if family.name == "FeatureGroup" and document["FeatureGroupStatus"] == "Created":
        detail["FeatureGroupStatus"] = "Active"
    if family.name != "ModelPackage":
        detail["Tags"] = dict(tags)
    return detail


def _with_times(shape: Any, value: Any, write: Callable[[float], Any]) -> Any:
    if shape.type_name == "timestamp":
        return write(value)
    if shape.type_name == "structure":
        return {name: _with_times(shape.members[name], item, write) for name, item in value.items()}
    if shape.type_name == "list":
        return [_with_times(shape.member, item, write) for item in value]
    return value


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _upper_snake(status: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()


_TIME_WRITERS: dict[str, Callable[[float], Any]] = {
    "TrainingJob": lambda seconds: str(_milliseconds(seconds)),
    "TransformJob": _iso,
    "Endpoint": _milliseconds,
    "ModelPackage": _iso,
    "FeatureGroup": _milliseconds,
    "HyperParameterTuningJob": lambda seconds: str(_milliseconds(seconds)),
}
