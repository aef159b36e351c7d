"""How CloudWatch writes times in its messages."""

from datetime import UTC, datetime


def written(moment: float) -> str:
    """`2026-03-02T08:00:00.000+0000`, from epoch seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(moment * 1000) % 1000:03d}+0000"


def short(moment: float) -> str:
    """`02/03/26 08:00:00`, as reasons show a datapoint's time."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%m/%y %H:%M:%S")


def spoken(moment: float) -> str:
    """`Monday 02 March, 2026 08:00:00 UTC`, as reasons of composite alarms say it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%A %d %B, %Y %H:%M:%S UTC")
