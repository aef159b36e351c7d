"""A model's feature groups as its stack deployed them: what is online, and every record offline."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from comal.absence import is_absent
from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.target import Target
from comal.errors import PlatformError, UserError
from comal.feature_group import FeatureGroup

if TYPE_CHECKING:
    import pyarrow as pa

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchGetRecordIdentifier.html
_RECORDS_PER_CALL = 100
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.1


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
        return self._windows(answer["Record"]) if "Record" in answer else None

    def online_all(self, entities: Iterable[str]) -> dict[str, dict[str, float]]:
        """What `online` says of many entities, without those of which nothing is known; each is asked for once.

        Raises:
            PlatformError: The feature store refused a record, or did not get to it.
        """
        wanted, found = list(dict.fromkeys(entities)), {}
        for first in range(0, len(wanted), _RECORDS_PER_CALL):
            for answer in self._answers(wanted[first : first + _RECORDS_PER_CALL]):
                found[answer["RecordIdentifierValueAsString"]] = self._windows(answer["Record"])
        return found

    def _answers(self, asked: list[str]) -> Iterator[dict[str, Any]]:
        """Records of at most a hundred entities; what the store did not get to is asked for again."""
        runtime = self.target.client("sagemaker-featurestore-runtime")
        for attempt in range(_ATTEMPTS):
            wanted = {"FeatureGroupName": self.full_name, "RecordIdentifiersValueAsString": asked}
            answer = runtime.batch_get_record(Identifiers=[wanted])
            for refused in answer["Errors"]:
                raise PlatformError(
                    f"{self.full_name} refuses {refused['RecordIdentifierValueAsString']}: {refused['ErrorMessage']}",
                    next_step="Try again; if it stays, look at the feature group in SageMaker.",
                )
            yield from answer["Records"]
            asked = [key for one in answer["UnprocessedIdentifiers"] for key in one["RecordIdentifiersValueAsString"]]
            if not asked:
                return
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
        raise PlatformError(
            f"{self.full_name} did not get to {len(asked)} records in {_ATTEMPTS} calls.",
            next_step="Try again in a minute.",
        )

    def _windows(self, record: list[dict[str, str]]) -> dict[str, float]:
        values = {one["FeatureName"]: one["ValueAsString"] for one in record}
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
