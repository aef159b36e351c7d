"""What can be checked of the image without building it."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
REQUIREMENTS = REPOSITORY / "requirements"
# The pure rules and clients that no job imports need nothing of their own; these two come with pyproject's core.
CORE = {"numpy", "pyarrow", "pydantic"}


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by package name; several where a lock has markers."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE):
        found.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return found


def wanted() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["training"]
    return CORE | {re.split(r"[<>=!~ \[]", requirement)[0] for requirement in extra}


def test_the_image_holds_what_the_training_extra_asks_for():
    assert wanted() <= set(pins(REQUIREMENTS / "training.txt"))
    assert (wanted() - {"xgboost-cpu"}) | {"xgboost"} <= set(pins(REQUIREMENTS / "training-gpu.txt"))


@pytest.mark.parametrize("name", ["training.txt", "training-gpu.txt"])
def test_the_image_has_the_versions_of_the_lock(name: str):
    lock = pins(REQUIREMENTS / "lock.txt")
    for package, versions in pins(REQUIREMENTS / name).items():
        twin = "xgboost-cpu" if package == "xgboost" else package
        if package != "nvidia-nccl-cu13":  # the GPU wheel's own
            assert versions <= lock[twin], package


def test_the_image_with_mlflows_client_is_the_image_and_more():
    plain, more = (pins(REQUIREMENTS / name) for name in ("training.txt", "training-experiments.txt"))
    assert plain.items() <= more.items()
    assert {"mlflow-skinny", "sagemaker-mlflow", "boto3"} <= set(more)
    assert more["mlflow-skinny"] == pins(REQUIREMENTS / "experiments.txt")["mlflow"]


@pytest.mark.parametrize("name", ["training.txt", "training-gpu.txt", "training-experiments.txt", "experiments.txt"])
def test_every_package_of_the_image_has_hashes_and_no_address(name: str):
    text = (REQUIREMENTS / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_image_leaves_the_command_line_and_boto3_out():
    assert not {"boto3", "typer", "pandas", "pulumi"} & set(pins(REQUIREMENTS / "training.txt"))


def test_the_dockerfile_copies_what_exists():
    text = (REPOSITORY / "training" / "Dockerfile").read_text()
    sources = [line.split()[1] for line in text.splitlines() if line.startswith("COPY ")]
    for source in sources:
        for name in ("training", "training-gpu"):
            assert (REPOSITORY / source.replace("${REQUIREMENTS}", name)).exists(), source
    assert 'ENTRYPOINT ["python", "-m", "training"]' in text
