"""The edge's own services, and what they have to do with each other."""

from collections.abc import Sequence
from pathlib import Path

from localcloud.aws.autoscaling.plugin import AutoScalingService, ScalableTargets
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch.plugin import CloudWatchService
from localcloud.aws.events import kept_at, put_aws_event
from localcloud.aws.sagemaker.aws_clients import AwsClients, assume_role
from localcloud.aws.sagemaker.plugin import make_sagemaker_services
from localcloud.aws.service import Service


def make_services(state_dir: Path, edge_url: str, images: Path, clock: Clock) -> Sequence[Service]:
    """All of them.

    Args:
        state_dir: Where everything is kept.
        edge_url: Where the edge answers.
        images: images.json: container image URI to local command.
        clock: The edge's.
    """
    clients = AwsClients(edge_url, assume_role)
    cloudwatch = CloudWatchService(state_dir, clock, put_aws_event, kept_at, clients.as_root)
    targets = ScalableTargets(state_dir)
    runtime, features, sagemaker = make_sagemaker_services(
        state_dir, clients, images, clock, cloudwatch, targets, put_aws_event, kept_at
    )
    autoscaling = AutoScalingService(targets, clock, sagemaker.answer, clients.as_root)
    return (cloudwatch, runtime, features, sagemaker, autoscaling)
