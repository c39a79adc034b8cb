"""Stake behind what validators sign: who may leave with what, and what a contradiction costs."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.types import Address
from tests.contracts.machine import Machine, Reverted
from tests.contracts.rollup import (
    ALICE,
    BOB,
    DISPUTES,
    FINALIZATION_PERIOD_S,
    MINIMUM_STAKE,
    OWNER,
    PROPOSER_GRACE_S,
    SUBMISSION_INTERVAL,
    UNBONDING_S,
    Rollup,
    deploy,
    parameters,
)

KEY = Account.from_key(b"\x07" * 32)
VALIDATOR = Address(bytes.fromhex(KEY.address[2:]))
FIELDS = [
    {"name": "l2BlockNumber", "type": "uint256"},
    {"name": "outputRoot", "type": "bytes32"},
    {"name": "l1BlockNumber", "type": "uint256"},
    {"name": "l1BlockHash", "type": "bytes32"},
]


def put(rollup: Rollup, who: Address, amount: int, validator: Address | None = None) -> int:
    """Stake; returns the shares it made."""
    rollup.give_open(who, amount)
    rollup.token.send(who, "approve", rollup.at.validator_staking, amount)
    before = rollup.staking.read("sharesOf", validator or who, who)
    rollup.staking.send(who, "delegate", validator or who, amount)
    return int(rollup.staking.read("sharesOf", validator or who, who)) - int(before)


def leave(rollup: Rollup, who: Address, shares: int, validator: Address | None = None) -> None:
    rollup.staking.send(who, "requestUnstake", validator or who, shares)


def signed(rollup: Rollup, *, number: int = 5, root: int = 1, l1: int = 9) -> tuple[Any, bytes]:
    attestation = (number, root.to_bytes(32, "big"), 77, l1.to_bytes(32, "big"))
    message = encode_typed_data(
        {
            "name": "OpenLedger ValidatorStaking",
            "version": "1",
            "chainId": 31337,
            "verifyingContract": "0x" + rollup.at.validator_staking.hex(),
        },
        {"Attestation": FIELDS},
        dict(zip((field["name"] for field in FIELDS), attestation, strict=True)),
    )
    return attestation, bytes(KEY.sign_message(message).signature)


def contradict(rollup: Rollup, *pair: tuple[Any, bytes]) -> None:
    (first, first_signature), (second, second_signature) = pair
    rollup.staking.send(BOB, "proveContradiction", first, first_signature, second, second_signature)


def test_stake_comes_back_after_unbonding_and_not_before(rollup: Rollup) -> None:
    shares = put(rollup, ALICE, MINIMUM_STAKE)
    assert rollup.staking.read("isValidator", ALICE)
    leave(rollup, ALICE, shares)
    assert not rollup.staking.read("isValidator", ALICE)
    assert rollup.staking.read("activeStake", ALICE) == 0
    rollup.machine.advance(UNBONDING_S - 1)
    with pytest.raises(Reverted, match="StillUnbonding"):
        rollup.staking.send(ALICE, "withdraw", 0)
    rollup.machine.advance(1)
    rollup.staking.send(ALICE, "withdraw", 0)
    assert rollup.balance(ALICE) == MINIMUM_STAKE
    with pytest.raises(Reverted, match="AlreadyWithdrawn"):
        rollup.staking.send(ALICE, "withdraw", 0)


def test_nobody_leaves_with_more_than_it_has(rollup: Rollup) -> None:
    shares = put(rollup, ALICE, MINIMUM_STAKE)
    for asked in (0, shares + 1):
        with pytest.raises(Reverted, match="NotEnoughShares"):
            leave(rollup, ALICE, asked)
    leave(rollup, ALICE, shares)
    with pytest.raises(Reverted, match="NotEnoughShares"):
        leave(rollup, ALICE, 1)


def test_unbonding_must_take_longer_than_an_output_can_be_disputed() -> None:
    longest_s = parameters().dispute_s
    assert longest_s > FINALIZATION_PERIOD_S
    with pytest.raises(ValueError, match="unbonding"):
        parameters(unbonding_s=longest_s)
    with pytest.raises(ValueError, match="49 seats"):
        parameters(disputes=replace(DISPUTES, jury_seat_fee_wei=DISPUTES.bond_wei))


def test_delegated_stake_does_not_make_a_validator(rollup: Rollup) -> None:
    put(rollup, BOB, 10 * MINIMUM_STAKE, ALICE)
    assert rollup.staking.read("activeStake", ALICE) == 10 * MINIMUM_STAKE
    assert not rollup.staking.read("isValidator", ALICE)


def test_a_reward_is_everybodys_by_shares(rollup: Rollup) -> None:
    own, theirs = put(rollup, ALICE, 3_000), put(rollup, BOB, 1_000, ALICE)
    rollup.give_open(OWNER, 400)
    rollup.token.send(OWNER, "approve", rollup.at.validator_staking, 400)
    rollup.staking.send(OWNER, "reward", ALICE, 400)
    leave(rollup, ALICE, own)
    leave(rollup, BOB, theirs, ALICE)
    rollup.machine.advance(UNBONDING_S)
    rollup.staking.send(ALICE, "withdraw", 0)
    rollup.staking.send(BOB, "withdraw", 0)
    assert (rollup.balance(ALICE), rollup.balance(BOB)) == (3_300, 1_100)


class TestContradiction:
    def test_two_roots_for_one_block_cost_half_the_pool(self, rollup: Rollup) -> None:
        put(rollup, VALIDATOR, 1_000_000)
        contradict(rollup, signed(rollup, root=1), signed(rollup, root=2))
        assert rollup.staking.read("activeStake", VALIDATOR) == 500_000
        assert rollup.balance(BOB) == 150_000
        assert rollup.balance(OWNER) == 350_000

    def test_what_is_leaving_pays_too(self, rollup: Rollup) -> None:
        shares = put(rollup, VALIDATOR, 1_000_000)
        leave(rollup, VALIDATOR, shares)
        contradict(rollup, signed(rollup, root=1), signed(rollup, root=2))
        rollup.machine.advance(UNBONDING_S)
        rollup.staking.send(VALIDATOR, "withdraw", 0)
        assert rollup.balance(VALIDATOR) == 500_000

    def test_once_for_each_block(self, rollup: Rollup) -> None:
        put(rollup, VALIDATOR, 1_000_000)
        contradict(rollup, signed(rollup, root=1), signed(rollup, root=2))
        with pytest.raises(Reverted, match="AlreadySlashed"):
            contradict(rollup, signed(rollup, root=2), signed(rollup, root=3))

    @pytest.mark.parametrize(
        "second", [{"root": 1}, {"root": 2, "number": 6}, {"root": 2, "l1": 10}, {"root": 1, "l1": 10}]
    )
    def test_what_does_not_contradict_costs_nothing(self, rollup: Rollup, second: dict[str, int]) -> None:
        """Another block, or another L1: a reorg may change a root, and nobody is slashed for that."""
        put(rollup, VALIDATOR, 1_000_000)
        with pytest.raises(Reverted, match="NoContradiction"):
            contradict(rollup, signed(rollup, root=1), signed(rollup, **second))

    def test_both_must_be_signed_by_one_validator(self, rollup: Rollup) -> None:
        put(rollup, VALIDATOR, 1_000_000)
        first, second = signed(rollup, root=1), signed(rollup, root=2)
        forged = (second[0], bytes(Account.from_key(b"\x08" * 32).unsafe_sign_hash(b"x" * 32).signature))
        with pytest.raises(Reverted):
            contradict(rollup, first, forged)


class TestProposingInTheProposersPlace:
    def test_a_validator_may_once_the_proposer_is_silent(self, rollup: Rollup) -> None:
        put(rollup, ALICE, MINIMUM_STAKE)
        rollup.propose(b"r" * 32)
        propose = ("proposeL2Output", b"s" * 32, 2 * SUBMISSION_INTERVAL, bytes(32), 0)
        rollup.machine.advance(PROPOSER_GRACE_S)
        assert not rollup.oracle.read("mayPropose", ALICE)
        with pytest.raises(Reverted, match="NotProposer"):
            rollup.oracle.send(ALICE, *propose)
        rollup.machine.advance(1)
        assert not rollup.oracle.read("mayPropose", BOB)
        rollup.oracle.send(ALICE, *propose)
        assert rollup.oracle.read("mayPropose", ALICE), "the proposer is still silent"
        rollup.propose(b"t" * 32)
        assert not rollup.oracle.read("mayPropose", ALICE), "it is back, and the clock begins again"


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "leave", "withdraw", "reward", "slash"]), st.integers(1, 10**21)),
        max_size=15,
    )
)
def test_what_is_owed_never_exceeds_what_is_there(acts: list[tuple[str, int]]) -> None:
    rollup = deploy(Machine(), parameters(initial_validators=()))
    requests = 0
    for number, (act, amount) in enumerate(acts):
        try:
            if act == "put":
                put(rollup, (ALICE, VALIDATOR)[number % 2], amount, VALIDATOR)
            elif act == "leave":
                held = rollup.staking.read("sharesOf", VALIDATOR, ALICE)
                leave(rollup, ALICE, amount % (held + 1), VALIDATOR)
                requests += 1
            elif act == "withdraw":
                rollup.machine.advance(UNBONDING_S)
                rollup.staking.send(ALICE, "withdraw", amount % (requests + 1))
            elif act == "reward":
                rollup.give_open(OWNER, amount)
                rollup.token.send(OWNER, "approve", rollup.at.validator_staking, amount)
                rollup.staking.send(OWNER, "reward", VALIDATOR, amount)
            else:
                contradict(rollup, signed(rollup, number=number), signed(rollup, number=number, root=2))
        except Reverted:
            continue
        stake, shares, leaving = rollup.staking.read("pools", VALIDATOR)
        assert rollup.balance(rollup.at.validator_staking) == stake
        assert leaving <= shares
        held = sum(rollup.staking.read("sharesOf", VALIDATOR, who) for who in (ALICE, VALIDATOR))
        assert held + leaving == shares
