"""Work on the parts of something long on every core, with the results in the order of the parts."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

# So many parts wait for each core, so that none idles while the results of others are used; more would cost memory.
_WAITING_PER_CORE = 2


def in_order(work: Callable[[Part], Result], parts: Iterable[Part]) -> Generator[Result]:
    """The result of each part; a part is taken when a core will soon be free.

    Args:
        work: Called in several threads; should spend its time outside of Python's lock, as Arrow and models do.
        parts: Taken in the caller's thread.
    """
    cores = len(os.sched_getaffinity(0))
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for part in parts:
            under_way.append(pool.submit(work, part))
            if len(under_way) > cores * _WAITING_PER_CORE:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
