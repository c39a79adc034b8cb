"""The pool against a model that keeps the same promises the slow way."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from genesis.types import Address
from sequencer.errors import AdmissionError
from sequencer.mempool.account_queue import outbids
from sequencer.mempool.limits import PoolLimits, charged_bytes
from sequencer.mempool.ordering import effective_tip_wei
from sequencer.mempool.pool import Pool
from sequencer.ports import PooledTransaction
from tests.sequencer.fakes import ALICE, BOB, CAROL, FakeState, transaction

SENDERS = st.sampled_from([ALICE, BOB, CAROL])
LIMITS = PoolLimits(
    ready_per_account=4,
    gapped_per_account=3,
    guaranteed_per_account=2,
    total=7,
    total_bytes=7 * charged_bytes(transaction()),
    gapped_total=4,
    lifetime_s=50,
)


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = FakeState(gas_limit=30_000)
        self.pool = Pool(self.state, LIMITS)
        self.model: dict[tuple[Address, int], PooledTransaction] = {}
        self.now_s = 0.0
        self.salt = 0

    @rule(
        sender=SENDERS,
        nonce=st.integers(0, 8),
        tip=st.integers(0, 30),
        value=st.integers(0, 2),
        size=st.sampled_from([110, 110, 3_000]),
        authorities=st.sampled_from([(), (), (), (ALICE,), (BOB, CAROL)]),
    )
    def add(  # noqa: PLR0917 - a rule's draws
        self,
        sender: Address,
        nonce: int,
        tip: int,
        value: int,
        size: int,
        authorities: tuple[Address, ...],
    ) -> None:
        self.salt += 1
        new = transaction(
            sender,
            nonce,
            tip,
            cap=10 + tip,
            value=value * 10**17 * 4,
            size=size,
            salt=self.salt,
            authorities=authorities,
        )
        old = self.model.get((sender, nonce))
        before = {item.hash for item in self.pool.transactions()}
        try:
            added = self.pool.add(new, self.now_s)
        except AdmissionError:
            after = {item.hash for item in self.pool.transactions()}
            assert after <= before
            stale = before - after
            assert all(self._is_stale(item) for item in self.model.values() if item.hash in stale)
            self._forget_stale()
            return
        self._forget_stale()
        assert nonce >= self.state.account(sender).nonce
        if old is not None and not self._is_stale(old):
            assert outbids(new, old)
            assert old in added.removed
        self._check_delegation(new)
        self._check_victims(new, [gone for gone in added.removed if gone is not old])
        for gone in added.removed:
            del self.model[gone.sender, gone.nonce]
        self.model[sender, nonce] = new

    def _check_delegation(self, new: PooledTransaction) -> None:
        """What was taken never made a second transaction of an account that others can move."""
        own = [item for item in self.model.values() if item.sender == new.sender]
        limited = self.state.account(new.sender).is_delegated or any(
            new.sender in item.authorities for item in self.model.values()
        )
        if limited:
            assert not own or new.nonce in {item.nonce for item in own}
        for authority in new.authorities:
            assert sum(item.sender == authority for item in self.model.values()) <= 1

    def _check_victims(self, new: PooledTransaction, victims: list[PooledTransaction]) -> None:
        """Either all pay less than the newcomer, or all are the last of one account beyond its share."""
        if all(self._tip(gone) < self._tip(new) for gone in victims):
            return
        [sender] = {gone.sender for gone in victims}
        own = sorted(item.nonce for item in self.model.values() if item.sender == sender)
        assert sorted(gone.nonce for gone in victims) == own[-len(victims) :]
        assert len(own) - len(victims) >= LIMITS.guaranteed_per_account
        assert sum(item.sender == new.sender for item in self.model.values()) < LIMITS.guaranteed_per_account

    def _tip(self, item: PooledTransaction) -> int:
        return effective_tip_wei(item, self.state.base_fee_wei)

    @rule(base_fee_wei=st.integers(0, 40))
    def base_fee_moves(self, base_fee_wei: int) -> None:
        self.state.base_fee_wei = base_fee_wei

    @rule(sender=SENDERS, steps=st.integers(0, 3), balance=st.integers(0, 10), delegated=st.booleans())
    def new_head(self, sender: Address, steps: int, balance: int, delegated: bool) -> None:
        nonce = self.state.account(sender).nonce + steps
        self.state.set(sender, nonce=nonce, balance=balance * 10**17, delegated=delegated)
        for gone in self.pool.on_new_head(self.now_s):
            del self.model[gone.sender, gone.nonce]

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.now_s += seconds

    @rule(pick=st.integers(0, 20))
    def remove(self, pick: int) -> None:
        if self.model:
            key = sorted(self.model)[pick % len(self.model)]
            assert self.pool.remove(self.model.pop(key).hash) is not None

    def _is_stale(self, item: PooledTransaction) -> bool:
        return item.nonce < self.state.account(item.sender).nonce

    def _forget_stale(self) -> None:
        present = {item.hash for item in self.pool.transactions()}
        self.model = {
            key: item for key, item in self.model.items() if item.hash in present or not self._is_stale(item)
        }

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert {item.hash for item in self.pool.transactions()} == {i.hash for i in self.model.values()}
        assert len(self.pool) <= LIMITS.total
        charged = sum(map(charged_bytes, self.model.values()))
        assert charged == self.pool.statistics().charged_bytes <= LIMITS.total_bytes

    @invariant()
    def ready_is_the_run_of_nonces_from_the_state(self) -> None:
        ready = self.pool.ready_by_sender()
        gapped = self.pool.gapped_by_sender()
        for sender in (ALICE, BOB, CAROL):
            first = self.state.account(sender).nonce
            end = first
            while (sender, end) in self.model:
                end += 1
            assert [item.nonce for item in ready.get(sender, ())] == list(range(first, end))
            assert self.pool.next_nonce(sender) == end
            later = sorted(n for s, n in self.model if s == sender and n >= end)
            assert [item.nonce for item in gapped.get(sender, ())] == later
        statistics = self.pool.statistics()
        assert statistics.ready == sum(map(len, ready.values()))
        assert statistics.gapped == sum(map(len, gapped.values()))


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
