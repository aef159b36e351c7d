"""How many processors an instance type has, by its name: CloudWatch adds their percentages up.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html
"""

import re

_SMALL = {"medium": 1, "large": 2, "xlarge": 4}
_VCPUS_PER_XLARGE = 4
# Instance types with more than one GPU, per size; of the families that serve.
# https://aws.amazon.com/sagemaker/ai/pricing/
_GPUS = {
    "g4dn": {"12xlarge": 4, "metal": 8},
    "g5": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6e": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "p2": {"8xlarge": 8, "16xlarge": 16},
    "p3": {"8xlarge": 4, "16xlarge": 8},
    "p3dn": {"24xlarge": 8},
    "p4d": {"24xlarge": 8},
    "p4de": {"24xlarge": 8},
    "p5": {"48xlarge": 8},
}


def vcpus(instance: str) -> int:
    """Processors of an instance type such as ml.c6i.large; burstable ones of a small size count as AWS counts them."""
    size = instance.rpartition(".")[2]
    multiple = re.fullmatch(r"(\d+)xlarge", size)
    if multiple:
        return int(multiple.group(1)) * _VCPUS_PER_XLARGE
    if size == "medium" and ".t" in instance:
        return 2
    return _SMALL.get(size, _VCPUS_PER_XLARGE)


def gpus(instance: str) -> int:
    """GPUs of a GPU instance type."""
    _, family, size = instance.split(".")
    return _GPUS.get(family, {}).get(size, 1)
