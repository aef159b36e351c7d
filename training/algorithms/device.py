"""Where to fit: on a GPU when the instance has one and the image's XGBoost can use it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Literal

import xgboost

from training.progress import say

Device = Literal["cpu", "cuda"]

GPU_COUNT_VARIABLE = "SM_NUM_GPUS"


def choose_device(environment: Mapping[str, str] = os.environ) -> Device:
    """`cuda` when SM_NUM_GPUS is above 0, or nvidia-smi lists a GPU, and XGBoost was built with CUDA."""
    if not _has_gpu(environment):
        return "cpu"
    if not xgboost.build_info().get("USE_CUDA"):
        say("This instance has a GPU, but the image holds XGBoost for CPUs only; training on the CPU.")
        return "cpu"
    return "cuda"


def _has_gpu(environment: Mapping[str, str]) -> bool:
    count = environment.get(GPU_COUNT_VARIABLE, "")
    if count.isdigit():
        return int(count) > 0
    if shutil.which("nvidia-smi") is None:
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and "GPU" in listed.stdout
