"""What CreateFeatureGroup and UpdateFeatureGroup accept beyond the shapes of their requests.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
"""

from collections.abc import Sequence

from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.store import Document

_RESERVED = frozenset({"is_deleted", "write_time", "api_invocation_time"})
_MAX_FEATURES = 2500


def check_group(request: Document) -> None:
    """Refuses a group that could not hold records.

    Raises:
        ValidationError: In AWS's manner.
    """
    online, offline = request.get("OnlineStoreConfig", {}), request.get("OfflineStoreConfig")
    if not online.get("EnableOnlineStore") and offline is None:
        raise ValidationError(
            "Validation Error: You must include at least one of OnlineStoreConfig and OfflineStoreConfig."
        )
    if offline is not None and "RoleArn" not in request:
        raise ValidationError("Validation Error: RoleArn is required when OfflineStoreConfig is provided.")
    if (storage := online.get("StorageType", "Standard")) != "Standard":
        raise ValidationError(f"StorageType {storage} is not available on this machine; use Standard.")
    if (table_format := (offline or {}).get("TableFormat", "Glue")) == "Iceberg":
        raise ValidationError(f"TableFormat {table_format} is not available on this machine; use Glue.")
    check_features(request["FeatureDefinitions"], ())
    types = {one["FeatureName"]: one["FeatureType"] for one in request["FeatureDefinitions"]}
    for field in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[field] not in types:
            raise ValidationError(
                f"Validation Error: {field} {request[field]} must be the name of a feature in FeatureDefinitions."
            )
    if types[request["EventTimeFeatureName"]] == "Integral":
        raise ValidationError(
            f"Validation Error: EventTime feature {request['EventTimeFeatureName']} must be of type String or "
            "Fractional; found Integral."
        )


def check_features(added: Sequence[Document], present: Sequence[Document]) -> None:
    """Refuses names that are reserved or there already, and more features than a group may have.

    Raises:
        ValidationError: In AWS's manner.
    """
    names = [one["FeatureName"] for one in present]
    for feature in added:
        name = feature["FeatureName"]
        if name in _RESERVED:
            raise ValidationError(
                f"Validation Error: FeatureName {name} is reserved; it cannot be any of {', '.join(sorted(_RESERVED))}."
            )
        if name in names:
            raise ValidationError(f"Validation Error: FeatureName {name} is used more than once.")
        if "CollectionType" in feature:
            raise ValidationError(
                f"Validation Error: Feature {name} has a CollectionType, which needs the InMemory storage type."
            )
        names.append(name)
    if len(names) > _MAX_FEATURES:
        raise ValidationError(
            f"Validation Error: A feature group has at most {_MAX_FEATURES} features; found {len(names)}."
        )
