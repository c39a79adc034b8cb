"""Random lives of pools: Staking never owes more than it holds, and nobody gets more than a fair share.

A state machine over the real precompile: stake, delegation, unbonding, fees, slashes, commissions and time,
in any order. Beside it stands a ledger in exact fractions that knows one rule only: slashes take the same
part of everybody's.
"""

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from genesis.addresses import ATTRIBUTION, STAKING, TREASURY
from precompiles.views import staking as view
from tests.precompiles.calls import Account
from tests.precompiles.scene import Scene
from tests.precompiles.stakes import earn, next_epoch, rewards, slash
from tests.precompiles.world import Call, MemoryHost

ACCOUNTS = st.integers(0, 3)
OPERATORS = st.integers(0, 1)
AMOUNTS = st.one_of(st.integers(1, 9), st.integers(1, 10**24))
PROVIDER = 2


class StakingMachine(RuleBasedStateMachine):
    """Two operators, who may delegate too, and two delegators."""

    @initialize()
    def begin(self) -> None:
        self.scene = Scene()
        self.accounts: list[Account] = [
            self.scene.provider,
            self.scene.validator,
            self.scene.payer,
            self.scene.owner,
        ]
        for account in self.accounts:
            self.scene.machine.fund(account.address, 10**27)
        self.paid_in = 0
        self.fees = 0
        self.taken = 0
        self.stakes: dict[tuple[int, int], Fraction] = {}

    @rule(who=OPERATORS, amount=AMOUNTS)
    def stake(self, who: int, amount: int) -> None:
        self.scene.stake(self.accounts[who], amount)
        self._add(who, who, amount)

    @rule(who=ACCOUNTS, operator=OPERATORS, amount=AMOUNTS)
    def delegate(self, who: int, operator: int, amount: int) -> None:
        pool = (self.accounts[operator].address, PROVIDER)
        sent = self.scene.attempt(self.accounts[who], STAKING, "delegate", *pool, value_wei=amount)
        if sent.succeeded:
            self._add(who, operator, amount)

    @rule(who=ACCOUNTS, operator=OPERATORS, amount=AMOUNTS)
    def undelegate(self, who: int, operator: int, amount: int) -> None:
        pool = (self.accounts[operator].address, PROVIDER)
        self.scene.attempt(self.accounts[who], STAKING, "undelegate", *pool, amount)

    @rule(who=ACCOUNTS, operator=OPERATORS)
    def withdraw(self, who: int, operator: int) -> None:
        account = self.accounts[who]
        before = self.scene.machine.balance(account.address)
        pool = (self.accounts[operator].address, PROVIDER)
        self.scene.attempt(account, STAKING, "withdrawDelegation", *pool)
        paid = self.scene.machine.balance(account.address) - before
        self.taken += paid
        self.stakes[who, operator] = self.stakes.get((who, operator), Fraction()) - paid
        assert self.stakes[who, operator] > -1, "more than the ledger's share was paid"

    @rule(operator=OPERATORS, ppm=st.integers(0, 10**6))
    def set_commission(self, operator: int, ppm: int) -> None:
        self.scene.do(self.accounts[operator], STAKING, "setCommission", PROVIDER, ppm)

    @rule(amount=AMOUNTS)
    def earn(self, amount: int) -> None:
        earn(self.scene, amount)
        self.fees += amount

    @rule(operator=OPERATORS, amount=AMOUNTS, everything=st.booleans())
    def slash(self, operator: int, amount: int, everything: bool) -> None:
        address = self.accounts[operator].address
        active, unbonding, _, _ = self.scene.fields(STAKING, "position", address, PROVIDER)
        value = active + unbonding
        lost = value if everything else min(amount, value)
        slash(self.scene, self.accounts[operator], lost)
        for who in range(4):
            if value and (who, operator) in self.stakes:
                self.stakes[who, operator] *= 1 - Fraction(lost, value)

    @rule(who=ACCOUNTS, operator=OPERATORS)
    def collect(self, who: int, operator: int) -> None:
        address = self.accounts[operator].address
        self.scene.do(self.accounts[who], STAKING, "collectRewards", address, PROVIDER)

    @rule(who=ACCOUNTS)
    def claim(self, who: int) -> None:
        before = self.scene.machine.balance(self.scene.key.address)
        self.scene.attempt(self.accounts[who], STAKING, "claimRewards", self.scene.key.address)
        self.taken += self.scene.machine.balance(self.scene.key.address) - before

    @rule(seconds=st.integers(0, 5))
    def wait(self, seconds: int) -> None:
        self.scene.wait(seconds)

    @rule()
    def unbond(self) -> None:
        self.scene.wait(self.scene.policy.unbonding_s)

    @rule()
    def pass_epoch(self) -> None:
        next_epoch(self.scene)

    @invariant()
    def what_is_owed_is_there(self) -> None:
        held = self.scene.machine.balance(STAKING)
        assert held == self.paid_in + self.fees - self.taken
        unpaid = (self.scene.stranger.address, TREASURY)
        owed = sum(self.scene.read(ATTRIBUTION, "rewardOf", address) for address in unpaid)
        for operator in self.accounts[:2]:
            pool_wei = self._pool_of(operator)
            parts = [self._part(operator, each) for each in self.accounts]
            in_shares = sum(active + unbonding for active, unbonding, _ in parts)
            assert in_shares <= pool_wei
            owed += pool_wei + sum(
                earned
                for each, (_, _, earned) in zip(self.accounts, parts, strict=True)
                if each is not operator
            )
        owed += sum(rewards(self.scene, each) for each in self.accounts)
        assert owed <= held

    @invariant()
    def nobody_has_more_than_the_rules_give(self) -> None:
        for (who, operator), fair in self.stakes.items():
            active, unbonding, _ = self._part(self.accounts[operator], self.accounts[who])
            assert active + unbonding < fair + 1

    @invariant()
    def totals_are_the_pools(self) -> None:
        host = MemoryHost(self.scene.native, Call(TREASURY, STAKING, b""), 0)
        pools = [view.stored_pool(host, each.address, PROVIDER) for each in self.accounts[:2]]
        assert host.load(STAKING, view.TOTAL_STAKE_SLOT) == sum(each.active_wei for each in pools)
        touched = host.load(STAKING, view.TOUCHED_EPOCH_SLOT)
        pending = sum(each.pending_wei for each in pools if each.pending_epoch == touched)
        assert host.load(STAKING, view.TOTAL_PENDING_SLOT) == pending

    def _add(self, who: int, operator: int, amount: int) -> None:
        self.paid_in += amount
        self.stakes[who, operator] = self.stakes.get((who, operator), Fraction()) + amount

    def _pool_of(self, operator: Account) -> int:
        active, unbonding, _, _ = self.scene.fields(STAKING, "position", operator.address, PROVIDER)
        return active + unbonding

    def _part(self, operator: Account, who: Account) -> tuple[int, int, int]:
        found = self.scene.fields(STAKING, "delegation", operator.address, PROVIDER, who.address)
        return found[0], found[2], found[4]


StakingMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestStakingMachine = StakingMachine.TestCase
