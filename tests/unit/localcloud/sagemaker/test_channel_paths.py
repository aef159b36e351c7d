from pathlib import Path

import pytest

from localcloud.aws.sagemaker.channels import relative_to_prefix
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.s3_access import local_path


@pytest.mark.parametrize(
    ("key", "prefix", "relative"),
    [
        ("data/train/a.csv", "data/train/", "a.csv"),
        ("data/train/deep/a.csv", "data/train", "deep/a.csv"),
        ("models/model.tar.gz", "models/model.tar.gz", "model.tar.gz"),
        ("data/train-2/a.csv", "data/train", "train-2/a.csv"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_a_file_keeps_its_path_below_the_prefix(key: str, prefix: str, relative: str) -> None:
    assert relative_to_prefix(key, prefix) == relative


@pytest.mark.parametrize("relative", ["../a", "a/../../b", "/etc/passwd", ""])
def test_a_key_cannot_leave_its_channel(relative: str) -> None:
    with pytest.raises(ContainerFailure, match="no path below a channel"):
        local_path(Path("/channel"), relative)
