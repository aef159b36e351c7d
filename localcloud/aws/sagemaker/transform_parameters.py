"""How a transform job sends its requests: as the job says, else as its container suggests, else by AWS's defaults.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from dataclasses import dataclass

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.store import Document

_MIB = 1024 * 1024
_STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
_DEFAULTS: Document = {"MaxConcurrentTransforms": 1, "MaxPayloadInMB": 6, "BatchStrategy": "MULTI_RECORD"}
_MAX_PAYLOAD_MB = 100


@dataclass(frozen=True, slots=True)
class TransformParameters:
    """Settled for one job.

    Attributes:
        concurrent: Requests under way at a time at each instance.
        max_payload_bytes: Longest body of a request.
        is_single_record: Whether each record is a request of its own.
    """

    concurrent: int
    max_payload_bytes: int
    is_single_record: bool

    @property
    def max_payload_mb(self) -> int:
        """The longest body in AWS's unit."""
        return self.max_payload_bytes // _MIB


def check_parameters(request: Document) -> None:
    """Refuses what AWS refuses, and what is not done on this machine.

    Raises:
        ValidationError: Together, the requests under way may hold more than 100 MB; or they are to be sent in chunks.
    """
    if request.get("MaxPayloadInMB") == 0:
        raise ValidationError("MaxPayloadInMB 0 (HTTP chunks) is not done on this machine; set 1 to 100.")
    concurrent, payload_mb = (
        int(request.get(name) or _DEFAULTS[name]) for name in ("MaxConcurrentTransforms", "MaxPayloadInMB")
    )
    if concurrent * payload_mb > _MAX_PAYLOAD_MB:
        raise ValidationError(
            f"MaxConcurrentTransforms ({concurrent}) * MaxPayloadInMB ({payload_mb}) must not exceed "
            f"{_MAX_PAYLOAD_MB} MB."
        )


def container_environment(job: Document) -> dict[str, str]:
    """What a container is told of its job; AWS passes on only what the request says."""
    environment = {"SAGEMAKER_BATCH": "true"}
    wished = _wished(job)
    for member, variable in (
        ("MaxPayloadInMB", "SAGEMAKER_MAX_PAYLOAD_IN_MB"),
        ("BatchStrategy", "SAGEMAKER_BATCH_STRATEGY"),
        ("MaxConcurrentTransforms", "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"),
    ):
        if member in wished:
            environment[variable] = str(wished[member])
    environment.update(job.get("Environment", {}))
    return environment


def settle(job: Document, suggested: Document) -> TransformParameters:
    """What counts for a job.

    Args:
        job: Its request.
        suggested: The container's answer to GET /execution-parameters; empty when it has none.

    Raises:
        ContainerFailure: The container suggests what cannot be.
    """
    settled = _DEFAULTS | {name: value for name, value in suggested.items() if name in _DEFAULTS} | _wished(job)
    concurrent, payload_mb, strategy = (settled[name] for name in _DEFAULTS)
    if (
        not _is_between(concurrent, 1, _MAX_PAYLOAD_MB)
        or not _is_between(payload_mb, 1, _MAX_PAYLOAD_MB)
        or strategy not in _STRATEGIES.values()
    ):
        raise ContainerFailure(
            f"AlgorithmError: GET /execution-parameters answered {suggested}; expected MaxConcurrentTransforms and "
            f"MaxPayloadInMB of 1 to {_MAX_PAYLOAD_MB}, and BatchStrategy {' or '.join(_STRATEGIES.values())}."
        )
    return TransformParameters(concurrent, payload_mb * _MIB, strategy == "SINGLE_RECORD")


def _wished(job: Document) -> Document:
    """What the request says, in the container's words; 0 concurrent transforms are as good as none said."""
    wished = {name: job[name] for name in _DEFAULTS if job.get(name)}
    if "BatchStrategy" in wished:
        wished["BatchStrategy"] = _STRATEGIES[wished["BatchStrategy"]]
    return wished


def _is_between(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
