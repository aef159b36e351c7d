"""Composes the edge and serves it on one loopback port until it is told to stop.

uvicorn with httptools and uvloop, and not MiniStack's own hypercorn: the same InvokeEndpoint calls took 0.43 ms at p50
against 0.71 ms (0.53 ms on uvloop), large bodies and memory the same, measured one after the other on 2 shared cores.
MiniStack needs of a server: ASGI 3 with lifespan, raw_path, WebSockets, and no Date and Server headers of its own.
"""

import logging
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from localcloud.aws.clock import Clock, Timers
from localcloud.aws.edge import Edge
from localcloud.aws.metrics import Telemetry
from localcloud.aws.service import Service
from localcloud.errors import PortTakenError

HOST = "127.0.0.1"
# boto3 keeps its connections for a minute or so; a shorter server timeout makes it meet closed ones.
KEEP_ALIVE_S = 75
BACKLOG = 1024
SHUTDOWN_TIMEOUT_S = 3

ServiceFactory = Callable[[str, Clock], Sequence[Service]]


def bind(port: int) -> socket.socket:
    """A loopback socket on this port; 0 takes a free one.

    Raises:
        PortTakenError: The port is taken or not permitted.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)  # who calls while we start waits, and is not refused
    except OSError as error:
        listener.close()
        message = f"Port {port} on {HOST} cannot be used: {error.strerror}."
        raise PortTakenError(message, "Choose another port with --port.") from error
    return listener


def serve(listener: socket.socket, state_dir: Path, make_services: ServiceFactory) -> None:
    """Runs until SIGTERM or SIGINT. The environment must be `environment.edge_environment` by now.

    Args:
        listener: A bound loopback socket.
        state_dir: Where everything is kept.
        make_services: Builds our own services from the edge's URL and clock.
    """
    # MiniStack reads its settings while it is imported, so it is imported here, behind the environment.
    from localcloud.aws.ministack_patches import Substrate
    from localcloud.aws.ministack_patches.identity import MiniStackAuthorizer

    logging.getLogger("localcloud").setLevel(logging.INFO)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    clock = Clock(state_dir / "clock.json")
    services = make_services(url, clock)
    telemetry = next((service for service in services if isinstance(service, Telemetry)), None)
    substrate = Substrate(state_dir, clock, telemetry, [service for service in services if isinstance(service, Timers)])
    admin = {"clock": substrate.set_clock, "calls": substrate.calls.answer}
    edge = Edge(services, substrate, MiniStackAuthorizer(), admin)
    config = uvicorn.Config(
        edge,
        http="httptools",
        loop="uvloop",
        ws="wsproto",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # MiniStack and the edge set their own
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    # uvicorn raises the signal again when it has shut down; that is for wrappers, and would end us by signal.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])
