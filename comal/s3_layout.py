"""Which key holds what, in each bucket.

landing   incoming/<model>/…                                  what users push; emptied by validate_batch
          labels/<model>/…                                    late labels; stay where they are
lake      validated/<model>/v1/dt=…/<batch>.parquet           every row of a good batch, typed
          features/<model>/<definition>/dt=…/<batch>.parquet  the same rows with what their windows held
          feature-store/…                                     offline store of the feature groups, as SageMaker lays it
          quarantine/<model>/v1/dt=…/<batch>/<file>           a bad batch as it came
          reports/<model>/v1/dt=…/<batch>.{json,html}         what validation found
          profiles/<model>/v1/dt=…/<batch>.json               the batch's profile
          profiles/<model>/v1/reference.json                  profile of the rows the champion was trained on
          profiles/<model>/v1/versions/<version>/….json       every version: reference (as above), predictions (its own)
          recipes/<model>.json                                the recipe that the stack deployed
          recipes/<model>.py                                  the team's own fit that it names, if it does
          captured/<model>/v1/dt=…/<capture>.parquet          captured requests and predictions, typed, with their ids
          labels/<model>/v1/dt=…/<file>.parquet               late labels, typed; dt is the day that they came
          monitoring/<model>/v1/dt=…/<window>.{json,html}     what a window of captured rows was found to be
          scoring/<model>/<scoring>/….parquet.out             what a transform job writes until all of it is there
          predictions/<model>/v1/dt=…/<batch>.parquet         a batch's predictions, one for each row, in order
models    <model>/runs/<run>/inputs/recipe/recipe.json        the recipe this run used; beside it fit.py, the team's own
          <model>/runs/<run>/inputs/train.manifest            the batches this run used (SageMaker ManifestFile)
          <model>/runs/<run>/<job>/output/{model,output}.tar.gz
          <model>/runs/<run>/evaluation.json                  what register_model judged
          <model>/runs/<run>/lineage.json                     what its model comes from
          <model>/runs/<run>/run.json                         its record; beside it report.html, the same for people
          experiments/…                                       plots and records that jobs hand to MLflow; it names them
          <model>/runs/<run>/again/<attempt>/…                a model that is trained again to compare, while it is
capture   <model>/<endpoint>/<variant>/yyyy/mm/dd/hh/….jsonl  data capture, as SageMaker writes it
"""

from comal.errors import DataError

INCOMING = "incoming/"
LABELS = "labels/"
RECIPES = "recipes/"
EXPERIMENTS = "experiments/"
FEATURE_STORE = "feature-store/"


def incoming_key(model: str, path: str) -> str:
    """Where a pushed file lands. `path` may hold folders."""
    return f"{INCOMING}{model}/{path}"


def model_of_incoming(key: str) -> str:
    """The model a landing key belongs to.

    Raises:
        DataError: The key is not `incoming/<model>/<file>`.
    """
    parts = key.split("/", 2)
    if len(parts) != 3 or parts[0] != "incoming" or not parts[1] or not parts[2]:
        raise DataError(
            f"Key '{key}' is not incoming/<model>/<file>.", next_step="Push the file with `comal push MODEL FILE`."
        )
    return parts[1]


def labels_key(model: str, path: str) -> str:
    """Where a file of late labels lands. `path` may hold folders."""
    return f"{LABELS}{model}/{path}"


def _dated(area: str, model: str, day: str, batch_id: str) -> str:
    return f"{area}/{model}/v1/dt={day}/{batch_id}"


def validated_key(model: str, day: str, batch_id: str) -> str:
    """Typed rows of a good batch. `day` is YYYY-MM-DD of the upload's event."""
    return _dated("validated", model, day, batch_id) + ".parquet"


def features_of(validated: str, model: str, definition: str) -> str:
    """Where a batch lies with what its windows held, by the key of the batch; or those of a prefix, by the prefix."""
    return f"features/{model}/{definition}/" + validated.removeprefix(validated_prefix(model))


def definition_of(key: str) -> str:
    """What the windows in a batch's rows were computed from, by its key; empty for rows without windows."""
    area, _model, definition, _rest = [*key.split("/", 3), "", "", ""][:4]
    return definition if area == "features" else ""


def validated_of(key: str) -> str:
    """The key or prefix of validated rows behind one made by `features_of`; another is returned as it is."""
    area, model, _definition, rest = [*key.split("/", 3), "", "", ""][:4]
    return validated_prefix(model) + rest if area == "features" else key


