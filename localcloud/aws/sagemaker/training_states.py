"""The states a training job goes through, with AWS's messages.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SecondaryStatusTransition.html
"""

from localcloud.aws.sagemaker.store import Document

_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "The managed spot training instances were interrupted",
    "MaxWaitTimeExceeded": "Training job waited longer than MaxWaitTimeInSeconds provided",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
ACTIVE = ("InProgress", "Stopping")
MAX_REASON_CHARACTERS = 1024


def enter_state(job: Document, status: str, secondary: str, at: float) -> None:
    """Moves a job on; `at` is in seconds since the epoch."""
    transitions = job.setdefault("SecondaryStatusTransitions", [])
    if transitions:
        transitions[-1]["EndTime"] = at
    transitions.append({"Status": secondary, "StartTime": at, "StatusMessage": _MESSAGES[secondary]})
    job["TrainingJobStatus"] = status
    job["SecondaryStatus"] = secondary
    job["LastModifiedTime"] = at
    if secondary in ("Downloading", "Training"):
        job.setdefault("TrainingStartTime", at)
    if status not in ACTIVE:
        transitions[-1]["EndTime"] = at
        job["TrainingEndTime"] = at
        duration_s = max(1, round(at - job.get("TrainingStartTime", at)))
        job["TrainingTimeInSeconds"] = duration_s
        job["BillableTimeInSeconds"] = duration_s
