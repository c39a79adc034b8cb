"""Σ balances + escrows + stakes + pools + tokens = supply, whatever people do, on real blocks of both chains.

A hypothesis state machine over the real engine: the random user base of the twin tests (posts, challenges,
slashes, requests, callbacks, demands, claims), the Solidity predeploys (votes, treasury, grants, tokens,
exchange, agents), deposits, forced transactions, withdrawals to their end, and restarts from disk.
Covered: every leaf of the state is summed; each precompile against its books; each contract against what it
owes; the vault on the L1 against both. Not covered: the batcher and derivation (`tests/rollup_bridge`).
"""

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from genesis.addresses import CALLBACK_CALLER, L2_TO_L1_MESSAGE_PASSER, TREASURY
from genesis.spec import OPEN_UNIT
from openledger_node.client import predeploys
from openledger_node.evm.records import Block
from rollup_bridge.withdrawals.withdrawal import initiate_calldata, read_message_passed
from tests.economy.block_machine import BlockMachine, StateHost
from tests.economy.market import Market
from tests.economy.two_chains import Leaving, TwoChains
from tests.precompiles.books import Books
from tests.precompiles.calls import Account
from tests.precompiles.economy import Economy
from tests.precompiles.memory import TEST_POLICY
from tests.precompiles.world import Call

PEOPLE = 6
MARKET_STEPS = (
    "wrap",
    "collect_fees",
    "join_or_leave",
    "propose",
    "pursue",
    "decide",
    "use_grant",
    "give_to_treasury",
    "make_token",
    "earn_for_token",
    "use_token",
    "trade",
    "make_agent",
    "use_agent",
    "pay_by_x402",
)
amounts = st.integers(0, 10 * OPEN_UNIT)
people = st.integers(0, PEOPLE - 1)


class WholeEconomy(RuleBasedStateMachine):
    """Rules draw who does what; invariants hold after each."""

    leaving = Bundle("leaving")

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self.people = [Account(i) for i in range(1, PEOPLE + 1)]
        self.chains = TwoChains(Path(self._directory.name), self.people, TEST_POLICY)
        self.machine = BlockMachine(self.chains, self.people, TEST_POLICY)
        self.finished: set[Leaving] = set()
        self.books: Books | None = None
        self.market: Market | None = None

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        """A user base that has data, a model, an index, stakes and channels."""
        self.economy = Economy(seed, self.machine)
        self.market = Market(self.chains, self.people, TEST_POLICY, seed)
        host = StateHost(self.machine, TEST_POLICY, TREASURY)
        self.books = Books(self.machine, host, [each.address for each in self.people])
        self.market.channels = self.books.channels
        self.chains.on_block = self._record
        for _ in range(60):
            self._live(forced=False)

    def _record(self, block: Block) -> None:
        assert self.books is not None
        for receipt in block.receipts:
            self.books.record((log.address, log.topics, log.data) for log in receipt.logs)

    def _live(self, *, forced: bool) -> None:
        """One call of the user base."""
        self.machine.moment = self.economy.next_moment()
        call = self.economy.next_call()
        if call.sender == CALLBACK_CALLER:
            self._deliver(call)
        else:
            self.economy.learn(self.machine.send(call, forced=forced))

    def _deliver(self, call: Call) -> None:
        """The callback by the contract that makes it."""
        request_id = int.from_bytes(call.data[4:36], "big")
        data = predeploys.CALLBACKS.calldata("deliver", request_id)
        self.chains.send(self.people[0], CALLBACK_CALLER, data)

    # -- rules

    @rule(steps=st.integers(1, 12))
    def live(self, steps: int) -> None:
        for _ in range(steps):
            self._live(forced=False)

    @rule(steps=st.integers(1, 2))
    def live_by_force(self, steps: int) -> None:
        """The same as deposits from the L1."""
        for _ in range(steps):
            self._live(forced=True)

    @rule(steps=st.lists(st.sampled_from(MARKET_STEPS), min_size=1, max_size=6))
    def trade(self, steps: list[str]) -> None:
        assert self.market is not None
        for name in steps:
            getattr(self.market, name)()

    @rule(seconds=st.sampled_from((1, 5, 20)))
    def wait(self, seconds: int) -> None:
        self.chains.pass_time(seconds)

    @rule(who=people, to=people, mint=amounts, value=amounts)
    def deposit(self, who: int, to: int, mint: int, value: int) -> None:
        """A value above what the sender has fails; what was minted stays the sender's."""
        sender, recipient = self.people[who].address, self.people[to].address
        before = self.chains.balance(sender)
        receipt = self.chains.force(sender, recipient, b"", value, mint_wei=mint)
        assert receipt.succeeded
        moved = 0 if who == to else value
        assert self.chains.balance(sender) == before + mint - moved

    @rule(target=leaving, who=people, to=people, amount=amounts)
    def withdraw(self, who: int, to: int, amount: int) -> Leaving:
        data = initiate_calldata(self.people[to].address, 100_000)
        receipt = self.chains.send(self.people[who], L2_TO_L1_MESSAGE_PASSER, data, amount)
        log = receipt.logs[0]
        started = read_message_passed(log.address, log.topics, log.data)
        assert started is not None
        return Leaving(started, self.chains.chain.head.header.number)

    @rule(gone=leaving)
    def bring_to_the_l1(self, gone: Leaving) -> None:
        """Proved and finalized; whoever was paid is refused both from then on."""
        recipient = gone.withdrawal.target
        before = self.chains.l1.balance(recipient)
        is_paid = gone in self.finished
        assert self.chains.prove(gone) != is_paid
        assert self.chains.finalize(gone) != is_paid
        assert not self.chains.finalize(gone)
        expected = before + (0 if is_paid else gone.withdrawal.value_wei)
        assert self.chains.l1.balance(recipient) == expected
        self.finished.add(gone)
        self.chains.catch_up()

    @rule()
    def restart(self) -> None:
        self.chains.restart()

    # -- invariants

    @invariant()
    def every_unit_is_somewhere(self) -> None:
        """The L2's state, leaf by leaf, against the L1's books."""
        supply = self.chains.chain.supply(self.chains.chain.head.header.number)
        accounted = self.chains.l1.vault.read("accountedDeposits")
        payments = self.chains.l1.vault.read("payments")
        assert self.chains.sum_of_balances() == supply.total_wei == accounted - supply.burned_wei
        assert payments <= self.chains.balance(L2_TO_L1_MESSAGE_PASSER)
        assert self.chains.l1.balance(self.chains.l1.at.open_vault) == accounted - payments

    @invariant()
    def precompiles_hold_what_they_owe(self) -> None:
        if self.books is not None:
            self.books.check()

    @invariant()
    def contracts_hold_what_they_owe(self) -> None:
        if self.market is not None:
            self.market.check()

    def teardown(self) -> None:
        self.chains.close()
        self._directory.cleanup()


def run(examples: int, steps: int) -> None:
    """Without shrinking, which would take longer than the time limit: the printed steps repeat a failure."""
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, phases=(Phase.generate,)
    )
    run_state_machine_as_test(WholeEconomy, settings=chosen)


def test_every_unit_is_accounted_for() -> None:
    run(examples=2, steps=10)


@pytest.mark.slow
@pytest.mark.parametrize("life", range(12))
def test_every_unit_is_accounted_for_in_long_lives(life: int) -> None:
    """Each its own draw; a dozen so that each fits the time limit."""
    run(examples=2, steps=40)
