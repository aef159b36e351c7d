"""What every resource is called, so that a function, a stack and a person at a prompt find the same thing."""

import re
from dataclasses import dataclass

from comal.errors import UserError

PROJECT = "comal"
MODEL_PATTERN = r"^[a-z][a-z0-9-]{1,30}$"
_READABLE = 64 - 1 - 8
STACK_PATTERN = r"^[a-z][a-z0-9-]{0,15}$"


@dataclass(frozen=True)
class Names:
    """Names of one stack's resources in one account and region.

    Stack-wide resources read `comal-<stack>-<noun>`; a model's own read `<stack>-<model>`.
    Lengths stay below AWS's limits (63 for buckets and training jobs) because stack and model names are bounded.
    """

    stack: str
    account: str
    region: str

    def __post_init__(self) -> None:
        if not re.fullmatch(STACK_PATTERN, self.stack):
            raise UserError(
                f"Stack name '{self.stack}' does not match {STACK_PATTERN}.",
                next_step="Choose a short lower-case name such as 'dev'.",
            )

    def bucket(self, kind: str) -> str:
        """Bucket of a kind: landing, lake, models or capture."""
        return f"{PROJECT}-{self.stack}-{kind}-{self.account}-{self.region}"

    def shared(self, noun: str) -> str:
        """A stack-wide function, role, queue, table or rule; `validate_batch` reads `comal-dev-validate-batch`."""
        return f"{PROJECT}-{self.stack}-{noun.replace('_', '-')}"

    def dead_letters(self, noun: str) -> str:
        """The dead-letter queue of a function's queue."""
        return f"{self.shared(noun)}-dead-letters"

    def of_model(self, model: str) -> str:
        """A model's endpoint, model package group and state machine (one name, three services)."""
        return f"{self.stack}-{model}"

    def alarm(self, model: str, noun: str) -> str:
        """One of a model's alarms: drift, quality and others."""
        return f"{self.of_model(model)}-{noun}"

    def transform_job(self, model: str, digest: str) -> str:
        """Batch transform job of one scoring; a repeated create conflicts harmlessly."""
        return f"{self.stack}-{model}-score-{digest}"

    @property
    def database(self) -> str:
        """Glue database of the stack's tables; Athena takes no hyphens."""
        return f"{PROJECT}_{self.stack}".replace("-", "_")

    def predictions_table(self, model: str) -> str:
        """Glue table of a model's batch predictions."""
        return f"{model}_predictions".replace("-", "_")

    def feature_group(self, model: str, group: str, definition: str) -> str:
        """SageMaker feature group of a recipe's feature group as it is defined; AWS allows 64 characters."""
        return f"{self.stack}-{model}-{group}"[:_READABLE] + f"-{definition}"

    def features_table(self, model: str, group: str) -> str:
        """Glue table of a feature group's offline store."""
        return f"{model}_{group}_features".replace("-", "_")

    def model_of(self, resource_name: str) -> str:
        """The model behind a name made by `of_model`."""
        return resource_name.removeprefix(f"{self.stack}-")

    def training_job(self, model: str, run_id: str) -> str:
        """Training job and Step Functions execution of one run; a repeated create conflicts harmlessly."""
        return f"{self.stack}-{model}-{run_id}"

    def tuning_job(self, run_id: str) -> str:
        """Tuning job of one run; AWS allows 32 characters, so the model is in the run's id only."""
        return f"{self.stack}-{run_id}"

    def model_version(self, model: str, version: int) -> str:
        """The SageMaker Model made from one model package version."""
        return f"{self.stack}-{model}-v{version}"

    def arn(self, service: str, resource: str) -> str:
        """ARN of a regional resource of this account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def state_machine_arn(self, model: str) -> str:
        """ARN of the model's training state machine."""
        return self.arn("states", f"stateMachine:{self.of_model(model)}")
