"""A model's feature groups as its stack deployed them: what is online, and every record offline."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from comal.absence import is_absent
from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.target import Target
from comal.errors import UserError
from comal.feature_group import FeatureGroup
from comal.online_store import RECORDS_PER_CALL, online_records

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class OpenGroup:
    """One feature group of a stack."""

    target: Target
    name: str
    full_name: str
    group: FeatureGroup

    @cached_property
    def records(self) -> "pa.Table":
        """All of its offline records; see `read_records`."""
        from comal.offline_store import data_uri, read_records  # Arrow takes a fifth of a second, and not all ask

        uri = data_uri(self.target.client("sagemaker"), self.full_name)
        return read_records(self.target.client("s3"), uri, self.group)

    def online(self, entity: str) -> dict[str, float] | None:
        """The windows of an entity as they are online, without those that are missing; None for nobody."""
        runtime = self.target.client("sagemaker-featurestore-runtime")
        answer = runtime.get_record(FeatureGroupName=self.full_name, RecordIdentifierValueAsString=entity)
        if "Record" not in answer:
            return None
        return self._windows({one["FeatureName"]: one["ValueAsString"] for one in answer["Record"]})

    def online_all(self, entities: Iterable[str]) -> dict[str, dict[str, float]]:
        """What `online` says of many entities, without those of which nothing is known; each is asked for once.

        Raises:
            PlatformError: The feature store refused a record, or did not get to it.
        """
        wanted, found = list(dict.fromkeys(entities)), {}
        runtime = self.target.client("sagemaker-featurestore-runtime")
        for first in range(0, len(wanted), RECORDS_PER_CALL):
            some = wanted[first : first + RECORDS_PER_CALL]
            for entity, values in online_records(runtime, self.full_name, some):
                found[entity] = self._windows(values)
        return found

    def _windows(self, values: dict[str, str]) -> dict[str, float]:
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
