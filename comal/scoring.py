"""Identity of one batch scoring, known to who asks for it and to who does it."""

from comal.events import event_id


def scoring_id_of(*parts: str) -> str:
    """12 hex digits; the same parts give the same id."""
    return event_id("score", *parts)[:12]
