"""What the batches table remembers of a batch, and what its report tells."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from comal.drift import Drift
from comal.finding import Finding

Status = Literal["processing", "validated", "quarantined", "duplicate"]

# A table row holds 400 KB and an event 256 KB; the report has all of them.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
MAX_SENTENCES = 20


@dataclass
class Batch:
    """A row of the batches table; see the attributes of the same names in the data contract.

    Attributes:
        recipe_version: Version of the recipe object that judges the batch, pinned by the first attempt so that every
            later one comes to the same end; empty when the stack has no recipe of that name.
        lease_until_s: Unix time until which an attempt is at work on it.
    """

    batch_id: str
    status: Status
    source_key: str
    version_id: str
    received_at: str
    day: str
    recipe_version: str
    lease_until_s: int
    announced: bool = False
    push_id: str | None = None
    content_sha256: str | None = None
    rows: int = 0
    validated_key: str | None = None
    quarantine_key: str | None = None
    profile_key: str | None = None
    report_key: str | None = None
    report_html_key: str | None = None
    duplicate_of: str | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_row(self) -> dict[str, Any]:
        """Its attributes, without those that have no value."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Judgement:
    """Everything that is known about a file once it is judged.

    Attributes:
        drift: Distance of each column to the champion's training rows; empty before the first champion.
    """

    rows: int
    findings: list[Finding]
    drift: list[Drift] = field(default_factory=list)
    drift_warnings: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether the file may be trained on."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def problems(self) -> list[str]:
        """Why not, a sentence each."""
        return [finding.sentence for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[str]:
        """What else is worth knowing, a sentence each."""
        return [finding.sentence for finding in self.findings if finding.severity == "warning"] + self.drift_warnings


def shortened(sentences: list[str]) -> list[str]:
    """The first MAX_SENTENCES, and how many there are beside them."""
    more = len(sentences) - MAX_SENTENCES
    return sentences if more <= 0 else [*sentences[:MAX_SENTENCES], f"and {more} more, see the report"]
