"""Account and region: what every SageMaker name is unique within."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """One account's SageMaker in one region."""

    account: str
    region: str

    def arn(self, token: str, name: str) -> str:
        """The ARN of a resource; SageMaker writes names in lower case there."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{token}/{name.lower()}"
