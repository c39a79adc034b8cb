"""Money: what the precompiles hold is what they owe, to the unit, whatever happens.

Σ balances is constant by the machine's own rules; here each precompile's balance is compared with its books.
Over real blocks, with everything else that moves money: `tests/economy/test_conservation.py`.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION, TREASURY
from tests.precompiles.books import Books
from tests.precompiles.economy import Economy
from tests.precompiles.memory import TEST_POLICY
from tests.precompiles.world import Call, MemoryHost, NativeMachine

FUNDS_WEI = 10**24


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_precompiles_hold_what_they_owe(seed: int) -> None:
    machine = NativeMachine(TEST_POLICY)
    economy = Economy(seed, machine)
    holders = [account.address for account in economy.accounts]
    for holder in holders:
        machine.fund(holder, FUNDS_WEI)
    books = Books(machine, MemoryHost(machine, Call(TREASURY, ATTRIBUTION, b""), 0), holders)
    for step in range(260):
        machine.moment = economy.next_moment()
        outcome = machine.call(economy.next_call())
        economy.learn(outcome)
        books.record(outcome.logs)
        if step % 20 == 0:
            books.check()
            assert sum(machine.balances.values()) == FUNDS_WEI * len(holders)
    books.check()
