"""Native precompiles and their Solidity twins answer every call alike.

Equal: return data, logs, revert data, every storage word of all seven addresses, balances. Not equal: gas. Of
calls inside STATICCALL, where a twin notices a write only when it happens, only that both fail.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import PRECOMPILES, TREASURY
from tests.precompiles.calls import UNIT
from tests.precompiles.economy import TEST_POLICY, Economy
from tests.precompiles.world import TIMELOCK, Call, NativeMachine, TwinMachine

FUNDS_WEI = 1_000_000 * UNIT


class Pair:
    """Both machines, driven by the same calls."""

    def __init__(self, seed: int) -> None:
        self.native = NativeMachine(TEST_POLICY)
        self.twins = TwinMachine(TEST_POLICY)
        self.economy = Economy(seed, self.native)
        self.holders = [TIMELOCK, TREASURY, *(each.address for each in self.economy.accounts)]
        for machine in (self.native, self.twins):
            for holder in self.holders:
                machine.fund(holder, FUNDS_WEI)
        self.steps = 0

    def step(self) -> None:
        """One call on both, and everything compared."""
        moment = self.economy.next_moment()
        self.native.moment = self.twins.moment = moment
        call = self.economy.next_call()
        self.steps += 1
        if self.steps % 4 == 0:
            self.compare_static(call)
        self.compare(call)

    def compare(self, call: Call) -> None:
        """Run the call on both machines for good."""
        native, twin = self.native.call(call), self.twins.call(call)
        assert native == twin, call
        for address in PRECOMPILES if self.steps % 10 == 0 else (call.target,):
            assert self.native.storage(address) == self.twins.storage(address), (call, address.hex())
        for holder in (*self.holders, *PRECOMPILES):
            assert self.native.balance(holder) == self.twins.balance(holder), (call, holder.hex())
        self.economy.learn(native)

    def compare_static(self, call: Call) -> None:
        """A state-changing call fails inside STATICCALL on both; neither changes anything."""
        static = replace(call, value_wei=0, is_static=True)
        native, twin = self.native.call(static), self.twins.call(static)
        assert native.succeeded == twin.succeeded, static
        if native.succeeded:
            assert native == twin, static


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_twins_answer_like_their_precompiles(seed: int) -> None:
    pair = Pair(seed)
    for _ in range(250):
        pair.step()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_twins_answer_like_their_precompiles_for_long(seed: int) -> None:
    pair = Pair(seed)
    for _ in range(2_000):
        pair.step()
