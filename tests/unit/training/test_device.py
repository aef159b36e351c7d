import os
import stat
from pathlib import Path

import pytest
import xgboost

from training.algorithms.device import choose_device


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": True})


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("with_cuda")
@pytest.mark.parametrize(("count", "device"), [("1", "cuda"), ("4", "cuda"), ("0", "cpu")])
def test_sagemakers_count_of_gpus_decides(count: str, device: str):
    assert choose_device({"SM_NUM_GPUS": count}) == device


@pytest.mark.usefixtures("with_cuda")
def test_without_a_count_the_driver_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nvidia_smi(tmp_path, monkeypatch, "echo 'GPU 0: NVIDIA A10G'")
    assert choose_device({}) == "cuda"


@pytest.mark.usefixtures("with_cuda")
def test_a_driver_without_a_gpu_means_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nvidia_smi(tmp_path, monkeypatch, "echo 'No devices were found'; exit 6")
    assert choose_device({}) == "cpu"


def test_an_image_for_cpus_says_that_it_leaves_the_gpu_idle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": False})
    assert choose_device({"SM_NUM_GPUS": "1"}) == "cpu"
    assert "holds XGBoost for CPUs only" in capsys.readouterr().out
