"""Whatever order people act in, the vault pays each withdrawal once and never more than it took in."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from genesis.spec import OPEN_UNIT
from tests.contracts.machine import Machine, Reverted
from tests.contracts.rollup import (
    ALICE,
    BOB,
    DEPLOYER,
    FINALIZATION_PERIOD_S,
    GENESIS_ALLOCATION,
    Withdrawal,
    deploy,
    output_with,
    withdrawal,
)

amounts = st.integers(0, 10 * OPEN_UNIT)


class Vault(RuleBasedStateMachine):
    """The model: L2 supply, withdrawals on their way, and when each may be finalized."""

    started = Bundle("started")
    proven = Bundle("proven")
    paid = Bundle("paid")

    def __init__(self) -> None:
        super().__init__()
        self.rollup = deploy(Machine())
        self.rollup.machine.set_base_fee(10**12)
        self.rollup.give_open(ALICE, 10_000 * OPEN_UNIT)
        self.rollup.approve(ALICE, 10_000 * OPEN_UNIT)
        self.count = 0
        self.deposited = 0
        self.paid_out = 0
        self.donated = 0
        self.bob = 0
        self.roots: dict[Withdrawal, tuple[int, bytes, int]] = {}
        """(output index, root, second of the proof) of each proven withdrawal."""
        self.standing: list[tuple[bytes, int]] = []
        """(root, second) of each output in the oracle."""

    @rule(amount=amounts)
    def deposit(self, amount: int) -> None:
        self.rollup.portal.send(ALICE, "depositERC20Transaction", BOB, amount, 0, 50_000, False, b"")
        self.deposited += amount

    @rule(amount=amounts)
    def donate(self, amount: int) -> None:
        self.rollup.token.send(DEPLOYER, "transfer", self.rollup.at.open_vault, amount)
        self.donated += amount

    @rule(target=started, amount=amounts)
    def start(self, amount: int) -> Withdrawal:
        self.count += 1
        return withdrawal(self.count, value=amount)

    @rule(target=proven, leaving=started)
    def prove(self, leaving: Withdrawal) -> Withdrawal:
        self.count += 1
        output = output_with(leaving, others=self.count % 7)
        index = self.rollup.propose(output.root)
        self.standing.append((output.root, self.rollup.machine.now_s))
        arguments = (leaving.fields(), index, output.proof, output.nodes(leaving))
        earlier = self.roots.get(leaving)
        done = self.rollup.portal.read("finalizedWithdrawals", leaving.hash())
        if done or (earlier and self.stands(earlier)):
            with pytest.raises(Reverted, match="AlreadyFinalized" if done else "AlreadyProven"):
                self.rollup.portal.send(BOB, "proveWithdrawalTransaction", *arguments)
        else:
            self.rollup.portal.send(BOB, "proveWithdrawalTransaction", *arguments)
            self.roots[leaving] = (index, output.root, self.rollup.machine.now_s)
        return leaving

    def stands(self, proof: tuple[int, bytes, int]) -> bool:
        index, root, _ = proof
        return index < len(self.standing) and self.standing[index][0] == root

    @rule(seconds=st.sampled_from([1, FINALIZATION_PERIOD_S // 2, FINALIZATION_PERIOD_S + 1]))
    def wait(self, seconds: int) -> None:
        self.rollup.machine.advance(seconds)

    @rule(index=st.integers(0, 5))
    def delete(self, index: int) -> None:
        """The challenger deletes what is not final yet."""
        if index < len(self.standing):
            final = self.rollup.machine.now_s - self.standing[index][1] >= FINALIZATION_PERIOD_S
            if not final:
                self.rollup.delete_from(index)
                del self.standing[index:]

    @rule(target=paid, leaving=proven, patient=st.booleans())
    def finalize(self, leaving: Withdrawal, patient: bool) -> object:
        if patient:
            self.rollup.machine.advance(FINALIZATION_PERIOD_S + 1)
        return leaving if self.try_to_finalize(leaving) else multiple()

    @rule(leaving=paid)
    def finalize_again(self, leaving: Withdrawal) -> None:
        assert not self.try_to_finalize(leaving)

    def try_to_finalize(self, leaving: Withdrawal) -> bool:
        index, _, proven_at = proof = self.roots[leaving]
        done = self.rollup.portal.read("finalizedWithdrawals", leaving.hash())
        mature = self.stands(proof) and (
            self.rollup.machine.now_s > max(proven_at, self.standing[index][1]) + FINALIZATION_PERIOD_S
        )
        try:
            self.rollup.portal.send(BOB, "finalizeWithdrawalTransaction", leaving.fields())
        except Reverted:
            assert done or not mature
            return False
        assert mature
        assert not done
        self.paid_out += leaving.value
        self.bob += leaving.value
        return True

    @invariant()
    def accounts_balance(self) -> None:
        read = self.rollup.vault.read
        assert read("accountedDeposits") == GENESIS_ALLOCATION + self.deposited
        assert read("payments") == self.paid_out
        held = GENESIS_ALLOCATION + self.deposited - self.paid_out
        assert self.rollup.balance(self.rollup.at.open_vault) == held + self.donated
        assert self.rollup.balance(BOB) == self.bob
        assert self.rollup.balance(self.rollup.at.portal) == 0


Vault.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestVault = Vault.TestCase
