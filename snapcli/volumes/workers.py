"""Plain threads that use all cores: the block work (hash, compress, read) releases the lock.

Knows nothing of blocks. concurrent.futures is not used: it imports logging and has no bound
on what is in flight.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Final, TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

_MOST_THREADS: Final = 8
_AHEAD: Final = 2  # jobs a thread may be ahead of the one whose outcome is awaited


def thread_count() -> int:
    """How many threads to use: the cores this process may run on, at most 8."""
    cores = getattr(os, "sched_getaffinity", None)
    count = len(cores(0)) if cores is not None else (os.cpu_count() or 1)
    return max(1, min(count, _MOST_THREADS))


def ordered_map(jobs: Iterable[Job], workers: list[Callable[[Job], Outcome]]) -> Iterator[Outcome]:
    """Outcomes of the jobs in their order, each worker (with its own buffers) on its own thread.

    At most a few jobs a worker are in flight, so memory is bounded. The first exception of a
    job is raised here; whatever ends the iteration, no thread outlives it.
    """
    inbox: SimpleQueue[tuple[SimpleQueue[tuple[Outcome | None, BaseException | None]], Job] | None]
    inbox = SimpleQueue()

    def serve(work: Callable[[Job], Outcome]) -> None:
        while (task := inbox.get()) is not None:
            outbox, job = task
            try:
                outbox.put((work(job), None))
            except BaseException as error:  # handed to the caller's thread, whatever it is
                outbox.put((None, error))

    threads = [Thread(target=serve, args=(work,), daemon=True) for work in workers]
    for thread in threads:
        thread.start()
    waiting: deque[SimpleQueue[tuple[Outcome | None, BaseException | None]]] = deque()

    def next_outcome() -> Outcome:
        outcome, error = waiting.popleft().get()
        if error is not None:
            raise error
        return outcome  # type: ignore[return-value]  # None only when that is the outcome

    try:
        for job in jobs:
            outbox: SimpleQueue[tuple[Outcome | None, BaseException | None]] = SimpleQueue()
            inbox.put((outbox, job))
            waiting.append(outbox)
            if len(waiting) > _AHEAD * len(workers):
                yield next_outcome()
        while waiting:
            yield next_outcome()
    finally:
        for _ in threads:
            inbox.put(None)
        for thread in threads:
            thread.join()
