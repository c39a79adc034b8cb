"""The law in real blocks: the engine answers every call like the precompiles over dictionaries.

Conservation is checked over dictionaries (`test_conservation`); equal return data, revert data, logs, storage
and balances carry it over to the engine. Each call is a deposit in a block of its own (through the portal of
an L1: `tests/economy/test_forced_…`). `eth_estimateGas` is what a call then uses, to the unit, and one unit
less is not enough.
"""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.account import GenesisAccount
from genesis.addresses import L1_BLOCK, PRECOMPILE_STUB_CODE, PRECOMPILES, TREASURY
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.records import AccountOverride, BlockOverride, CallRequest, CallResult
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.genesis_storage import initial_storage
from precompiles.views import l1_block
from tests.evm import world
from tests.precompiles.calls import UNIT
from tests.precompiles.economy import Economy
from tests.precompiles.memory import TEST_POLICY
from tests.precompiles.world import (
    START_TIME_S,
    TIMELOCK,
    Call,
    Moment,
    NativeMachine,
    l1_block_word,
    origin_at,
)

FUNDS_WEI = 1_000_000 * UNIT
GAS = 20_000_000


class EngineMachine:
    """A chain whose blocks hold one forced deposit each."""

    def __init__(self, holders: list[Address]) -> None:
        alloc = world.allocation()
        storage = initial_storage(TEST_POLICY, TIMELOCK)
        for address in PRECOMPILES:
            words = storage.get(address, {})
            alloc[address] = GenesisAccount(nonce=1, code=PRECOMPILE_STUB_CODE, storage=words)
        for holder in holders:
            alloc[holder] = GenesisAccount(balance_wei=FUNDS_WEI)
        self.chain = Chain.open(world.ROLLUP, MemoryKeyValue(), alloc, START_TIME_S - 1)
        self._sources: Iterator[int] = count(1)
        self._origin = origin_at(START_TIME_S) - 1

    def advance_l1(self, timestamp_s: int) -> None:
        """Put down what the L1Block predeploy would have been told until then."""
        ring = range(self._origin + 1, origin_at(timestamp_s) + 1)
        slots = [l1_block.NUMBER_SLOT, *(l1_block.RING_SLOT + n % l1_block.RING_LENGTH for n in ring)]
        words = {slot: l1_block_word(timestamp_s, slot) for slot in slots}
        if ring:
            self.chain.patch_state({L1_BLOCK: AccountOverride(nonce=1, storage_changes=words)})
        self._origin = origin_at(timestamp_s)

    def try_out(self, call: Call, moment: Moment) -> tuple[CallResult, int]:
        """What `eth_call` and, for a call that succeeds, `eth_estimateGas` say."""
        request = CallRequest(call.sender, call.target, GAS, call.value_wei, call.data)
        block = BlockOverride(number=moment.block_number, timestamp_s=moment.timestamp_s)
        snapshot = self.chain.snapshot()
        result = snapshot.call(request, block=block)
        return result, 0 if result.error else snapshot.estimate_gas(request, block=block)

    def has_enough(self, call: Call, moment: Moment, gas: int) -> bool:
        """Whether the call succeeds with so much gas."""
        request = CallRequest(call.sender, call.target, gas, call.value_wei, call.data)
        block = BlockOverride(number=moment.block_number, timestamp_s=moment.timestamp_s)
        return self.chain.snapshot().call(request, block=block).error is None

    def send(self, call: Call, moment: Moment) -> tuple[bool, int, int]:
        """Status, gas used and number of logs of the deposit."""
        deposit = world.deposit(
            call.sender,
            call.target,
            value_wei=call.value_wei,
            gas=GAS,
            data=call.data,
            source=next(self._sources),
        )
        block = self.chain.import_block(world.inputs(self.chain, deposit, timestamp_s=moment.timestamp_s))
        assert block.header.number == moment.block_number
        receipt = block.receipts[0]
        return receipt.succeeded, receipt.gas_used, len(receipt.logs)


class Triple:
    """One user base, the native machine it lives on, and the engine that must agree."""

    def __init__(self, seed: int) -> None:
        self.native = NativeMachine(TEST_POLICY)
        self.economy = Economy(seed, self.native)
        self.holders = [TIMELOCK, TREASURY, *(each.address for each in self.economy.accounts)]
        for holder in self.holders:
            self.native.fund(holder, FUNDS_WEI)
        self.engine = EngineMachine(self.holders)
        self.native.moment = Moment(0, START_TIME_S - 1)
        self.reached: set[bytes] = set()

    def step(self) -> None:
        """One call on both, compared."""
        drawn = self.economy.next_moment()
        before = self.native.moment
        step_s = max(1, drawn.timestamp_s - before.timestamp_s)
        moment = Moment(before.block_number + 1, before.timestamp_s + step_s)
        self.native.moment = moment
        self.engine.advance_l1(moment.timestamp_s)
        call = self.economy.next_call()
        said, estimate = self.engine.try_out(call, moment)
        floor = 21_000 + 10 * call.data.count(0) + 40 * (len(call.data) - call.data.count(0))
        assert estimate <= floor or not self.engine.has_enough(call, moment, estimate - 1)
        outcome = self.native.call(call, gas_limit=GAS)
        status, gas_used, logs = self.engine.send(call, moment)
        self.economy.learn(outcome)
        assert (said.error is None, status) == (outcome.succeeded, outcome.succeeded), call
        assert logs == len(outcome.logs)
        assert outcome.data in (said.output, None), call
        assert tuple((each.address, each.topics, each.data) for each in said.logs) == outcome.logs
        if status:
            assert estimate == gas_used, call
            self.reached.add(call.target + call.data[:4])
        self._compare(call)

    def _compare(self, call: Call) -> None:
        snapshot = self.engine.chain.snapshot()
        for address in {call.target}:
            for slot, value in self.native.storage(address).items():
                assert snapshot.storage_at(address, slot) == value, (call, slot)
        for holder in (*self.holders, *PRECOMPILES):
            assert snapshot.account(holder).balance_wei == self.native.balance(holder), (call, holder.hex())


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_blocks_keep_the_law(seed: int) -> None:
    triple = Triple(seed)
    for _ in range(110):
        triple.step()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_blocks_keep_the_law_for_long(seed: int) -> None:
    triple = Triple(seed)
    for _ in range(1_000):
        triple.step()
    assert len(triple.reached) > 80
