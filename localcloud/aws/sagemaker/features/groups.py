"""CreateFeatureGroup, UpdateFeatureGroup, DeleteFeatureGroup, and the work behind their statuses."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor

from botocore.exceptions import ClientError

from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.families import FEATURE_GROUP
from localcloud.aws.sagemaker.features import glue_table
from localcloud.aws.sagemaker.features.definitions import check_features, check_group
from localcloud.aws.sagemaker.features.group import FeatureGroup
from localcloud.aws.sagemaker.features.offline_files import OfflineFiles
from localcloud.aws.sagemaker.features.record_store import RecordStore
from localcloud.aws.sagemaker.s3_access import S3Uri
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Resource

logger = logging.getLogger("localcloud.sagemaker.features")

_READY_TIMEOUT_S = 30.0


class FeatureGroups:
    """The feature groups of this machine."""

    def __init__(self, catalogue: Catalogue, clients: AwsClients, store: RecordStore, offline: OfflineFiles) -> None:
        self._catalogue = catalogue
        self._clients = clients
        self._store = store
        self._offline = offline
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sagemaker-feature-groups")
        self._jobs: set[Future[None]] = set()

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {
            "CreateFeatureGroup": self.create,
            "UpdateFeatureGroup": self.update,
            "DeleteFeatureGroup": self.delete,
        }

    def resume(self) -> None:
        """Takes up what a killed emulator left half done."""
        for resource in self._catalogue.all_with_status(FEATURE_GROUP, ("Creating", "Deleting")):
            self._begin(resource)

    def is_idle(self) -> bool:
        """Whether no group is being made or deleted."""
        return all(job.done() for job in self._jobs)

    def stop(self) -> None:
        """Ends; what is half done is taken up by the next start."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateFeatureGroup: `Creating` until bucket and table are seen to.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
        """
        check_group(request)
        created_at = time.time()
        fields = {"ThroughputConfig": {"ThroughputMode": "OnDemand"}, **request}
        if "OfflineStoreConfig" in request:
            self._clients.check_role(request["RoleArn"], scope.region)
            fields["OfflineStoreConfig"] = _offline_config(scope, request, created_at)
        fields |= {"CreationTime": created_at, "LastModifiedTime": created_at, "FeatureGroupStatus": "Creating"}
        group = self._catalogue.add(FEATURE_GROUP, scope, request["FeatureGroupName"], fields, request.get("Tags", []))
        self._begin(group)
        return {"FeatureGroupArn": group.document["FeatureGroupArn"]}

    def update(self, scope: Scope, request: Document) -> Document:
        """UpdateFeatureGroup: adds features, or sets the time to live of records that are put from now on.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureGroup.html
        """
        added = request.get("FeatureAdditions", [])
        online = request.get("OnlineStoreConfig", {})
        if online.get("StorageType", "Standard") != "Standard":
            raise ValidationError(
                f"StorageType {online['StorageType']} is not available on this machine; use Standard."
            )
        name = request["FeatureGroupName"].rpartition("/")[2]

        def edit(group: Document) -> None:
            if group["FeatureGroupStatus"] != "Created":
                raise ValidationError(
                    f"Validation Error: Feature group {name} is in status {group['FeatureGroupStatus']}; expected "
                    "Created."
                )
            check_features(added, group["FeatureDefinitions"])
            group["FeatureDefinitions"] = [*group["FeatureDefinitions"], *added]
            if "TtlDuration" in online:
                group["OnlineStoreConfig"] = _with_ttl(group, online["TtlDuration"])
            if "ThroughputConfig" in request:
                group["ThroughputConfig"] = request["ThroughputConfig"]
            group["LastUpdateStatus"] = {"Status": "Successful"}

        group = self._catalogue.change(FEATURE_GROUP, scope, name, edit, announce=False)
        if added and _owns_table(group.document):
            glue_table.put_table(self._clients.as_root("glue", scope.region), group.document)
        return {"FeatureGroupArn": group.document["FeatureGroupArn"]}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteFeatureGroup: the online store goes; the offline one stays, with its table.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteFeatureGroup.html
        """
        name = request["FeatureGroupName"].rpartition("/")[2]

        def edit(group: Document) -> None:
            if group["FeatureGroupStatus"] == "Creating":
                raise ValidationError(f"Validation Error: Feature group {name} cannot be deleted in status Creating.")
            group["FeatureGroupStatus"] = "Deleting"

        self._begin(self._catalogue.change(FEATURE_GROUP, scope, name, edit))
        return {}

    def _begin(self, resource: Resource) -> None:
        work = self._provision if resource.status == "Creating" else self._tear_down
        self._jobs = {job for job in self._jobs if not job.done()} | {self._worker.submit(work, resource)}

    def _provision(self, resource: Resource) -> None:
        self._clients.wait_until_ready(_READY_TIMEOUT_S)
        try:
            if "OfflineStoreConfig" in resource.document:
                self._check_bucket(resource)
            if _owns_table(resource.document):
                glue_table.put_table(self._clients.as_root("glue", resource.scope.region), resource.document)
        except (ContainerFailure, ClientError) as error:
            self._settle(resource, {"FeatureGroupStatus": "CreateFailed", "FailureReason": str(error)[:1024]})
            return
        except Exception as error:  # the group's owner must hear of it, whatever it was
            logger.exception("Feature group %s failed inside the emulator", resource.name)
            self._settle(resource, {"FeatureGroupStatus": "CreateFailed", "FailureReason": str(error)[:1024]})
            return
        offline = {"OfflineStoreStatus": {"Status": "Active"}} if "OfflineStoreConfig" in resource.document else {}
        self._settle(resource, {"FeatureGroupStatus": "Created", **offline})

    def _settle(self, resource: Resource, fields: Document) -> None:
        self._catalogue.change(FEATURE_GROUP, resource.scope, resource.name, lambda group: group.update(fields))

    def _check_bucket(self, resource: Resource) -> None:
        """The role must see the bucket's access list before anything is written.

        https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-adding-policies.html
        """
        config, role = resource.document["OfflineStoreConfig"], resource.document["RoleArn"]
        bucket = S3Uri.parse(config["S3StorageConfig"]["S3Uri"]).bucket
        credentials = self._clients.assume(role, "SageMaker-FeatureStore")
        try:
            self._clients.as_role("s3", resource.scope.region, credentials).get_bucket_acl(Bucket=bucket)
        except ClientError as error:
            details = error.response["Error"]
            raise ContainerFailure(
                f"{details['Code']}: {details['Message']}. Please ensure that the bucket {bucket} exists and that the "
                f'role {role} has "s3:GetBucketAcl" and "s3:PutObject" permissions on it.'
            ) from error

    def _tear_down(self, resource: Resource) -> None:
        self._clients.wait_until_ready(_READY_TIMEOUT_S)
        group = FeatureGroup.of(resource)
        self._offline.flush(group)
        self._store.drop_group(group.key)
        self._catalogue.remove(FEATURE_GROUP, resource)


