"""A bucket as every bucket of the kit is: versioned, encrypted, private, TLS only."""

import json

import pulumi
from pulumi_aws import s3

from infra.policies import resources
from infra.stack import Stack

# Long enough to undo a mistake, short enough that history does not cost more than the data.
NONCURRENT_DAYS = 30
ABORT_UPLOAD_DAYS = 3


class Bucket(pulumi.ComponentResource):
    """One of the stack's buckets.

    Attributes:
        name: The bucket's name, once it keeps versions: an object that came before would have none to pin.
    """

    def __init__(
        self, kind: str, stack: Stack, *, opts: pulumi.ResourceOptions, expire_after_days: int | None = None
    ) -> None:
        """`kind` is landing, lake, models or capture; without `expire_after_days` objects stay."""
        super().__init__("comal:storage:Bucket", kind, None, opts)
        guards = stack.data_options(self)
        bucket = s3.Bucket(kind, bucket=stack.names.bucket(kind), tags=stack.tags(), opts=guards)
        versioning = s3.BucketVersioning(
            kind, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=guards
        )
        # Whoever names the bucket comes after its versioning: what is put there earlier has no version.
        self.name = versioning.bucket
        s3.BucketServerSideEncryptionConfiguration(
            kind,
            bucket=bucket.bucket,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=guards,
        )
        blocked = s3.BucketPublicAccessBlock(
            kind,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=guards,
        )
        s3.BucketPolicy(
            kind,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: json.dumps(resources.tls_only(arn))),
            # S3 refuses two changes of one bucket's access at the same time.
            opts=pulumi.ResourceOptions.merge(guards, pulumi.ResourceOptions(depends_on=[blocked])),
        )
        s3.BucketLifecycleConfiguration(
            kind,
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "tidy",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": NONCURRENT_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOAD_DAYS},
                    "expiration": {"days": expire_after_days} if expire_after_days else None,
                }
            ],
            opts=guards,
        )
        self.register_outputs({"name": self.name})
