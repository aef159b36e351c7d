"""Entry point of the container: SageMaker appends `train` or `serve` to the image's command."""

import os
import sys
import traceback

from comal.errors import ComalError
from training.absent import hide
from training.failure import describe, write_failure
from training.paths import TrainPaths
from training.stop import StopRequest

USAGE = "usage: python -m training {train|serve}"


def main(arguments: list[str]) -> int:
    """Run one of the two commands; returns the exit code (0 done, 1 failed, 2 wrong command)."""
    if arguments == ["train"]:
        return _train()
    if arguments == ["serve"]:
        return _serve()
    print(USAGE, file=sys.stderr)
    return 2


def _train() -> int:
    paths = TrainPaths.from_environment()
    try:
        stop = StopRequest()
        stop.listen()
        # A second of imports, which serving does not need.
        from training.train import train

        train(paths, stop)
    except Exception as error:  # noqa: BLE001 - every failure must reach SageMaker as one sentence
        _trace(error)
        reason = describe(error)
        write_failure(paths.failure, reason)
        print(reason, file=sys.stderr, flush=True)
        return 1
    return 0


def _serve() -> int:
    # One thread a worker: threads of several workers that share the cores wait for each other (0.4 → 8 ms a row).
    os.environ["OMP_NUM_THREADS"] = "1"
    # XGBoost and LightGBM import scikit-learn where it is installed, LightGBM pandas too, for wrappers that serving
    # does not use: 65 MB and a second of the start.
    hide("sklearn", "pandas")
    try:
        from training.serve.server import serve

        serve(TrainPaths.from_environment())
    except Exception as error:  # noqa: BLE001 - the endpoint's log must end with one sentence
        _trace(error)
        print(describe(error), file=sys.stderr, flush=True)
        return 1
    return 0


def _trace(error: Exception) -> None:
    """Print the trace of what nobody foresaw; an error of ours says all in its sentence."""
    if not isinstance(error, ComalError):
        traceback.print_exception(error)


sys.exit(main(sys.argv[1:]))
