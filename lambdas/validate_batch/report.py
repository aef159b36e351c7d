"""What a person is told of a batch: a JSON document, and one HTML page that needs nothing beside it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from jinja2 import Environment, StrictUndefined

from comal.profile import Profile
from lambdas.validate_batch.batch import Batch, Judgement
from lambdas.validate_batch.report_page import PAGE
from lambdas.validate_batch.upload import Upload

_NEXT_STEPS = {
    "recipe": "Add a recipe of that name to recipes/ and run `comal up`, or push the file for one of the models.",
    "key": "Push the file with `comal push MODEL FILE`.",
    "file_size": "Split the file and push the parts.",
}
_CORRECT = "Correct the file or the recipe, then push it again: comal push {model} {file}"


@dataclass(frozen=True)
class Report:
    """Everything that validation found; `profile` is that of an accepted batch."""

    stack: str
    upload: Upload
    batch: Batch
    judgement: Judgement
    profile: Profile | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as plain values."""
        return {
            "schema_version": 1,
            "stack": self.stack,
            "model": self.upload.model,
            "batch_id": self.batch.batch_id,
            "status": self.batch.status,
            "source_key": self.upload.key,
            "version_id": self.upload.version_id,
            "push_id": self.batch.push_id,
            "received_at": self.batch.received_at,
            "size_bytes": self.upload.size_bytes,
            "rows": self.judgement.rows,
            "findings": [finding.to_dict() for finding in self.judgement.findings],
            "drift": [asdict(drift) for drift in self.judgement.drift],
            "warnings": self.judgement.warnings,
            "next_step": self.next_step,
        }

    @property
    def next_step(self) -> str:
        """What to do about a batch in quarantine; empty for a good one."""
        if self.judgement.accepted:
            return ""
        checks = [finding.check for finding in self.judgement.findings]
        known = [_NEXT_STEPS[check] for check in checks if check in _NEXT_STEPS]
        return known[0] if known else _CORRECT.format(model=self.upload.model, file=self.upload.file_name)

    def to_json(self) -> str:
        """The JSON report."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def to_html(self) -> str:
        """The page; every value of the data is escaped."""
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        columns = self.profile.columns if self.profile else {}
        return environment.from_string(PAGE).render(report=self.to_dict(), columns=columns)
