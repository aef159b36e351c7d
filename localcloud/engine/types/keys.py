"""KMS."""

from localcloud.engine.resource_type import ResourceType, Tagging

TYPES = {
    "aws:kms/key:Key": ResourceType(
        service="kms",
        create="create_key",
        delete="schedule_key_deletion",
        read="describe_key",
        id="res.KeyMetadata.KeyId",
        key={"KeyId": "id"},
        paths={"customerMasterKeySpec": "KeySpec"},
        updates={"put_key_policy": ("policy",), "update_key_description": ("description",)},
        tagging=Tagging("tag_resource", "untag_resource", {"KeyId": "id"}),
        defaults={"description": "", "tags": {}},
        local=("deletionWindowInDays", "enableKeyRotation"),
        outputs={"arn": "res.KeyMetadata.Arn", "keyId": "id"},
    ),
    "aws:kms/alias:Alias": ResourceType(
        service="kms",
        create="create_alias",
        delete="delete_alias",
        id="in.name",
        key={"AliasName": "id"},
        name="name",
        paths={"name": "AliasName"},
        updates={"update_alias": ("targetKeyId",)},
        replace=("name",),
        outputs={"arn": "join(':', ['arn:aws:kms', region, account, id])"},
    ),
}
