"""Data capture: which calls of an endpoint are kept, and how a kept call is written down.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from localcloud.aws.sagemaker.s3_access import S3Uri
from localcloud.aws.sagemaker.store import Document

_UNTYPED = "application/octet-stream"
_BASE64 = "BASE64"


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """What a DataCaptureConfig asks for.

    Attributes:
        percentage: Share of the successful calls that is kept, 0 to 100.
        destination: Where the files go; its key has no slash at the end.
        modes: `Input`, `Output` or both.
        encodings: How a content type is written that is not in base64: `CSV` or `JSON` by media type.
        kms_key_id: Key of the files, or empty.
    """

    percentage: float
    destination: S3Uri
    modes: frozenset[str]
    encodings: dict[str, str]
    kms_key_id: str = ""

    @classmethod
    def from_config(cls, config: Document | None) -> Self | None:
        """The plan of an EndpointConfig's DataCaptureConfig; None where nothing is captured.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
        """
        if config is None or not config.get("EnableCapture", True):
            return None
        uri = S3Uri.parse(config["DestinationS3Uri"])
        listed = config.get("CaptureContentTypeHeader", {})
        encodings = dict.fromkeys(listed.get("CsvContentTypes", []), "CSV")
        encodings |= dict.fromkeys(listed.get("JsonContentTypes", []), "JSON")
        return cls(
            percentage=config["InitialSamplingPercentage"],
            destination=S3Uri(uri.bucket, uri.key.strip("/")),
            modes=frozenset(option["CaptureMode"] for option in config["CaptureOptions"]),
            encodings=encodings,
            kms_key_id=config.get("KmsKeyId", ""),
        )

    def draws(self) -> bool:
        """Whether a call is kept; another one may not be."""
        return self.percentage >= 100 or random.random() * 100 < self.percentage  # noqa: S311  (a sample, no secret)


def capture_summary(config: Document) -> Document:
    """A DataCaptureConfig as DescribeEndpoint shows it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfigSummary.html
    """
    is_on = config.get("EnableCapture", True)
    summary = {
        "EnableCapture": is_on,
        "CaptureStatus": "Started" if is_on else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
    }
    return summary | ({"KmsKeyId": config["KmsKeyId"]} if "KmsKeyId" in config else {})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call that is kept: what was asked and what was answered.

    Attributes:
        endpoint: Name of the endpoint.
        variant: The variant that answered.
        role_arn: The role that the files are written with.
        region: The endpoint's.
        moment: When it was answered, in epoch seconds by the edge's clock.
        inference_id: The caller's, or empty.
        custom_attributes: The caller's, or empty.
    """

    plan: CapturePlan
    endpoint: str
    variant: str
    role_arn: str
    region: str
    moment: float
    request_type: str
    request_body: bytes
    answer_type: str
    answer_body: bytes
    inference_id: str = ""
    custom_attributes: str = ""

    @property
    def folder(self) -> str:
        """Key prefix of its file: `<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/`."""
        hour = datetime.fromtimestamp(self.moment, UTC).strftime("%Y/%m/%d/%H")
        parts = (self.plan.destination.key, self.endpoint, self.variant, hour)
        return "/".join(part for part in parts if part) + "/"

    def line(self) -> bytes:
        """Its line of a capture file, with the line's end."""
        data: dict[str, Any] = {}
        if "Input" in self.plan.modes:
            data["endpointInput"] = self._side("INPUT", self.request_type, self.request_body)
        if "Output" in self.plan.modes:
            data["endpointOutput"] = self._side("OUTPUT", self.answer_type, self.answer_body)
        moment = datetime.fromtimestamp(self.moment, UTC)
        metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
        if self.custom_attributes:
            metadata["customAttributes"] = [self.custom_attributes]
        if self.inference_id:
            metadata["inferenceId"] = self.inference_id
        metadata["inferenceTime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        record = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"

    def _side(self, mode: str, content_type: str, body: bytes) -> dict[str, str]:
        encoding = self.plan.encodings.get(content_type.partition(";")[0].strip().lower(), _BASE64)
        try:
            text = base64.b64encode(body).decode() if encoding == _BASE64 else body.decode()
        except UnicodeDecodeError:  # the caller called something text that is none
            encoding, text = _BASE64, base64.b64encode(body).decode()
        return {
            "observedContentType": content_type or _UNTYPED,
            "mode": mode,
            "data": text,
            "encoding": encoding,
        }
