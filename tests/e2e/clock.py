"""Moves a clone's local cloud on in time."""

import json
import urllib.request
from typing import Any

from tests.e2e.clone import Clone

HOUR_S = 3600
DAY_S = 24 * HOUR_S
TIMEOUT_S = 200


def advance(clone: Clone, seconds: float) -> dict[str, Any]:
    """Every timer on the way fires at its own time; how many there were is `stops`."""
    body = json.dumps({"advance_s": seconds}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{clone.port}/_localcloud/clock", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return dict(json.load(answer))
