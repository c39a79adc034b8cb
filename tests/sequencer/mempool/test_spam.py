"""A flood from many accounts: does one that pays the same get in, and is the pool as large as it says?"""

import gc
import tracemalloc
from dataclasses import replace

import pytest

from sequencer.errors import AdmissionError
from sequencer.mempool.limits import PoolLimits, charged_bytes
from sequencer.mempool.pool import Pool
from sequencer.ports import PooledTransaction
from tests.sequencer.fakes import GWEI, FakeState, address, transaction

SPAMMERS = 1_000
EACH = 50
HONEST = address(999_999)
LIMITS = PoolLimits()


def spam(nonce: int, number: int) -> PooledTransaction:
    return transaction(address(number + 1), nonce, tip=GWEI, cap=3 * GWEI)


def flood(pool: Pool) -> tuple[int, int]:
    """Taken and refused."""
    taken = refused = 0
    for nonce in range(EACH):
        for number in range(SPAMMERS):
            try:
                pool.add(spam(nonce, number), 0.0)
                taken += 1
            except AdmissionError:
                refused += 1
    return taken, refused


def test_a_flood_keeps_nobody_out() -> None:
    pool = Pool(FakeState())
    taken, refused = flood(pool)
    assert taken + refused == SPAMMERS * EACH
    assert len(pool) == LIMITS.total
    for nonce in range(LIMITS.guaranteed_per_account):
        pool.add(transaction(HONEST, nonce, tip=GWEI, cap=3 * GWEI), 0.0)
    assert len(pool.ready_by_sender()[HONEST]) == LIMITS.guaranteed_per_account
    flood(pool)
    assert len(pool.ready_by_sender()[HONEST]) == LIMITS.guaranteed_per_account
    assert len(pool) == LIMITS.total


def test_a_flood_of_gapped_ones_leaves_room_for_what_can_run() -> None:
    pool = Pool(FakeState())
    for number in range(SPAMMERS):
        for nonce in range(1, EACH + 1):
            if pool.statistics().gapped < LIMITS.gapped_total:
                pool.add(spam(nonce, number), 0.0)
    with pytest.raises(AdmissionError, match="txpool is full"):
        pool.add(spam(1, SPAMMERS), 0.0)
    assert pool.add(transaction(HONEST, tip=1), 0.0).ready


@pytest.mark.parametrize("size", [110, 4_000, 100_000])
def test_memory_stays_under_what_is_charged(size: int) -> None:
    """Bytes by the allocator's count, of a pool filled to its limit with transactions of one size."""
    limits = PoolLimits(total=2_000, total_bytes=16 * 1024 * 1024)
    gc.collect()
    tracemalloc.start()
    try:
        pool = Pool(FakeState(), limits)
        for number in range(4_000):
            # The encoded form is held by the pool, the decoded form by its owner; both count here.
            base = transaction(address(number % 200 + 1), number // 200, tip=GWEI + number, size=size)
            item = replace(base, raw=bytes([number % 256]) * size + base.raw)
            try:
                pool.add(item, 0.0)
            except AdmissionError:
                continue
        del base, item
        gc.collect()
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    charged = sum(charged_bytes(item) for item in pool.transactions())
    assert charged == pool.statistics().charged_bytes <= limits.total_bytes
    assert held_bytes < charged
