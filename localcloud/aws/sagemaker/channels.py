"""Input channels of a training job: S3 prefixes and manifests become files below /opt/ml/input/data.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri, local_path

Channel = dict[str, Any]


def download_channel(s3: RoleS3, channel: Channel, directory: Path, check: Callable[[], None]) -> None:
    """Fetches all files of a channel.

    Args:
        s3: S3 as the job's role.
        channel: As in `InputDataConfig`.
        directory: Its directory below input/data.
        check: Called between files; raises when the job is to stop.

    Raises:
        ContainerFailure: In AWS's words, when something cannot be read.
    """
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise ContainerFailure(f"ClientError: Channel {channel['ChannelName']} has no S3DataSource.")
    directory.mkdir(parents=True, exist_ok=True)
    # Next to the channel, so that the algorithm does not take it for data.
    objects = input_objects(s3, source, directory.parent / f"{directory.name}-manifest")
    for address, relative in objects.items():
        check()
        s3.download(address, local_path(directory, relative))


def input_objects(s3: RoleS3, source: dict[str, Any], manifest: Path) -> dict[S3Uri, str]:
    """The objects of an S3DataSource, in its order, with their paths below it.

    Args:
        s3: S3 as the job's role.
        source: S3DataType and S3Uri.
        manifest: Where a manifest is put.

    Raises:
        ContainerFailure: In AWS's words, when there are none, or they cannot be listed.
    """
    uri = S3Uri.parse(source["S3Uri"])
    if source["S3DataType"] == "S3Prefix":
        files = {key: relative_to_prefix(key, uri.key) for key in s3.list_keys(uri)}
        objects = {S3Uri(uri.bucket, key): path for key, path in files.items()}
    elif source["S3DataType"] == "ManifestFile":
        objects = _read_manifest(s3, uri, manifest)
    else:
        raise ContainerFailure(f"ClientError: S3DataType {source['S3DataType']} is not available on this machine.")
    if not objects:
        raise s3.nothing_found(uri)
    return objects


def relative_to_prefix(key: str, prefix: str) -> str:
    """What is left of a key below a channel's prefix; the prefix itself may be one object's whole key."""
    if key != prefix:
        folder = prefix if prefix.endswith("/") or key.startswith(prefix + "/") else prefix.rpartition("/")[0]
        return key.removeprefix(folder).lstrip("/")
    return key.rpartition("/")[2]


def _read_manifest(s3: RoleS3, uri: S3Uri, path: Path) -> dict[S3Uri, str]:
    s3.download(uri, path)
    try:
        entries = json.loads(path.read_text())
        prefix = S3Uri.parse(entries[0]["prefix"])
        names = [str(name) for name in entries[1:]]
    except (ValueError, LookupError, TypeError) as error:
        raise ContainerFailure(
            f"ClientError: Data download failed: {uri} is no manifest; expected "
            '[{"prefix": "s3://bucket/prefix/"}, "name", …].'
        ) from error
    return {S3Uri(prefix.bucket, prefix.key + name): name for name in names}
