"""How our own services tell the rest of the cloud what happened: `aws.*` events on the default bus."""

from collections.abc import Mapping, Sequence
from typing import Any


def put_aws_event(
    source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str], account: str, region: str
) -> None:
    """Puts an event of an AWS service on the account's default bus and delivers it to the matching rules.

    Any thread may call it, the event loop's included; delivery to SQS is done when it returns.

    Args:
        source: `aws.sagemaker`, …
        detail_type: `SageMaker Training Job State Change`, …
        detail: The event's detail, JSON-serialisable.
        resources: ARNs the event is about.
        account: Twelve digits.
        region: `us-east-1`, …
    """
    # MiniStack reads its settings while it is imported; only the running edge may import it.
    from localcloud.aws.ministack_patches import event_bus

    event_bus.put_aws_event(source, detail_type, detail, resources, account, region)


def kept_at() -> float:
    """The monotonic time before which all that was put is on disk, with what it set off; a kill loses the rest."""
    from localcloud.aws.ministack_patches import saving

    return saving.kept_at()
