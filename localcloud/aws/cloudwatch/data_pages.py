"""GetMetricData's answer in pages of datapoints; a series that is cut goes on in the next page.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.aws.cloudwatch.pages import first_of
from localcloud.aws.cloudwatch.store import Document

_MOST = 100_800


def data_page(results: Sequence[Document], request: Mapping[str, Any]) -> Document:
    """One page of results.

    Args:
        results: All of them, whole.
        request: Its MaxDatapoints says how large a page is, and its NextToken where to go on.

    Raises:
        ApiError: The token is none of ours.
    """
    first, size = first_of(request), request.get("MaxDatapoints", _MOST)
    shown: list[Document] = []
    position = 0
    for result in results:
        count = len(result["Values"])
        start, end = max(first - position, 0), min(first + size - position, count)
        is_here = start < end or (count == 0 and first <= position < first + size)
        if is_here:
            code = "Complete" if end == count else "PartialData"
            part = {name: result[name][start:end] for name in ("Timestamps", "Values")}
            shown.append({**result, **part, "StatusCode": code})
        position += count
    answer: Document = {"MetricDataResults": shown, "Messages": []}
    return answer | ({"NextToken": str(first + size)} if first + size < position else {})