def quarantine_key(model: str, day: str, batch_id: str, file_name: str) -> str:
    """A bad batch, byte for byte, under its own file name."""
    return _dated("quarantine", model, day, batch_id) + f"/{file_name}"


def report_key(model: str, day: str, batch_id: str, extension: str) -> str:
    """Validation report; extension is json or html."""
    return _dated("reports", model, day, batch_id) + f".{extension}"


def profile_key(model: str, day: str, batch_id: str) -> str:
    """Profile of one batch."""
    return _dated("profiles", model, day, batch_id) + ".json"


def captured_key(model: str, day: str, capture_id: str) -> str:
    """Captured requests of one capture file, typed. `day` is YYYY-MM-DD of the requests."""
    return _dated("captured", model, day, capture_id) + ".parquet"


def late_labels_key(model: str, day: str, file_id: str) -> str:
    """Late labels of one file, typed. `day` is YYYY-MM-DD of the file's event."""
    return _dated("labels", model, day, file_id) + ".parquet"


def monitoring_key(model: str, day: str, window_id: str, extension: str) -> str:
    """Report of one window of captured rows; extension is json or html."""
    return _dated("monitoring", model, day, window_id) + f".{extension}"


def predictions_of(validated: str) -> str:
    """Where the predictions of a batch lie, by the key of the batch; or those of a prefix, by the prefix.

    A batch that is scored again has its predictions replaced, so that each of its rows has one.
    """
    return "predictions/" + validated.removeprefix("validated/")


def validated_prefix(model: str, day: str = "") -> str:
    """Folder of a model's validated batches; of one day with `day`, YYYY-MM-DD."""
    return f"validated/{model}/v1/" + (f"dt={day}/" if day else "")


def scoring_prefix(model: str, scoring_id: str) -> str:
    """Folder that a transform job writes to."""
    return f"scoring/{model}/{scoring_id}/"


def capture_prefix(model: str) -> str:
    """Folder of a model's data capture in the capture bucket."""
    return f"{model}/"


def reference_profile_key(model: str) -> str:
    """Profile of the rows that the champion was trained on; absent before the first champion."""
    return f"profiles/{model}/v1/reference.json"


def version_profile_key(model: str, version: int | str, noun: str) -> str:
    """Profile of one version: `reference` of the rows that it was trained on, `predictions` of its held-out answers."""
    return f"profiles/{model}/v1/versions/{version}/{noun}.json"


def recipe_key(model: str) -> str:
    """The deployed recipe, as JSON with every default filled in."""
    return f"{RECIPES}{model}.json"


def own_fit_key(model: str) -> str:
    """The team's own fit, as deployed; absent for a recipe that names none."""
    return f"{RECIPES}{model}.py"


def run_prefix(model: str, run_id: str) -> str:
    """Folder of one training run in the models bucket."""
    return f"{model}/runs/{run_id}/"


def run_recipe_prefix(model: str, run_id: str) -> str:
    """The training job's `recipe` channel; holds recipe.json, and fit.py where the recipe names a fit."""
    return run_prefix(model, run_id) + "inputs/recipe/"


def run_manifest_key(model: str, run_id: str) -> str:
    """The training job's `train` channel, a SageMaker ManifestFile."""
    return run_prefix(model, run_id) + "inputs/train.manifest"


def run_output_key(model: str, run_id: str, job: str, archive: str) -> str:
    """What SageMaker uploads for a job; archive is model or output."""
    return run_prefix(model, run_id) + f"{job}/output/{archive}.tar.gz"


def run_evaluation_key(model: str, run_id: str) -> str:
    """The evaluation that the gate judged."""
    return run_prefix(model, run_id) + "evaluation.json"


def run_lineage_key(model: str, run_id: str) -> str:
    """Where the run's model comes from, with the object version of each input."""
    return run_prefix(model, run_id) + "lineage.json"


def run_record_key(model: str, run_id: str, file_name: str) -> str:
    """Record of a run that trained a model: run.json, or report.html for people."""
    return run_prefix(model, run_id) + file_name


def again_prefix(model: str, run_id: str) -> str:
    """Folder of attempts to train a run's model again (`comal reproduce`), each in its own, emptied when it is over."""
    return run_prefix(model, run_id) + "again/"


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/key` as (bucket, key)."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
