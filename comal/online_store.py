"""The online store of a feature group, asked for many entities at once."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from comal.errors import PlatformError

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchGetRecord.html
RECORDS_PER_CALL = 100
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.1


def online_records(
    runtime: Any, group: str, entities: Sequence[str], features: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, str]]]:
    """Entities of which something is known, each with its record; what the store did not get to is asked for again.

    Args:
        runtime: A boto3 client of sagemaker-featurestore-runtime.
        group: Name of the feature group.
        entities: At most a hundred, each once.
        features: Of the record; all if there are none.

    Raises:
        PlatformError: The feature store refused a record, or did not get to it.
    """
    asked = list(entities)
    for attempt in range(_ATTEMPTS):
        wanted: dict[str, Any] = {"FeatureGroupName": group, "RecordIdentifiersValueAsString": asked}
        if features:
            wanted["FeatureNames"] = list(features)
        answer = runtime.batch_get_record(Identifiers=[wanted])
        for refused in answer["Errors"]:
            raise PlatformError(
                f"{group} refuses {refused['RecordIdentifierValueAsString']}: {refused['ErrorMessage']}",
                next_step="Try again; if it stays, look at the feature group in SageMaker.",
            )
        for one in answer["Records"]:
            record = {feature["FeatureName"]: feature["ValueAsString"] for feature in one["Record"]}
            yield one["RecordIdentifierValueAsString"], record
        asked = [key for one in answer["UnprocessedIdentifiers"] for key in one["RecordIdentifiersValueAsString"]]
        if not asked:
            return
        time.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise PlatformError(
        f"{group} did not get to {len(asked)} records in {_ATTEMPTS} calls.", next_step="Try again in a minute."
    )
