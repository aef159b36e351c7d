"""Event times: what orders the records of one identifier, as text on the wire and as microseconds in the stores.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html (EventTimeFeatureName)
"""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

# `yyyy-MM-dd'T'HH:mm:ssZ` and `yyyy-MM-dd'T'HH:mm:ss.SSSZ`; T and Z are constants.
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z")
_MICROSECONDS = 1_000_000
# Four digits of a year are all that the offline store's folders have.
_END_US = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * _MICROSECONDS


def parse_event_time(feature_type: str, text: str) -> int | None:
    """Microseconds since the epoch, or None for a text that is no event time.

    Args:
        feature_type: `String` for ISO 8601, `Fractional` for seconds since the epoch.
        text: The feature's value.
    """
    try:
        if feature_type == "String":
            return _microseconds(datetime.fromisoformat(text)) if _ISO.fullmatch(text) else None
        value = int((Decimal(text) * _MICROSECONDS).to_integral_value())
    except (ValueError, InvalidOperation, OverflowError):
        return None
    return value if 0 <= value < _END_US else None


def format_event_time(feature_type: str, moment_us: int) -> str:
    """The text of an event time, as a feature of this type carries it."""
    if feature_type == "String":
        return iso_seconds(moment_us)
    return str(Decimal(moment_us) / _MICROSECONDS)


def iso_seconds(moment_us: int) -> str:
    """`yyyy-MM-dd'T'HH:mm:ssZ`."""
    return at_moment(moment_us).strftime("%Y-%m-%dT%H:%M:%SZ")


def at_moment(moment_us: int) -> datetime:
    """The moment in UTC."""
    return datetime.fromtimestamp(moment_us // _MICROSECONDS, UTC).replace(microsecond=moment_us % _MICROSECONDS)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * _MICROSECONDS + moment.microsecond
