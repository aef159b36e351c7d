"""`python -m localcloud.aws`: runs the edge in the foreground."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from localcloud.aws.environment import apply_environment, edge_environment
from localcloud.aws.server import bind, serve
from localcloud.aws.service import Service


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, binds the port and serves; exit code 1 with a clear line when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.aws", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--port", type=int, default=4566, help="loopback port; 0 takes a free one")
    parser.add_argument("--images", type=Path, required=True, help="JSON: container image URI to local command")
    options = parser.parse_args(arguments)
    state_dir: Path = options.state_dir.resolve()
    images: Path = options.images.resolve()
    try:
        listener = bind(options.port)
    except OSError as error:
        sys.stderr.write(
            f"Port {options.port} on 127.0.0.1 cannot be used: {error.strerror}. Choose another: --port.\n"
        )
        return 1
    (state_dir / "tmp").mkdir(parents=True, exist_ok=True)
    apply_environment(edge_environment(os.environ, state_dir, listener.getsockname()[1]))
    serve(listener, state_dir, lambda _state_dir, _url: _make_services(images))
    return 0


def _make_services(images: Path) -> Sequence[Service]:
    del images
    return ()


if __name__ == "__main__":
    sys.exit(main())
