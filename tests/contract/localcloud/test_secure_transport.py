"""A bucket policy that allows TLS only, as AWS recommends, does not lock the loopback port out."""

import json

from tests.contract.localcloud.resources import create_role
from tests.running_cloud import RunningCloud


def test_a_role_reads_a_bucket_whose_policy_denies_insecure_transport(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="tls-only")
    resources = ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"]
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps(policy))
    arn = create_role(cloud, "tls-reader", [{"Effect": "Allow", "Action": "s3:*", "Resource": resources}])
    keys = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    as_role = cloud.client("s3", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    as_role.put_object(Bucket="tls-only", Key="k", Body=b"x")
    assert as_role.get_object(Bucket="tls-only", Key="k")["Body"].read() == b"x"
