"""Who is paid how much for attesting to an output, and who is not."""

import pytest

from genesis.keccak import keccak256
from genesis.spec import DEV_L1_CHAIN_ID
from genesis.types import Address, Hash32
from openledger_node.client.account import Account
from rollup_bridge.validator.attestation import (
    Attestation,
    SignedAttestation,
    attest_calldata,
    attestation_digest,
)
from tests.contracts.machine import Reverted
from tests.contracts.rollup import (
    BOB,
    DISPUTES,
    FINALIZATION_PERIOD_S,
    MINIMUM_STAKE,
    PROPOSER,
    REWARDS,
    Rollup,
)
from tests.contracts.test_validator_staking import leave, put
from tests.rollup_bridge.validator.bench import HEAD, account_that, header, place

ROOT = keccak256(b"an output")
"""Of every output here."""
FIRST, SECOND = account_that(judges=False), account_that(judges=False, first=100)


@pytest.fixture
def ready(rollup: Rollup) -> Rollup:
    """Two validators with as much stake as the proposer has, none of them a juror; one output."""
    machine = rollup.machine
    machine.context._block_number = HEAD
    machine.set_ancestor_hashes([keccak256(header(n)) for n in range(HEAD - 1, HEAD - 120, -1)])
    for validator in (FIRST, SECOND):
        put(rollup, validator.address, MINIMUM_STAKE)
    epoch_start = HEAD // DISPUTES.epoch_blocks * DISPUTES.epoch_blocks
    rollup.staking.send(BOB, "recordSeed", header(epoch_start))
    machine.advance(1)
    machine.context._block_number = HEAD
    rollup.propose(ROOT)
    return rollup


def attest(rollup: Rollup, validator: Account, *, number: int = 5, root: bytes = ROOT) -> None:
    attestation = Attestation(number, Hash32(root), place(HEAD - 1))
    digest = attestation_digest(DEV_L1_CHAIN_ID, rollup.at.validator_staking, attestation)
    data = attest_calldata(SignedAttestation(attestation, validator.sign_digest(digest)))
    assert rollup.machine.transact(BOB, rollup.at.validator_staking, data).ok


def make_final(rollup: Rollup) -> None:
    rollup.machine.advance(FINALIZATION_PERIOD_S + 1)


def claim(rollup: Rollup, validator: Address, *outputs: int) -> None:
    rollup.rewards.send(BOB, "claim", validator, list(outputs))


def pool(rollup: Rollup, validator: Address) -> int:
    return int(rollup.staking.read("activeStake", validator))


THIRD = REWARDS.per_output_wei // 3
"""The part of each of three equal validators, of whom the proposer is one."""


def test_a_part_by_stake_goes_to_the_pool_of_who_attested(ready: Rollup) -> None:
    attest(ready, FIRST)
    make_final(ready)
    assert ready.rewards.read("owed", FIRST.address, 0, 10) == (THIRD,)
    claim(ready, FIRST.address, 0)
    assert pool(ready, FIRST.address) == MINIMUM_STAKE + THIRD
    assert pool(ready, SECOND.address) == MINIMUM_STAKE, "it said nothing"
    assert ready.balance(ready.at.attestation_rewards) == REWARDS.fund_wei - THIRD


def test_nobody_is_paid_twice_or_before_the_output_is_final(ready: Rollup) -> None:
    attest(ready, FIRST)
    with pytest.raises(Reverted, match="NothingOwed"):
        claim(ready, FIRST.address, 0)
    make_final(ready)
    claim(ready, FIRST.address, 0, 0, 0)
    assert pool(ready, FIRST.address) == MINIMUM_STAKE + THIRD
    with pytest.raises(Reverted, match="NothingOwed"):
        claim(ready, FIRST.address, 0)


def test_another_root_earns_nothing(ready: Rollup) -> None:
    attest(ready, FIRST, root=keccak256(b"another"))
    make_final(ready)
    assert ready.rewards.read("owedFor", FIRST.address, 0) == 0


def test_a_word_after_the_window_earns_nothing_and_saying_it_again_changes_nothing(ready: Rollup) -> None:
    attest(ready, FIRST)
    ready.machine.advance(REWARDS.window_s + 1)
    ready.machine.context._block_number = HEAD
    attest(ready, FIRST)
    attest(ready, SECOND)
    make_final(ready)
    assert ready.rewards.read("owedFor", FIRST.address, 0) == THIRD
    assert ready.rewards.read("owedFor", SECOND.address, 0) == 0


def test_stake_that_came_with_the_output_or_left_before_it_does_not_count(ready: Rollup) -> None:
    put(ready, FIRST.address, 3 * MINIMUM_STAKE)
    attest(ready, FIRST)
    make_final(ready)
    assert ready.rewards.read("owedFor", FIRST.address, 0) == THIRD
    leave(ready, SECOND.address, int(ready.staking.read("sharesOf", SECOND.address, SECOND.address)))
    ready.machine.advance(2)
    now_s = ready.machine.now_s - 1
    assert ready.staking.read("totalActiveStakeAt", now_s) == 5 * MINIMUM_STAKE
    assert ready.staking.read("activeStakeAt", SECOND.address, now_s) == 0


def test_an_empty_fund_loses_nobodys_claim(ready: Rollup) -> None:
    attest(ready, FIRST)
    make_final(ready)
    fund, sink = ready.at.attestation_rewards, Address(b"\x77" * 20)
    ready.token.send(fund, "transfer", sink, REWARDS.fund_wei)
    with pytest.raises(Reverted, match="FundTooSmall"):
        claim(ready, FIRST.address, 0)
    ready.token.send(sink, "transfer", fund, REWARDS.fund_wei)
    claim(ready, FIRST.address, 0)
    assert pool(ready, FIRST.address) == MINIMUM_STAKE + THIRD


def test_delegators_share_what_their_validator_earned(ready: Rollup) -> None:
    attest(ready, FIRST)
    make_final(ready)
    put(ready, BOB, MINIMUM_STAKE, FIRST.address)
    claim(ready, FIRST.address, 0)
    assert pool(ready, FIRST.address) == 2 * MINIMUM_STAKE + THIRD


def test_asking_past_the_end_is_an_empty_list(ready: Rollup) -> None:
    assert ready.rewards.read("owed", PROPOSER, 1, 10) == ()
    assert ready.rewards.read("owed", PROPOSER, 0, 2**255) == (0,)
