"""What a finished training job left for the registry, read from its output archive."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from comal import evaluation, lineage, run_record, s3_layout
from comal.archive import Limits, read_members
from comal.artifact_check import check_artifact
from comal.errors import AlgorithmError
from comal.evaluation import Evaluation
from comal.lineage import Lineage
from comal.names import Names

CARD = "model_card.json"
PROFILE = "profile.json"
PREDICTION_PROFILE = "prediction_profile.json"
# What the registry expects of a run, beside the model itself: a job that lacks one of these is not registered.
_FILES = (
    evaluation.FILE_NAME,
    CARD,
    PROFILE,
    PREDICTION_PROFILE,
    lineage.FILE_NAME,
    run_record.FILE_NAME,
    run_record.REPORT_NAME,
)
# Reports of a model are kilobytes; the function has 512 MB.
_LIMITS = Limits(max_members=1000, max_bytes=64 << 20)
# A model is looked at file by file, each in memory.
_MODEL_LIMITS = Limits(max_members=1000, max_bytes=512 << 20)


@dataclass(frozen=True)
class FinishedJob:
    """A finished training job, from the state machine's state.

    Attributes:
        ended_at: When training ended; every retry of the registration sees the same time.
        champion_version: Version that it was compared with, or None.
        model_data_url: S3 address of its model.tar.gz.
    """

    model: str
    run_id: str
    job_name: str
    ended_at: datetime
    champion_version: int | None
    model_data_url: str

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "FinishedJob":
        """Read the state of the execution after its training step; times are epoch milliseconds there.

        Of a tuning job's training jobs it is the best, whose artifact lies where SageMaker puts every job's.
        """
        if "tuning_result" in state:
            result = state["tuning_result"]["BestTrainingJob"]
            name = result["TrainingJobName"]
            model_data_url = f"{state['training_job']['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz"
        else:
            result = state["training_job_result"]
            name = state["training_job"]["TrainingJobName"]
            model_data_url = result["ModelArtifacts"]["S3ModelArtifacts"]
        return cls(
            model=state["model"],
            run_id=state["run_id"],
            job_name=name,
            ended_at=datetime.fromtimestamp(result["TrainingEndTime"] / 1000, UTC),
            champion_version=state["champion"]["version"] if state.get("champion") else None,
            model_data_url=model_data_url,
        )


@dataclass(frozen=True)
class TrainingOutput:
    """The job's reports; those that end in `_json` or `_html` are the files, byte for byte."""

    evaluation: Evaluation
    evaluation_json: bytes
    card_json: bytes
    profile_json: bytes
    prediction_profile_json: bytes
    lineage: Lineage
    record_json: bytes
    report_html: bytes


def check_model(s3: Any, job: FinishedJob) -> None:
    """Look at the model's archive before anybody loads it.

    Raises:
        AlgorithmError: It is unsafe, or holds a pickle.
    """
    bucket, key = s3_layout.split_uri(job.model_data_url)
    check_artifact(s3.get_object(Bucket=bucket, Key=key)["Body"], _MODEL_LIMITS)


def read_output(s3: Any, names: Names, job: FinishedJob) -> TrainingOutput:
    """Read the reports out of output.tar.gz.

    Raises:
        AlgorithmError: The archive is unsafe or lacks a report, or its evaluation is another run's.
    """
    key = s3_layout.run_output_key(job.model, job.run_id, job.job_name, "output")
    body = s3.get_object(Bucket=names.bucket("models"), Key=key)["Body"]
    files = read_members(body, _FILES, _LIMITS)
    found = Evaluation.model_validate_json(files[evaluation.FILE_NAME])
    if (found.model, found.run_id) != (job.model, job.run_id):
        raise AlgorithmError(
            f"{key} holds the evaluation of run {found.run_id} of '{found.model}', not of run {job.run_id} of "
            f"'{job.model}'.",
            next_step="Look at what the container writes to /opt/ml/output/data.",
        )
    return TrainingOutput(
        found,
        files[evaluation.FILE_NAME],
        files[CARD],
        files[PROFILE],
        files[PREDICTION_PROFILE],
        Lineage.model_validate_json(files[lineage.FILE_NAME]),
        files[run_record.FILE_NAME],
        files[run_record.REPORT_NAME],
    )
