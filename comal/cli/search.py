"""`comal search`: one run that searches first, and what it tried."""

from typing import Annotated, Any

import typer
import yaml

from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.models import metrics_text
from comal.cli.records import record_of_run
from comal.cli.retrain import follow_request, request_run
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.leaderboard import Leaderboard, Trial
from comal.recipe import Recipe
from comal.recipe_training import Search

EPILOG = examples(
    "comal search tacos",
    "comal search tacos --trials 100 --minutes 30",
    "comal search tacos --minutes 20 --jobs 4 -s dev",
    "comal search tacos --json | jq .leaderboard.trials[0]",
)
# The best of so many trials are shown to people; --json has all.
_SHOWN = 10


def search(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    trials: Annotated[int | None, typer.Option(min=1, max=1000, help="Most trials. Default: the recipe's.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Longest time. Default: the recipe's.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=20, help="Training jobs that search side by side. Default: the recipe's.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait for the run's outcome.")] = True,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Ask for one run that searches preprocessing, algorithm and parameters first; the gate judges what it finds.

    Exit code 1 when no run was started or the run failed. The recipe stays as it is: what is found is printed, to be
    put there.

    Keys of --json: event_id, run_id, status, decided, version, approval, why, metrics, endpoint, leaderboard (`search`
    of run.json); with --no-follow: event_id.
    """
    target = open_target(stack)
    require_model(target, model)
    wanted = _wanted(deployed_recipe(target, model), trials, minutes, jobs)
    trigger = request_run(target, model, f"search: {wanted.trials} trials, {wanted.minutes:g} minutes", wanted)
    if not follow:
        if as_json:
            print_json({"event_id": trigger})
        else:
            say(f"Requested ({trigger}). Next: comal status {model}{target.option}")
        return
    outcome = follow_request(target, model, trigger)
    record = record_of_run(target, model, outcome["run_id"])
    assert record is not None  # a version was registered
    board = record.search
    assert board is not None  # it was asked for
    if as_json:
        print_json({**outcome, "leaderboard": board.model_dump()})
    else:
        _show(target, model, outcome, board)


def _wanted(recipe: Recipe, trials: int | None, minutes: float | None, jobs: int | None = None) -> Search:
    own = recipe.training.own_search
    update = {"trials": trials or own.trials, "minutes": minutes or own.minutes, "jobs": jobs or own.jobs}
    wanted = own.model_copy(update=update)
    recipe.searching(wanted)  # refuses a search that it cannot have
    return wanted


def _show(target: Target, model: str, outcome: dict[str, Any], board: Leaderboard) -> None:
    columns = ("rank", "trial", "algorithm", board.metric, "seconds", "parameters")
    ranked = [trial for trial in board.trials if trial.rank]
    print_table(columns, [_cells(trial) for trial in ranked[:_SHOWN]])
    counts = ", ".join(
        f"{sum(trial.state == state for trial in board.trials)} {state}"
        for state in ("complete", "pruned", "failed", "stopped")
    )
    say(f"{len(board.trials)} trials ({counts}) in {board.seconds:.0f} s, {board.folds} folds of {board.rows} rows.")
    say(f"Version {outcome['version']} {outcome['approval']}: {outcome['why']}")
    if outcome["metrics"]:
        say(f"Held-out rows: {metrics_text(outcome['metrics'])}")
    say(board.decision)
    winner = board.winner
    if winner is None or winner.number == 0:
        say("next          nothing to change")
    else:
        place = f"recipes/{model}.yaml"
        say(f"next          to keep it for later runs, put into {place}, then comal up{target.option}:")
        say(_lines(winner))


def _cells(trial: Trial) -> list[Any]:
    name = f"{trial.number} (recipe)" if trial.number == 0 else trial.number
    chosen = {**trial.preprocessing, **trial.params}
    parameters = ", ".join(f"{key} {value}" for key, value in chosen.items())
    return [trial.rank, name, trial.algorithm, f"{trial.score:.5g}", f"{trial.seconds:.1f}", parameters]


def _lines(trial: Trial) -> str:
    """What the recipe says of training, of a trial."""
    training: dict[str, Any] = {"algorithm": trial.algorithm, "params": trial.params}
    if trial.preprocessing:
        training["preprocessing"] = trial.preprocessing
    text: str = yaml.safe_dump({"training": training}, sort_keys=False, default_flow_style=None, width=110)
    return text.rstrip()
