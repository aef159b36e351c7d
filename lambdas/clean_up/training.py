"""Ends what trains and what scores batches: executions, then jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from comal.absence import is_absent
from comal.names import Names
from lambdas.clean_up.patience import wait_until
from lambdas.clean_up.tags import is_tagged

_STOPPED = "The model leaves the stack."
_KINDS = ("Training", "Transform")


@dataclass(frozen=True)
class TrainingCleanUp:
    """Clients are boto3's; what a service does not have is passed over."""

    names: Names
    models: Sequence[str]
    stepfunctions: Any
    sagemaker: Any

    def stop_executions(self, model: str) -> None:
        """Stop the model's running executions; on AWS that stops their jobs too."""
        pages = self.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self.names.state_machine_arn(model), statusFilter="RUNNING"
        )
        try:
            arns = [execution["executionArn"] for page in pages for execution in page["executions"]]
        except self.stepfunctions.exceptions.StateMachineDoesNotExist:
            return
        for arn in arns:
            self.stepfunctions.stop_execution(executionArn=arn, error="Destroyed", cause=_STOPPED)

    def stop_jobs(self, deadline: float) -> None:
        """Stop the models' jobs and wait until they have: a job holds its role and writes to a bucket."""
        for kind in _KINDS:
            self._stop_jobs(kind, deadline)

    def _stop_jobs(self, kind: str, deadline: float) -> None:
        stop = getattr(self.sagemaker, f"stop_{kind.lower()}_job")
        for name in self._jobs(kind, "InProgress"):
            try:
                stop(**{f"{kind}JobName": name})
            except ClientError as error:
                # It ended in between: AWS refuses with ValidationException, whose text is not ours to rely on.
                if not is_absent(error) and name in self._jobs(kind, "InProgress"):
                    raise
        wait_until(
            lambda: not self._jobs(kind, "InProgress") and not self._jobs(kind, "Stopping"),
            what=f"Stopping the {kind.lower()} jobs",
            deadline=deadline,
        )

    def _jobs(self, kind: str, status: str) -> list[str]:
        pages = self.sagemaker.get_paginator(f"list_{kind.lower()}_jobs").paginate(
            NameContains=f"{self.names.stack}-", StatusEquals=status
        )
        jobs = [job for page in pages for job in page[f"{kind}JobSummaries"]]
        return [job[f"{kind}JobName"] for job in jobs if self._is_ours(job[f"{kind}JobArn"])]

    def _is_ours(self, arn: str) -> bool:
        tags = self.sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return is_tagged(tags, self.names, self.models)
