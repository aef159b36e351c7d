"""What is emitted of a model each time: the newest scores while they hold, and how long nothing has come. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from comal.recipe import Recipe
from lambdas.monitor_endpoint.counting import VersionCount

# A verdict is repeated until the next one or, if there is none, for so long: alarms of one-minute periods need to see
# it several times, and one that is a day old says nothing of now.
REPEATED_FOR = timedelta(days=1)
# Requests may pause overnight; labels come in batches, and late by as much as the recipe says.
SILENCE = timedelta(days=1)

SCORES = ("drift_score", "prediction_drift_score", "skew_score")


@dataclass(frozen=True)
class Signs:
    """What the table knows of a model.

    Attributes:
        versions: What was counted of each version.
        window: Scores of the serving version's newest window, or nothing.
        quality: The newest live quality, or nothing.
        deployed_at: When a version was deployed last; ISO 8601, empty before.
        labelled_at: When the newest good label file came; the same.
        lifetime: From when to when the champion is good; None where nobody said.
    """

    versions: Mapping[int, VersionCount] = field(default_factory=dict)
    window: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    deployed_at: str = ""
    labelled_at: str = ""
    lifetime: tuple[datetime, datetime] | None = None


def serving_version(versions: Mapping[int, VersionCount]) -> int | None:
    """The version that answered last; None before the first captured row."""
    return max(versions, key=lambda version: (versions[version].latest, version), default=None)


def metrics_of(signs: Signs, recipe: Recipe, now: datetime) -> dict[str, float]:
    """Metrics of a model by name."""
    found: dict[str, float] = {}
    if _holds(signs.window, now):
        found |= {name: signs.window[name] for name in SCORES if signs.window.get(name) is not None}
    if _holds(signs.quality, now) and signs.quality["version"] == serving_version(signs.versions):
        found["quality_score"] = signs.quality["quality_score"]
        found[f"live_{signs.quality['metric']}"] = signs.quality["value"]
    newest = max([count.latest for count in signs.versions.values()] + [signs.deployed_at])
    delay = timedelta(seconds=recipe.monitoring.label_delay_s)
    found["no_data_score"] = _age(newest, now) / SILENCE
    found["no_labels_score"] = _age(signs.labelled_at, now) / (delay + SILENCE)
    if signs.lifetime is not None:
        created, expires = signs.lifetime
        # A version that was registered as expired has no lifetime to divide by.
        found["expiry_score"] = (now - created) / max(expires - created, timedelta(seconds=1))
    return found


def _holds(row: Mapping[str, Any], now: datetime) -> bool:
    return bool(row) and _age(row["scored_at"], now) <= REPEATED_FOR


def _age(time: str, now: datetime) -> timedelta:
    """How long ago something was; nothing where it never was, so that no alarm goes off before it can."""
    return max(now - datetime.fromisoformat(time), timedelta(0)) if time else timedelta(0)
