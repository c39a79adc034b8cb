"""How much a block under construction may still spend: gas and wall-clock time."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """`fill_time_s`: wall-clock time for running transactions; sealing comes on top.

    `full_after_misses`: this many transactions in a row that do not fit mean the block is full.
    """

    fill_time_s: float
    full_after_misses: int = 32


LEAST_TRANSACTION_GAS = 21_000


class Budget:
    """Starts when it is made. `now_s` may be any clock that only goes forward."""

    def __init__(self, limits: BuildLimits, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._deadline_s = now_s() + limits.fill_time_s
        self._misses_left = limits.full_after_misses

    def missed(self) -> None:
        """A transaction did not fit the gas that is left."""
        self._misses_left -= 1

    def is_spent(self, gas_remaining: int) -> bool:
        return (
            gas_remaining < LEAST_TRANSACTION_GAS
            or self._misses_left <= 0
            or self._now_s() >= self._deadline_s
        )
