"""`python -m localcloud.aws`: runs the edge in the foreground."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from localcloud.aws.environment import apply_environment, edge_environment
from localcloud.aws.server import bind, serve
from localcloud.aws.services import make_services
from localcloud.errors import LocalCloudError, StateDirectoryError
from localcloud.record import acquire_lock, remove_record, write_record


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, binds the port and serves; exit code 1 with one clear line when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.aws", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--port", type=int, default=4566, help="loopback port; 0 takes a free one")
    parser.add_argument("--images", type=Path, required=True, help="JSON: container image URI to local command")
    options = parser.parse_args(arguments)
    try:
        _run(options.state_dir.resolve(), options.port, options.images.resolve())
    except LocalCloudError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(state_dir: Path, port: int, images: Path) -> None:
    try:
        (state_dir / "tmp").mkdir(parents=True, exist_ok=True)
        lock = acquire_lock(state_dir)
    except OSError as error:
        message = f"{state_dir} cannot be written: {error.strerror}."
        raise StateDirectoryError(message, "Choose a directory that you may write.") from error
    with lock:
        listener = bind(port)
        port = listener.getsockname()[1]
        apply_environment(edge_environment(os.environ, state_dir, port))
        write_record(state_dir, port)
        try:
            serve(listener, state_dir, lambda url, clock: make_services(state_dir, url, images, clock))
        finally:
            remove_record(state_dir)


if __name__ == "__main__":
    sys.exit(main())
