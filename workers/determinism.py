"""How torch computes in a job, so that one request gives the same bytes: on how many threads, and where."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workers.errors import InvalidInputError
from workers.protocol import MAX_THREADS


def use_determinism(threads: int = 1) -> None:
    """Deterministic algorithms on so many threads, for this whole process; raises InvalidInputError."""
    if not 1 <= threads <= MAX_THREADS:
        raise InvalidInputError(f"threads is 1 to {MAX_THREADS}")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)


@contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Deterministic algorithms on so many threads, and afterwards on one, as every other job computes."""
    use_determinism(threads)
    try:
        yield
    finally:
        use_determinism()


def device_of() -> str:
    """`cuda` where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"
