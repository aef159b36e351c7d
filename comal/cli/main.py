"""`comal`: the command line of the kit."""

import atexit
import gc
import sys

import typer

from comal.cli import (
    cloud,
    compare,
    doctor,
    experiments,
    features,
    history,
    init,
    invoke,
    lineage,
    logs,
    models,
    promote,
    push,
    recipe,
    reproduce,
    retrain,
    score,
    search,
    stack,
    status,
)
from comal.cli.console import examples
from comal.cli.demo import command as demo
from comal.cli.failures import Guarded

app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="From data in S3 to a monitored model that retrains itself, on AWS or on this machine.\n\n"
    "Exit codes: 0 the thing asked for happened, 1 it did not, 2 the input was wrong.",
    epilog=examples(
        "comal demo",
        "comal up && comal push tacos week1.csv && comal status tacos",
    ),
)

app.add_typer(cloud.app, name="cloud")
app.command("preview", epilog=stack.PREVIEW_EPILOG)(stack.preview)
app.command("up", epilog=stack.UP_EPILOG)(stack.up)
app.command("refresh", epilog=stack.REFRESH_EPILOG)(stack.refresh)
app.command("destroy", epilog=stack.DESTROY_EPILOG)(stack.destroy)
app.command("outputs", epilog=stack.OUTPUTS_EPILOG)(stack.outputs)
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.add_typer(recipe.app, name="recipe")
app.command("init", epilog=init.EPILOG)(init.init)
app.command("push", epilog=push.EPILOG)(push.push)
app.command("status", epilog=status.EPILOG)(status.status)
app.command("models", epilog=models.EPILOG)(models.models)
app.command("experiments", epilog=experiments.EPILOG)(experiments.experiments)
app.command("compare", epilog=compare.EPILOG)(compare.compare)
app.command("lineage", epilog=lineage.EPILOG)(lineage.lineage)
app.command("reproduce", epilog=reproduce.EPILOG)(reproduce.reproduce)
app.command("promote", epilog=promote.PROMOTE_EPILOG)(promote.promote)
app.command("rollback", epilog=promote.ROLLBACK_EPILOG)(promote.rollback)
app.command("reject", epilog=promote.REJECT_EPILOG)(promote.reject_version)
app.command("invoke", epilog=invoke.EPILOG)(invoke.invoke)
app.add_typer(features.app, name="features")
app.command("retrain", epilog=retrain.EPILOG)(retrain.retrain)
app.command("search", epilog=search.EPILOG)(search.search)
app.command("score", epilog=score.EPILOG)(score.score)
app.command("history", epilog=history.EPILOG)(history.history)
app.command("logs", epilog=logs.EPILOG)(logs.logs)
app.command("demo", epilog=demo.EPILOG)(demo.demo)


def main() -> None:
    """Run the command that the arguments name."""
    atexit.register(_leave_the_sdk_alone)
    app()


def _leave_the_sdk_alone() -> None:
    """The provider's SDK is hundreds of thousands of objects; a collection at exit would look at each, for a second."""
    if "pulumi_aws" in sys.modules:
        gc.freeze()
