"""Contradictions on an L1, found and proven against the real contract."""

import pytest

from genesis.keccak import keccak256
from genesis.spec import DEV_L1_CHAIN_ID, BlockId
from genesis.types import Address, Hash32
from openledger_node.client.account import Account
from rollup_bridge.ports import L1Log, L1Receipt, L1Transaction
from rollup_bridge.validator.attestation import (
    ATTESTED_TOPIC,
    Attestation,
    SignedAttestation,
    attest_calldata,
    attestation_digest,
)
from rollup_bridge.validator.contradictions import ContradictionWatch, Ledger
from rollup_bridge.validator.staking import StakingReader
from tests.contracts.rollup import MINIMUM_STAKE, Rollup
from tests.rollup_bridge.fakes import FakeClock, FakeL1
from tests.rollup_bridge.l1_machine import MachineL1
from tests.rollup_bridge.validator.bench import Bench, account_that

PLACE = BlockId(keccak256(b"l1"), 77)


class World:
    """An L1 whose blocks hold attestations, and the contracts that punish."""

    def __init__(self, rollup: Rollup) -> None:
        self.rollup, self.l1 = rollup, FakeL1()
        self.liar = account_that(judges=False)
        Bench(rollup, self.liar).stake()
        self.reporter = MachineL1(rollup, Address(b"\x0e" * 20))
        self.staking = StakingReader(rollup.at.validator_staking, self.reporter)
        self.watch = ContradictionWatch(
            1, l1=self.l1, staking=self.staking, sender=self.reporter, clock=FakeClock()
        )

    def signed(self, root: bytes, l2_number: int = 5, place: BlockId = PLACE) -> SignedAttestation:
        attestation = Attestation(l2_number, keccak256(root), place)
        digest = attestation_digest(DEV_L1_CHAIN_ID, self.staking.address, attestation)
        return SignedAttestation(attestation, self.liar.sign_digest(digest))

    def mine(self, *attestations: SignedAttestation, to: Address | None = None) -> None:
        """A block with one `attest` each; `to` another contract that passes them on."""
        target = self.staking.address if to is None else to
        calls = [attest_calldata(signed) for signed in attestations]
        transactions = [
            L1Transaction(keccak256(b"tx" + call), 2, self.liar.address, target, call) for call in calls
        ]
        block = self.l1.extend(transactions)
        self.l1.receipts_of[block.hash] = tuple(
            L1Receipt(transaction.hash, True, (self._log(signed),))
            for transaction, signed in zip(transactions, attestations, strict=True)
        )

    def _log(self, signed: SignedAttestation) -> L1Log:
        validator = Hash32(bytes(12) + self.liar.address)
        number = Hash32(signed.attestation.l2_number.to_bytes(32, "big"))
        return L1Log(self.staking.address, (ATTESTED_TOPIC, validator, number, signed.attestation.root), b"")

    async def stake_wei(self) -> int:
        return await self.staking.active_stake_wei(self.liar.address)


@pytest.fixture
def world(rollup: Rollup) -> World:
    return World(rollup)


async def test_two_roots_of_one_place_cost_half_the_stake(world: World) -> None:
    world.mine(world.signed(b"root"))
    world.mine()
    world.mine(world.signed(b"another"))
    await world.watch.look()
    assert world.watch.slashed == 1
    assert await world.stake_wei() == MINIMUM_STAKE // 2
    assert world.rollup.balance(world.reporter.address) == MINIMUM_STAKE // 2 * 3 // 10
    world.mine(world.signed(b"a third"))
    await world.watch.look()
    assert world.watch.slashed == 1, "once for each L2 block"


async def test_in_one_block_and_on_a_fork_that_is_gone(world: World) -> None:
    world.mine(world.signed(b"root"))
    await world.watch.look()
    world.l1.reorg(1)
    world.mine(world.signed(b"another"), world.signed(b"root", 6))
    await world.watch.look()
    assert world.watch.slashed == 1, "a signature stays a signature when its L1 block goes"


async def test_what_is_no_contradiction(world: World) -> None:
    fork = BlockId(keccak256(b"fork"), 77)
    world.mine(world.signed(b"root"), world.signed(b"root"), world.signed(b"another", 6))
    world.mine(world.signed(b"another", place=fork))
    await world.watch.look()
    await world.watch.look()
    assert world.watch.slashed == 0
    assert await world.stake_wei() == MINIMUM_STAKE


async def test_attestations_passed_on_by_other_contracts_are_left_out(world: World) -> None:
    world.mine(world.signed(b"root"))
    world.mine(world.signed(b"another"), to=Address(b"\x99" * 20))
    await world.watch.look()
    assert world.watch.slashed == 0


def test_the_ledger_keeps_validators_apart() -> None:
    ledger, key = Ledger(), Account(b"\x01" * 32)
    attestation = Attestation(5, keccak256(b"root"), PLACE)
    other = Attestation(5, keccak256(b"another"), PLACE)
    first, second = (
        SignedAttestation(each, key.sign_digest(keccak256(b""))) for each in (attestation, other)
    )
    assert ledger.add(Address(b"\x01" * 20), first) is None
    assert ledger.add(Address(b"\x02" * 20), second) is None
    assert ledger.add(Address(b"\x01" * 20), second) == (first, second)
