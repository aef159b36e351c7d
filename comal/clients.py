"""The one place of the kit that makes boto3 clients."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(retries={"max_attempts": 5, "mode": "standard"}, s3={"addressing_style": "path"})


@cache
def client(service: str) -> Any:
    """A client of the ambient AWS account; region, credentials and endpoint come from the environment."""
    return boto3.client(service, config=_CONFIG)
