from dataclasses import replace

import pytest

from sequencer.errors import AdmissionError
from sequencer.mempool.admission import AdmissionLimits
from sequencer.mempool.limits import PoolLimits
from sequencer.mempool.pool import Pool
from sequencer.ports import PooledTransaction
from tests.sequencer.fakes import ALICE, GWEI, FakeState, transaction


def refusal(pool: Pool, candidate: PooledTransaction) -> str:
    before = len(pool)
    with pytest.raises(AdmissionError) as caught:
        pool.add(candidate, 0.0)
    assert len(pool) == before
    return str(caught.value)


def test_known_transaction_is_named() -> None:
    pool = Pool(FakeState())
    pool.add(transaction(), 0.0)
    assert refusal(pool, transaction()) == "already known"


def test_nonce_below_the_state_is_too_low() -> None:
    state = FakeState()
    state.set(ALICE, nonce=5)
    assert refusal(Pool(state), transaction(nonce=4)) == "nonce too low: next nonce 5, tx nonce 4"


def test_balance_must_cover_gas_value_and_l1_fee() -> None:
    state = FakeState(l1_fee_wei=1)
    cost = 21_000 * 10 * GWEI
    state.set(ALICE, balance=cost)
    text = refusal(Pool(state), transaction())
    assert text.startswith("insufficient funds for gas * price + value: ")
    assert text.endswith("overshot 1")
    state.l1_fee_wei = 0
    Pool(state).add(transaction(), 0.0)


def test_cost_of_pooled_transactions_counts() -> None:
    state = FakeState()
    state.set(ALICE, balance=21_000 * 10 * GWEI * 3 // 2)
    pool = Pool(state)
    pool.add(transaction(nonce=0), 0.0)
    assert "queued cost" in refusal(pool, transaction(nonce=1))


def test_gas_bounds() -> None:
    pool = Pool(FakeState(gas_limit=100_000))
    assert refusal(pool, transaction(gas=100_001)) == "exceeds block gas limit"
    assert refusal(pool, transaction(gas=20_999)).startswith("intrinsic gas too low")
    floor = replace(transaction(gas=30_000), floor_gas=40_000)
    assert refusal(pool, floor).startswith("insufficient gas for floor data gas cost")


@pytest.mark.parametrize("type_", [5, 0x7E])
def test_deposit_and_unknown_types_are_refused(type_: int) -> None:
    assert refusal(Pool(FakeState()), transaction(type_=type_)) == "transaction type not supported"


def test_tip_above_cap() -> None:
    text = refusal(Pool(FakeState()), transaction(tip=11, cap=10))
    assert text.startswith("max priority fee per gas higher than max fee per gas")


def test_price_floor() -> None:
    limits = PoolLimits(admission=AdmissionLimits(minimum_tip_wei=5))
    assert refusal(Pool(FakeState(), limits), transaction(tip=4)).startswith("transaction underpriced")


def test_size_nonce_and_code() -> None:
    state = FakeState()
    pool = Pool(state)
    assert refusal(pool, transaction(size=200_000)).startswith("oversized data")
    assert refusal(pool, transaction(nonce=2**64 - 1)) == "nonce has max value"
    state.set(ALICE, code=True)
    assert refusal(pool, transaction()).startswith("sender not an eoa")