def _offline_config(scope: Scope, request: Document, created_at: float) -> Document:
    """The OfflineStoreConfig as DescribeFeatureGroup shows it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OfflineStoreConfig.html
    """
    name = request["FeatureGroupName"]
    config = {"DisableGlueTableCreation": False, "TableFormat": "Glue", **request["OfflineStoreConfig"]}
    try:
        uri = S3Uri.parse(config["S3StorageConfig"]["S3Uri"])
    except ContainerFailure as failure:
        raise ValidationError(str(failure)) from None
    parts = (uri.key.strip("/"), scope.account, "sagemaker", scope.region, "offline-store", f"{name}-{int(created_at)}")
    folder = S3Uri(uri.bucket, "/".join(part for part in (*parts, "data") if part))
    config["S3StorageConfig"] = {**config["S3StorageConfig"], "ResolvedOutputS3Uri": str(folder)}
    if not config["DisableGlueTableCreation"] and "DataCatalogConfig" not in config:
        config["DataCatalogConfig"] = {
            "TableName": glue_table.table_name(name, created_at),
            "Catalog": glue_table.CATALOG,
            "Database": glue_table.DATABASE,
        }
    return config


def _owns_table(group: Document) -> bool:
    return "OfflineStoreConfig" in group and not group["OfflineStoreConfig"]["DisableGlueTableCreation"]


def _with_ttl(group: Document, ttl: Document) -> Document:
    """The online store's configuration with a time to live; an empty one takes it away."""
    online = {name: value for name, value in group.get("OnlineStoreConfig", {}).items() if name != "TtlDuration"}
    if not online.get("EnableOnlineStore"):
        raise ValidationError("Validation Error: TtlDuration needs an OnlineStore, which this feature group has not.")
    return online | ({"TtlDuration": ttl} if ttl.get("Unit") is not None else {})
