"""The environment MiniStack and everything it starts may see: the caller's, minus its secrets, plus our settings."""

import os
from collections.abc import Mapping
from pathlib import Path

from localcloud.processes import STATE_DIR_VARIABLE

# Lambda workers inherit the server's whole environment, so only what a process needs to run at all is kept.
_KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")


def edge_environment(inherited: Mapping[str, str], state_dir: Path, port: int) -> dict[str, str]:
    """The whole environment of the edge process; MiniStack reads its settings from here while it is imported."""
    kept = {name: inherited[name] for name in _KEPT if name in inherited}
    return kept | {
        "AUTH": "true",  # IAM is enforced, and signatures are verified
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # listens on a port of its own
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_STRICT": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_HOST": "localhost",
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": str(state_dir / "s3"),
        "S3_PERSIST": "1",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(state_dir / "ministack"),
        STATE_DIR_VARIABLE: str(state_dir),
        # Below the state directory, so that what a killed worker leaves behind is ours to remove.
        "TMPDIR": str(state_dir / "tmp"),
    }


def apply_environment(environment: Mapping[str, str]) -> None:
    """Replaces this process's environment; must run before `ministack` is imported."""
    os.environ.clear()
    os.environ.update(environment)
