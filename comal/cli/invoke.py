"""`comal invoke`: asking a model's endpoint."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.endpoint import endpoint_of
from comal.cli.feature_groups import open_groups
from comal.cli.first_version import wait_for_first_version
from comal.cli.request_body import RequestBody, from_file, from_text
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.errors import DataError, PlatformError, UserError
from comal.recipe import Recipe

EPILOG = examples(
    """comal invoke tacos --data '{"store": "norte", "weather": "rain", "weekday": "fri", "hour": 14, "staff": 3, """
    """"basket_size": 5, "delivery": true, "distance_km": 2.5}'""",
    "comal invoke tacos --file rows.csv",
    "comal invoke tacos --file rows.json --json",
    "comal invoke tacos --file rows.csv --explain",
)
SHOWN_ROWS = 20
# What a version answers that has expired, where its recipe said so.
_GONE = 410


def invoke(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    data: Annotated[str | None, typer.Option(help="Rows as JSON: an object or a list of objects.")] = None,
    file: Annotated[Path | None, typer.Option(help="Rows as a CSV file with a header, or as a JSON file.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each feature added to each prediction.")
    ] = False,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Ask a model's endpoint for predictions; columns that are no features are left out.

    Windows of the recipe's feature groups that a row lacks are looked up in the online store.

    Keys of --json: model_version, predictions (one object a row: prediction, and probability or probabilities for
    classes); with --explain each row has contributions and base, and contributions_add_up_to says to what.
    """
    if (data is None) == (file is None):
        raise UserError("invoke takes rows from one place.", next_step="Give either --data or --file.")
    target = open_target(stack)
    require_model(target, model)
    wait_for_first_version(target, model)
    recipe = deployed_recipe(target, model)
    complete = _completion(target, recipe)
    if data is not None:
        bodies: Iterable[RequestBody] = from_text(data, complete)
    else:
        assert file is not None
        bodies = from_file(file, list(recipe.with_windows().features), complete)
    answer = ask(target, model, bodies, explains=explain)
    if not answer["predictions"]:
        raise UserError("There are no rows to predict.", next_step="Give at least one row.")
    if as_json:
        print_json(answer)
    else:
        _show(answer)


def _completion(target: Target, recipe: Recipe) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What makes a row one that the model knows: with the windows that it lacks."""
    if not recipe.feature_groups:
        return dict
    from comal.cli.online_features import OnlineFeatures  # with Arrow, which takes a fifth of a second

    return OnlineFeatures(open_groups(target, recipe.model), recipe).complete


def ask(target: Target, model: str, bodies: Iterable[RequestBody], *, explains: bool = False) -> dict[str, Any]:
    """Predictions for rows, by as many requests as they need.

    Returns:
        model_version (of the last answer) and predictions, one a row; explained, also contributions_add_up_to.

    Raises:
        DataError: The model refused a row; the message names row and column.
        PlatformError: There is no endpoint, or it failed.
    """
    runtime = target.client("sagemaker-runtime")
    answer: dict[str, Any] = {"model_version": None, "predictions": []}
    for body in bodies:
        try:
            response = runtime.invoke_endpoint(
                EndpointName=target.names.of_model(model),
                ContentType=body.content_type,
                Accept="application/json",
                Body=body.content,
                **({"CustomAttributes": "explain=true"} if explains else {}),
            )
        except runtime.exceptions.ModelError as error:
            raise _refusal(target, model, error.response, body.first_row) from error
        except runtime.exceptions.ClientError as error:
            if endpoint_of(target, model) is None:
                raise PlatformError(
                    f"{model} has no endpoint: no version is approved yet.",
                    next_step=f"Run: comal status {model}{target.option}",
                ) from error
            raise
        said = json.loads(response["Body"].read())
        answer["predictions"] += said.pop("predictions")
        answer |= said
    return answer


def _refusal(target: Target, model: str, response: dict[str, Any], first_row: int) -> DataError | PlatformError:
    """What the container answered, with the row counted in what the user gave."""
    status, message = response["OriginalStatusCode"], response["OriginalMessage"]
    if status >= 500:
        return PlatformError(
            f"The endpoint failed ({status}): {message}", next_step=f"Run: comal logs endpoint {model}{target.option}"
        )
    try:
        said = json.loads(message)
    except ValueError:
        said = {"error": message}
    error, row = said["error"], said.get("row")
    if row is not None:
        error = error.replace(f"of row {row}:", f"of row {row + first_row}:", 1)
    if status == _GONE:
        return DataError(
            f"{error}.",
            next_step=f'Train another: comal retrain {model} --reason "the version expired"{target.option}',
        )
    if row is None:
        return DataError(f"{error}.", next_step="Ask otherwise: comal invoke --help")
    return DataError(f"{error}.", next_step="Mend the row (the first is 0); null means missing.")


def _show(answer: dict[str, Any]) -> None:
    predictions = answer["predictions"]
    for number, row in enumerate(predictions[:SHOWN_ROWS]):
        if "contributions" in row:
            _show_contributions(number, row.pop("contributions"), row.pop("base"), answer["contributions_add_up_to"])
    columns = list(predictions[0]) if predictions else ["prediction"]
    rows = [[number, *(_cell(row[name]) for name in columns)] for number, row in enumerate(predictions[:SHOWN_ROWS])]
    print_table(("row", *columns), rows)
    if len(predictions) > SHOWN_ROWS:
        say(f"… and {len(predictions) - SHOWN_ROWS} more; --json prints all.")
    say(f"Answered by version {answer['model_version']}.")


def _show_contributions(number: int, contributions: dict[str, Any], base: Any, total: str) -> None:
    """What each feature added, the largest first; of three classes or more, to each class."""
    if not isinstance(base, dict):
        contributions, base = {total: contributions}, {total: base}
    for name, added in contributions.items():
        ordered = sorted(added.items(), key=lambda item: -abs(item[1]))
        lines = [("base", _cell(base[name])), *((feature, f"{value:+.4g}") for feature, value in ordered)]
        print_table(("feature", "adds"), lines, title=f"Row {number}, to {name}")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
