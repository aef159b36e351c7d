"""The serving process: one worker, one thread, a Unix socket or a port."""

import signal

import uvicorn

from training.model import load_model
from training.paths import TrainPaths
from training.progress import say
from training.serve.answer import Answers
from training.serve.app import App
from training.serve.decode import Decoder
from training.serve.expiry import Expiry
from training.serve.settings import ServeSettings
from training.serve.tables import TableAnswers, load_keys

# SageMaker sends SIGKILL 30 s after SIGTERM; requests under way get most of it.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
DRAIN_TIMEOUT_S = 25


def serve(paths: TrainPaths) -> None:
    """Load the model of `paths`, then listen until SIGTERM; requests under way are answered first.

    Nothing listens before the model is loaded, so an answer to /ping says that predictions work.

    Raises:
        ComalError: The model or a setting cannot be used.
    """
    settings = ServeSettings.from_environment()
    trained = load_model(paths.model)
    tables = TableAnswers(trained, load_keys(paths.model), settings.version)
    expiry = Expiry(settings.expires_at, settings.version)
    answers = Answers(trained, settings.version)
    app = App(Decoder(trained.schema), answers, tables, expiry, settings.longest_body_bytes)
    place = settings.unix_socket or f"port {settings.port}"
    say(f"Serving model {trained.schema.model} (version {settings.version or 'unknown'}) on {place}.")
    # uvicorn takes SIGTERM while it runs, drains, and then raises it once more: ignored, so that the exit code is 0.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    uvicorn.run(
        app,
        host="0.0.0.0",  # noqa: S104 - SageMaker reaches the container from outside it
        port=settings.port,
        uds=settings.unix_socket,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=DRAIN_TIMEOUT_S,
    )
