"""What the sections of a recipe share: strictness, contradictions between keys, durations."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

DURATION_PATTERN = r"^[1-9]\d{0,4}[mhd]$"
INSTANCE_PATTERN = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"
_UNIT_S = {"m": 60, "h": 3600, "d": 86400}


class Section(BaseModel):
    """A section; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


def contradiction(key: str, reason: str) -> PydanticCustomError:
    """Two keys that do not go together; `key` is the one whose line the error shows, with dots."""
    return PydanticCustomError("contradiction", "{reason}", {"reason": reason, "key": key})


def duration_s(text: str) -> int:
    """Seconds of a duration that matches DURATION_PATTERN (`90m`, `6h`, `2d`)."""
    return int(text[:-1]) * _UNIT_S[text[-1]]
