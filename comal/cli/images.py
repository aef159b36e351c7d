"""Which command stands in for a container image on this machine."""

import json
import os
import sys
from pathlib import Path

from comal.cli.repository import Repository

IMAGE_SETTING = "comal:imageUri"
# What training and serving import and seldom changes: jobs fork from an interpreter that has it, seconds faster.
PRELOAD = (
    "numpy",
    "orjson",
    "pyarrow.parquet",
    "pydantic",
    "sklearn.linear_model",
    "sklearn.metrics",
    "uvicorn",
    "xgboost",
)


def write_images(repository: Repository) -> Path:
    """Tell the local cloud how to run the images that stack files name: this clone's `training`, this interpreter.

    Returns:
        The file, as `localcloud` reads it. Written by rename, so that a reader never sees half of it.
    """
    container = {
        "command": [sys.executable, "-m", "training"],
        "cwd": str(repository.root),
        "env": {},
        "preload": PRELOAD,
    }
    uris = [repository.stack_config(stack).get(IMAGE_SETTING) for stack in repository.stacks]
    images = {uri: container for uri in uris if uri}
    repository.local_dir.mkdir(parents=True, exist_ok=True)
    fresh = repository.images_file.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(images, indent=2))
    fresh.replace(repository.images_file)
    return repository.images_file
