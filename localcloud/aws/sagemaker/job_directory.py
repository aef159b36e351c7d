"""The training container's contract: files below /opt/ml and environment variables.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html and
https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.aws_clients import Credentials
from localcloud.aws.sagemaker.containers.images import Image
from localcloud.aws.sagemaker.containers.sandbox import CONTAINER_BASE
from localcloud.aws.sagemaker.store import Document

_DIRECTORIES = ("input/config", "input/data", "model", "output/data", "checkpoints", "code")
# What a process needs to run at all; nothing else of the emulator's environment is the job's business.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")


def host_names(job: Document) -> list[str]:
    """Names by which the hosts of a job find each other."""
    return [f"algo-{number}" for number in range(1, job["ResourceConfig"].get("InstanceCount", 1) + 1)]


def write_host_names(directory: Path, names: list[str]) -> Path:
    """An /etc/hosts in which they are this machine, beside what the machine's own says."""
    path = directory / "hosts"
    own = Path("/etc/hosts").read_text() if Path("/etc/hosts").is_file() else ""
    path.write_text(f"127.0.0.1 {' '.join(names)}\n{own}")
    return path


def prepare_job_directory(ml_dir: Path, job: Document, host: str) -> None:
    """Makes a host's /opt/ml anew, with everything in it but the channels' files."""
    if ml_dir.exists():
        shutil.rmtree(ml_dir)
    for name in _DIRECTORIES:
        (ml_dir / name).mkdir(parents=True)
    instance_type = job["ResourceConfig"].get("InstanceType", "local")
    documents: dict[str, Any] = {
        "hyperparameters": job.get("HyperParameters", {}),
        "inputdataconfig": {
            channel["ChannelName"]: {
                "TrainingInputMode": channel.get("InputMode", "File"),
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
            }
            for channel in job.get("InputDataConfig", [])
        },
        "resourceconfig": {
            "current_host": host,
            "current_instance_type": instance_type,
            "current_group_name": "homogeneousCluster",
            "hosts": host_names(job),
            "instance_groups": [
                {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": host_names(job)}
            ],
            "network_interface_name": "lo",
        },
    }
    for name, document in documents.items():
        (ml_dir / "input/config" / f"{name}.json").write_text(json.dumps(document))


def base_environment(image: Image, edge_url: str, region: str, credentials: Credentials, home: Path) -> dict[str, str]:
    """What every container of a role gets, on top of what its image sets.

    `home` is a private directory for temporary files.
    """
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(home),
        **dict(image.env),
        "AWS_ENDPOINT_URL": edge_url,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token or "",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
    }


def training_environment(job: Document, host: str) -> dict[str, str]:
    """What a training container gets besides; the request's own `Environment` wins."""
    hyperparameters: dict[str, str] = job.get("HyperParameters", {})
    channels = [channel["ChannelName"] for channel in job.get("InputDataConfig", [])]
    return {
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        "TRAINING_JOB_ARN": job["TrainingJobArn"],
        "SM_MODEL_DIR": f"{CONTAINER_BASE}/model",
        "SM_OUTPUT_DIR": f"{CONTAINER_BASE}/output",
        "SM_OUTPUT_DATA_DIR": f"{CONTAINER_BASE}/output/data",
        "SM_INPUT_DIR": f"{CONTAINER_BASE}/input",
        "SM_INPUT_CONFIG_DIR": f"{CONTAINER_BASE}/input/config",
        "SM_HPS": json.dumps(hyperparameters),
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_CURRENT_HOST": host,
        "SM_HOSTS": json.dumps(host_names(job)),
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_NUM_GPUS": "0",
        **{f"SM_CHANNEL_{name.upper()}": f"{CONTAINER_BASE}/input/data/{name}" for name in channels},
        **{f"SM_HP_{name.upper()}": value for name, value in hyperparameters.items()},
        **job.get("Environment", {}),
    }
