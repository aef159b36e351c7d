"""A model's feature groups as its stack deployed them: what is online, and every record offline."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from comal.absence import is_absent
from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.target import Target
from comal.errors import UserError
from comal.feature_group import FeatureGroup
from comal.offline_store import data_uri, read_records


@dataclass(frozen=True)
class OpenGroup:
    """One feature group of a stack."""

    target: Target
    name: str
    full_name: str
    group: FeatureGroup

    @cached_property
    def records(self) -> pa.Table:
        """All of its offline records; see `read_records`."""
        uri = data_uri(self.target.client("sagemaker"), self.full_name)
        return read_records(self.target.client("s3"), uri, self.group)

    def online(self, entity: str) -> dict[str, float] | None:
        """The windows of an entity as they are online, without those that are missing; None for nobody."""
        runtime = self.target.client("sagemaker-featurestore-runtime")
        answer = runtime.get_record(FeatureGroupName=self.full_name, RecordIdentifierValueAsString=entity)
        if "Record" not in answer:
            return None
        values = {one["FeatureName"]: one["ValueAsString"] for one in answer["Record"]}
        return {name: float(values[name]) for name in self.group.windows if name in values}


def open_groups(target: Target, model: str) -> list[OpenGroup]:
    """The feature groups of a model's deployed recipe.

    Raises:
        UserError: The recipe has none, or they are not there yet.
    """
    require_model(target, model)
    recipe = deployed_recipe(target, model)
    if not recipe.feature_groups:
        raise UserError(
            f"{model} has no feature groups.",
            next_step=f"Add feature_groups to recipes/{model}.yaml (docs/guide.md says how), then run: comal up"
            f"{target.option}",
        )
    names = target.names
    groups = [
        OpenGroup(target, name, names.feature_group(model, name, recipe.feature_definition), group)
        for name, group in recipe.feature_groups.items()
    ]
    for one in groups:
        _require(target, one)
    return groups


def _require(target: Target, one: OpenGroup) -> None:
    sagemaker = target.client("sagemaker")
    try:
        sagemaker.describe_feature_group(FeatureGroupName=one.full_name)
    except sagemaker.exceptions.ClientError as error:
        if not is_absent(error):
            raise
        raise UserError(
            f"Stack '{target.stack}' has no feature group {one.full_name}.", next_step=f"Run: comal up{target.option}"
        ) from error


def entity_text(value: Any) -> str:
    """An entity as the feature store names it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class OnlineFeatures:
    """Completes rows for a model with what is online of their entities; what a row says itself stays."""

    def __init__(self, groups: list[OpenGroup]) -> None:
        self._groups = groups
        self._known: dict[tuple[str, str], dict[str, float]] = {}

    def complete(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with the windows of its entities; null where nothing is known."""
        for one in self._groups:
            entity = row.get(one.group.entity)
            known = self._of(one, entity_text(entity)) if entity not in (None, "") else {}
            row = {**{window: known.get(window) for window in one.group.windows}, **row}
        return row

    def _of(self, one: OpenGroup, entity: str) -> dict[str, float]:
        key = (one.name, entity)
        if key not in self._known:
            self._known[key] = one.online(entity) or {}
        return self._known[key]
