"""The model registry: groups, and packages with a version and an approval."""

from localcloud.aws.sagemaker.api_model import structure_members
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.errors import ApiError, ValidationError
from localcloud.aws.sagemaker.families import MODEL_PACKAGE, MODEL_PACKAGE_GROUP
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Resource

# Kept with the group, never shown: a version number is not given twice, not even after its package was deleted.
_LAST_VERSION = "_LastVersion"
_UPDATED_FIELDS = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)


class ModelPackages:
    """Model package groups and model packages."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
            "BatchDescribeModelPackage": self.batch_describe,
        }

    def create_group(self, scope: Scope, request: Document) -> Document:
        """CreateModelPackageGroup."""
        fields = {**request, "ModelPackageGroupStatus": "Completed", "CreatedBy": {}}
        name = request["ModelPackageGroupName"]
        group = self._catalogue.add(MODEL_PACKAGE_GROUP, scope, name, fields, request.get("Tags", []))
        return {"ModelPackageGroupArn": group.document["ModelPackageGroupArn"]}

    def delete_group(self, scope: Scope, request: Document) -> Document:
        """DeleteModelPackageGroup: only of an empty one."""
        group = self._group(scope, request["ModelPackageGroupName"])
        with self._catalogue.store.transaction():
            held = self._packages_of(group)
            if held:
                arn = group.document["ModelPackageGroupArn"]
                raise ApiError(
                    "ConflictException",
                    f"Model Package Group {arn} cannot be deleted because it still contains Model Packages.",
                )
            self._catalogue.remove(MODEL_PACKAGE_GROUP, group)
        return {}

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateModelPackage: the group's next version, or a package of its own name."""
        group_name, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if bool(group_name) == bool(name):
            raise ValidationError("Exactly one of ModelPackageName and ModelPackageGroupName must be provided.")
        if group_name and request.get("Tags"):
            # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html (Tags)
            raise ValidationError("Tags cannot be given to a model package of a group: it uses the group's tags.")
        fields: Document = {
            "ModelApprovalStatus": "PendingManualApproval" if group_name else None,
            "CertifyForMarketplace": False,
            **request,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CreatedBy": {},
        }
        with self._catalogue.store.transaction():
            if group_name:
                group = self._group(scope, group_name)
                fields["ModelPackageGroupName"] = group.name
                fields["ModelPackageVersion"] = self._next_version(group)
                name, parent = f"{group.name}/{fields['ModelPackageVersion']}", group.name
            else:
                name, parent = str(name), ""
            package = self._catalogue.add(MODEL_PACKAGE, scope, name, fields, request.get("Tags", []), parent)
        return {"ModelPackageArn": package.document["ModelPackageArn"]}

    def describe(self, scope: Scope, request: Document) -> Document:
        """DescribeModelPackage, by ARN or by name."""
        return self._package(scope, request["ModelPackageName"]).document

    def update(self, scope: Scope, request: Document) -> Document:
        """UpdateModelPackage: approval and metadata. A changed approval is an event."""
        name = _package_name(request["ModelPackageArn"])

        def edit(package: Document) -> None:
            package.update({field: request[field] for field in _UPDATED_FIELDS if field in request})
            metadata = package.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
            for key in request.get("CustomerMetadataPropertiesToRemove", []):
                metadata.pop(key, None)
            if metadata or "CustomerMetadataProperties" in package:
                package["CustomerMetadataProperties"] = metadata
            package["LastModifiedBy"] = {}

        announce = "ModelApprovalStatus" in request
        package = self._catalogue.change(MODEL_PACKAGE, scope, name, edit, announce=announce)
        return {"ModelPackageArn": package.document["ModelPackageArn"]}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteModelPackage."""
        self._catalogue.remove(MODEL_PACKAGE, self._package(scope, request["ModelPackageName"]))
        return {}

    def batch_describe(self, scope: Scope, request: Document) -> Document:
        """BatchDescribeModelPackage."""
        summaries: Document = {}
        errors: Document = {}
        members = structure_members("BatchDescribeModelPackageSummary")
        for arn in request["ModelPackageArnList"]:
            try:
                package = self._package(scope, arn).document
            except ApiError as error:
                errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
            else:
                summaries[arn] = {name: value for name, value in package.items() if name in members}
        return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}

    def _group(self, scope: Scope, name_or_arn: str) -> Resource:
        return self._catalogue.find(MODEL_PACKAGE_GROUP, scope, name_or_arn.rpartition("/")[2])

    def _package(self, scope: Scope, name_or_arn: str) -> Resource:
        return self._catalogue.find(MODEL_PACKAGE, scope, _package_name(name_or_arn))

    def _packages_of(self, group: Resource) -> list[Resource]:
        where = "account=? and region=? and parent=?"
        arguments = (group.scope.account, group.scope.region, group.name.lower())
        return self._catalogue.store.select(MODEL_PACKAGE.name, where, arguments, "limit 1")

    def _next_version(self, group: Resource) -> int:
        version: int = group.document.get(_LAST_VERSION, 0) + 1

        def edit(document: Document) -> None:
            document[_LAST_VERSION] = version

        self._catalogue.change(MODEL_PACKAGE_GROUP, group.scope, group.name, edit, announce=False)
        return version


def _package_name(name_or_arn: str) -> str:
    return name_or_arn.partition(":model-package/")[2] or name_or_arn
