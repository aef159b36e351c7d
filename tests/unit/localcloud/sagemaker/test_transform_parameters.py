"""How a transform job sends its requests: what it says, what its container suggests, AWS's defaults."""

from typing import Any

import pytest

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.transform_parameters import (
    TransformParameters,
    check_parameters,
    container_environment,
    settle,
)

MIB = 1024 * 1024
SUGGESTED = {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}


def test_the_job_counts_before_its_container_and_that_before_the_defaults() -> None:
    assert settle({}, {}) == TransformParameters(1, 6 * MIB, is_single_record=False)
    assert settle({}, SUGGESTED) == TransformParameters(8, 3 * MIB, is_single_record=True)
    asked = {"MaxConcurrentTransforms": 2, "BatchStrategy": "MultiRecord", "MaxPayloadInMB": 1}
    assert settle(asked, SUGGESTED) == TransformParameters(2, MIB, is_single_record=False)


def test_no_concurrent_transforms_leave_it_to_the_container() -> None:
    assert settle({"MaxConcurrentTransforms": 0}, SUGGESTED).concurrent == 8


@pytest.mark.parametrize(
    "suggested",
    [
        {"MaxConcurrentTransforms": 0},
        {"MaxConcurrentTransforms": "2"},
        {"MaxConcurrentTransforms": True},
        {"MaxPayloadInMB": 101},
        {"BatchStrategy": "MultiRecord"},
        {"BatchStrategy": []},
    ],
)
def test_a_container_that_suggests_what_cannot_be_fails_its_job(suggested: dict[str, Any]) -> None:
    with pytest.raises(ContainerFailure, match="GET /execution-parameters answered"):
        settle({}, suggested)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"MaxConcurrentTransforms": 17}, r"\(17\) \* MaxPayloadInMB \(6\) must not exceed 100 MB"),
        ({"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 51}, "must not exceed 100 MB"),
        ({"MaxPayloadInMB": 0}, "not done on this machine"),
    ],
)
def test_what_no_job_may_ask_for_is_refused(request_: dict[str, int], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        check_parameters(request_)


def test_containers_are_told_what_their_job_says_and_nothing_else() -> None:
    assert container_environment({"Environment": {"MINE": "1"}}) == {"SAGEMAKER_BATCH": "true", "MINE": "1"}
    job = {"MaxConcurrentTransforms": 2, "BatchStrategy": "SingleRecord", "MaxPayloadInMB": 50}
    assert container_environment(job) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "50",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
    }
