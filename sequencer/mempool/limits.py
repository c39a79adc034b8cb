"""How much may wait in the pool, and what of it one transaction takes."""

from dataclasses import dataclass, field

from sequencer.mempool.account_queue import Entry
from sequencer.mempool.admission import AdmissionLimits
from sequencer.ports import PooledTransaction

ENTRY_BYTES = 2_500
"""What an entry takes besides its raw bytes, which are held twice (see the memory test)."""


def charged_bytes(transaction: PooledTransaction) -> int:
    """Memory the pool counts for a transaction."""
    return ENTRY_BYTES + 2 * transaction.size_bytes


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much may wait. `lifetime_s` is how long a transaction behind a gap is kept.

    While the pool is full, an account with fewer than `guaranteed_per_account` transactions takes the place
    of the last one of the account that has most, if that has more; beyond that share, the price decides.
    """

    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    ready_per_account: int = 1_024
    gapped_per_account: int = 64
    guaranteed_per_account: int = 16
    total: int = 16_384
    total_bytes: int = 128 * 1024 * 1024
    gapped_total: int = 4_096
    lifetime_s: float = 3 * 3600


@dataclass(frozen=True, slots=True)
class Room:
    """By how much a pool would be too full, in transactions and in bytes."""

    count: int
    size_bytes: int

    @property
    def is_found(self) -> bool:
        return self.count <= 0 and self.size_bytes <= 0

    def without(self, victim: Entry) -> "Room":
        return Room(self.count - 1, self.size_bytes - charged_bytes(victim.transaction))
