"""Withdrawals: proven once, paid once, after waiting, and only what the L2 really marked."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import rlp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.contracts.artifact import read_artifact
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from tests.contracts.abi import Abi, address_of
from tests.contracts.machine import Contract, Outcome, Reverted
from tests.contracts.rollup import (
    ALICE,
    BOB,
    FINALIZATION_PERIOD_S,
    GENESIS_ALLOCATION,
    SUBMISSION_INTERVAL,
    ProvenOutput,
    Rollup,
    Withdrawal,
    account,
    output_with,
    withdrawal,
)
from tests.contracts.test_artifacts import TEST_ARTIFACTS

NO_SENDER = account(0xDEAD)
TARGET = account(0x7A46E7)
RETURN, REVERT, BURN_ALL_GAS, RETURN_A_LOT, REPEAT = range(5)

fresh = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def prove(rollup: Rollup, proven: Withdrawal, output: ProvenOutput, index: int) -> Outcome:
    return rollup.portal.send(
        BOB, "proveWithdrawalTransaction", proven.fields(), index, output.proof, output.nodes(proven)
    )


def finalize(rollup: Rollup, proven: Withdrawal, gas: int = 5_000_000) -> Outcome:
    return rollup.portal.send(BOB, "finalizeWithdrawalTransaction", proven.fields(), gas=gas)


def wait(rollup: Rollup) -> None:
    rollup.machine.advance(FINALIZATION_PERIOD_S + 1)


def make_ready(rollup: Rollup, proven: Withdrawal) -> None:
    """Propose an output with it, prove it, and let the time pass."""
    output = output_with(proven)
    prove(rollup, proven, output, rollup.propose(output.root))
    wait(rollup)


def succeeded(rollup: Rollup, outcome: Outcome) -> bool:
    [event] = rollup.portal.events(outcome)
    assert event.name == "WithdrawalFinalized"
    return bool(event.arguments["success"])


@pytest.fixture
def target(rollup: Rollup) -> Contract:
    artifact = read_artifact(TEST_ARTIFACTS, "Target")
    rollup.machine.state.set_code(TARGET, artifact.deployed_bytecode)
    contract = Contract(rollup.machine, TARGET, Abi(artifact.abi))
    contract.send(ALICE, "configure", rollup.at.portal, RETURN, b"")
    return contract


def test_a_proven_withdrawal_is_paid(rollup: Rollup) -> None:
    leaving = withdrawal()
    output = output_with(leaving)
    index = rollup.propose(output.root)

    [proven] = rollup.portal.events(prove(rollup, leaving, output, index))
    assert proven.arguments["withdrawalHash"] == leaving.hash()
    assert rollup.portal.read("provenWithdrawals", leaving.hash()) == (
        output.root,
        rollup.machine.now_s,
        index,
    )
    assert not rollup.portal.read("finalizedWithdrawals", leaving.hash())

    wait(rollup)
    assert succeeded(rollup, finalize(rollup, leaving))
    assert rollup.balance(BOB) == leaving.value
    assert rollup.portal.read("finalizedWithdrawals", leaving.hash())
    assert rollup.vault.read("payments") == leaving.value
    assert rollup.vault.read("accountedDeposits") == GENESIS_ALLOCATION
    assert rollup.balance(rollup.at.open_vault) == GENESIS_ALLOCATION - leaving.value


def test_not_before_both_periods_are_over(rollup: Rollup) -> None:
    leaving = withdrawal()
    output = output_with(leaving)
    index = rollup.propose(output.root)
    rollup.machine.advance(FINALIZATION_PERIOD_S - 10)
    prove(rollup, leaving, output, index)
    with pytest.raises(Reverted, match="TooEarly"):
        finalize(rollup, leaving)
    rollup.machine.advance(FINALIZATION_PERIOD_S)
    with pytest.raises(Reverted, match="TooEarly") as early:
        finalize(rollup, leaving)
    assert early.value.error.arguments["earliest"] == rollup.machine.now_s + 1
    assert rollup.portal.read("isOutputFinalized", index)
    rollup.machine.advance(1)
    finalize(rollup, leaving)


def test_not_without_proof(rollup: Rollup) -> None:
    with pytest.raises(Reverted, match="NotProven"):
        finalize(rollup, withdrawal())


def test_a_withdrawal_is_paid_once(rollup: Rollup) -> None:
    leaving = withdrawal()
    make_ready(rollup, leaving)
    finalize(rollup, leaving)
    with pytest.raises(Reverted, match="AlreadyFinalized"):
        finalize(rollup, leaving)
    output = output_with(leaving, others=3)
    index = rollup.propose(output.root)
    with pytest.raises(Reverted, match="AlreadyFinalized"):
        prove(rollup, leaving, output, index)


def test_proving_again_would_not_restart_the_clock(rollup: Rollup) -> None:
    leaving = withdrawal()
    output, later = output_with(leaving), output_with(leaving, others=50)
    prove(rollup, leaving, output, rollup.propose(output.root))
    with pytest.raises(Reverted, match="AlreadyProven"):
        prove(rollup, leaving, output, 0)
    index = rollup.propose(later.root)
    with pytest.raises(Reverted, match="AlreadyProven"):
        prove(rollup, leaving, later, index)


def test_wrong_output_root(rollup: Rollup) -> None:
    leaving = withdrawal()
    output = output_with(leaving)
    index = rollup.propose(output_with(withdrawal(1)).root)
    with pytest.raises(Reverted, match="OutputRootMismatch"):
        prove(rollup, leaving, output, index)
    with pytest.raises(Reverted):
        prove(rollup, leaving, output, index + 1)


@pytest.mark.parametrize("part", range(4))
def test_every_part_of_the_output_root_counts(rollup: Rollup, part: int) -> None:
    leaving = withdrawal()
    output = output_with(leaving)
    index = rollup.propose(output.root)
    parts = list(output.proof)
    parts[part] = b"\x01" * 32
    with pytest.raises(Reverted, match="OutputRootMismatch"):
        prove(rollup, leaving, replace(output, proof=(parts[0], parts[1], parts[2], parts[3])), index)


def test_a_deleted_root_stops_finalization_and_the_next_root_needs_a_new_proof(rollup: Rollup) -> None:
    leaving = withdrawal()
    wrong, right = output_with(leaving, others=5), output_with(leaving)
    index = rollup.propose(wrong.root)
    prove(rollup, leaving, wrong, index)
    rollup.machine.advance(FINALIZATION_PERIOD_S - 1)
    rollup.delete_from(index)
    wait(rollup)
    with pytest.raises(Reverted, match="OutputReplaced"):
        finalize(rollup, leaving)
    assert rollup.propose(right.root) == index
    wait(rollup)
    with pytest.raises(Reverted, match="OutputReplaced"):
        finalize(rollup, leaving)
    prove(rollup, leaving, right, index)
    with pytest.raises(Reverted, match="TooEarly"):
        finalize(rollup, leaving)
    wait(rollup)
    assert succeeded(rollup, finalize(rollup, leaving))


def test_a_root_proposed_again_has_to_wait_again(rollup: Rollup) -> None:
    leaving = withdrawal()
    output = output_with(leaving)
    index = rollup.propose(output.root)
    prove(rollup, leaving, output, index)
    rollup.machine.advance(FINALIZATION_PERIOD_S - 1)
    rollup.delete_from(index)
    rollup.propose(output.root)
    rollup.machine.advance(FINALIZATION_PERIOD_S)
    with pytest.raises(Reverted, match="TooEarly"):
        finalize(rollup, leaving)
    rollup.machine.advance(1)
    finalize(rollup, leaving)


@pytest.mark.parametrize("name", ["open_token", "open_vault", "portal", "output_oracle", "validator_staking"])
def test_contracts_that_trust_the_portal_are_no_targets(rollup: Rollup, name: str) -> None:
    theft = Abi(rollup.token.abi.entries).call_data("transferFrom", ALICE, BOB, 1)
    leaving = withdrawal(target=getattr(rollup.at, name), value=0, data=theft, gas_limit=200_000)
    output = output_with(leaving)
    index = rollup.propose(output.root)
    with pytest.raises(Reverted, match="ForbiddenTarget"):
        prove(rollup, leaving, output, index)
    with pytest.raises(Reverted, match="ForbiddenTarget"):
        finalize(rollup, leaving)


ALTERATIONS: dict[str, Callable[[Withdrawal], Withdrawal]] = {
    "nonce": lambda w: replace(w, nonce=w.nonce + 1),
    "nonce version": lambda w: replace(w, nonce=w.nonce - (1 << 240)),
    "sender": lambda w: replace(w, sender=BOB),
    "target": lambda w: replace(w, target=account(0xBAD)),
    "value": lambda w: replace(w, value=w.value + 1),
    "gas limit": lambda w: replace(w, gas_limit=w.gas_limit + 1),
    "data": lambda w: replace(w, data=w.data + b"\0"),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_altered_fields_are_another_withdrawal(rollup: Rollup, name: str) -> None:
    leaving = withdrawal(data=b"\x01")
    altered = ALTERATIONS[name](leaving)
    output = output_with(leaving)
    index = rollup.propose(output.root)
    for nodes in (output.nodes(leaving), output.nodes(altered)):
        with pytest.raises(Reverted):
            rollup.portal.send(
                BOB, "proveWithdrawalTransaction", altered.fields(), index, output.proof, nodes
            )
    make_ready(rollup, replace(leaving, nonce=leaving.nonce + 77))
    with pytest.raises(Reverted, match="NotProven"):
        finalize(rollup, altered)


@pytest.mark.parametrize("value", [b"\x02", b"\x01\x00", b"\x00\x01", b"\x80", b"\xc1\x01"])
def test_only_the_value_one_is_a_mark(rollup: Rollup, value: bytes) -> None:
    leaving = withdrawal()
    output = output_with(leaving, value=value)
    index = rollup.propose(output.root)
    with pytest.raises(Reverted, match="WithdrawalNotInState"):
        prove(rollup, leaving, output, index)


def test_proof_of_absence_is_no_proof(rollup: Rollup) -> None:
    output = output_with(withdrawal(1))
    index = rollup.propose(output.root)
    with pytest.raises(Reverted):
        prove(rollup, withdrawal(2), output, index)


@fresh
@given(others=st.integers(0, 300), salt=st.integers(0, 2**32))
def test_proofs_from_tries_of_any_size_verify(rollup: Rollup, others: int, salt: int) -> None:
    with rollup.machine.rolled_back():
        leaving = withdrawal(1_000_000 + salt)
        output = output_with(leaving, others=others)
        prove(rollup, leaving, output, rollup.propose(output.root))


MUTATED = withdrawal(5)
MUTATED_OUTPUT = output_with(MUTATED, others=60)
NODES = MUTATED_OUTPUT.nodes(MUTATED)


def mutate(kind: str, chance: random.Random) -> list[bytes]:
    """A different list of nodes made from the right one."""
    nodes = list(NODES)
    which = chance.randrange(len(nodes))
    node = bytearray(nodes[which])
    match kind:
        case "flip a bit":
            node[chance.randrange(len(node))] ^= 1 << chance.randrange(8)
            nodes[which] = bytes(node)
        case "append to a node":
            nodes[which] += chance.randbytes(chance.randrange(1, 40))
        case "truncate a node":
            nodes[which] = nodes[which][: chance.randrange(len(node))]
        case "drop a node":
            del nodes[which]
        case "repeat a node":
            nodes.insert(which, nodes[which])
        case "append a node":
            nodes.append(chance.choice([b"", b"\x80", b"\xc0", nodes[which], chance.randbytes(33)]))
        case "swap nodes":
            other = (which + 1) % len(nodes)
            nodes[which], nodes[other] = nodes[other], nodes[which]
        case "encode a length longer":
            nodes[which] = b"\xf9\x00" + nodes[which][1:]
        case "encode the leaf anew":
            path, _ = rlp.decode(nodes[-1])
            nodes[-1] = rlp.encode([path, rlp.encode(b"\x01") + b"\0"])
    return nodes


KINDS = [
    "flip a bit",
    "append to a node",
    "truncate a node",
    "drop a node",
    "repeat a node",
    "append a node",
    "swap nodes",
    "encode a length longer",
    "encode the leaf anew",
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), chance=st.randoms(use_true_random=False))
def test_no_other_list_of_nodes_is_a_proof(rollup: Rollup, kind: str, chance: random.Random) -> None:
    nodes = mutate(kind, chance)
    assert nodes != NODES
    with rollup.machine.rolled_back():
        index = rollup.propose(MUTATED_OUTPUT.root)
        arguments = (MUTATED.fields(), index, MUTATED_OUTPUT.proof)
        with pytest.raises(Reverted):
            rollup.portal.send(BOB, "proveWithdrawalTransaction", *arguments, nodes)
        rollup.portal.send(BOB, "proveWithdrawalTransaction", *arguments, NODES)


def test_no_nodes_are_no_proof(rollup: Rollup) -> None:
    index = rollup.propose(MUTATED_OUTPUT.root)
    with pytest.raises(Reverted, match="WithdrawalNotInState"):
        rollup.portal.send(
            BOB, "proveWithdrawalTransaction", MUTATED.fields(), index, MUTATED_OUTPUT.proof, []
        )


def test_the_target_is_paid_then_called_in_the_l2_senders_name(rollup: Rollup, target: Contract) -> None:
    leaving = withdrawal(target=TARGET, data=b"hello", gas_limit=300_000)
    make_ready(rollup, leaving)
    assert succeeded(rollup, finalize(rollup, leaving))
    assert rollup.balance(TARGET) == leaving.value
    assert address_of(target.read("l2Sender")) == ALICE
    assert target.read("received") == b"hello"
    assert target.read("value") == 0
    assert address_of(rollup.portal.read("l2Sender")) == NO_SENDER


def test_without_data_the_target_is_not_called(rollup: Rollup, target: Contract) -> None:
    leaving = withdrawal(target=TARGET, gas_limit=300_000)
    make_ready(rollup, leaving)
    assert succeeded(rollup, finalize(rollup, leaving))
    assert target.read("calls") == 0
    assert rollup.balance(TARGET) == leaving.value


@pytest.mark.parametrize("behaviour", [REVERT, BURN_ALL_GAS])
def test_a_failing_target_is_paid_and_not_called_again(
    rollup: Rollup, target: Contract, behaviour: int
) -> None:
    target.send(ALICE, "configure", rollup.at.portal, behaviour, b"")
    leaving = withdrawal(target=TARGET, data=b"x", gas_limit=100_000)
    make_ready(rollup, leaving)
    assert not succeeded(rollup, finalize(rollup, leaving, gas=1_000_000))
    assert rollup.balance(TARGET) == leaving.value
    assert address_of(rollup.portal.read("l2Sender")) == NO_SENDER
    with pytest.raises(Reverted, match="AlreadyFinalized"):
        finalize(rollup, leaving)


def test_return_data_costs_the_portal_nothing(rollup: Rollup, target: Contract) -> None:
    target.send(ALICE, "configure", rollup.at.portal, RETURN_A_LOT, b"")
    leaving = withdrawal(target=TARGET, data=b"x", gas_limit=2_200_000)
    make_ready(rollup, leaving)
    # The target pays for a megabyte of its own memory; copying it would cost the portal as much again.
    assert succeeded(rollup, finalize(rollup, leaving, gas=2_500_000))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gas_limit=st.integers(0, 3_000_000), gas=st.integers(60_000, 3_500_000))
def test_the_target_gets_its_gas_or_nothing_happens(
    rollup: Rollup, target: Contract, gas_limit: int, gas: int
) -> None:
    with rollup.machine.rolled_back():
        leaving = withdrawal(target=TARGET, data=b"x", gas_limit=gas_limit)
        make_ready(rollup, leaving)
        try:
            outcome = finalize(rollup, leaving, gas=gas)
        except Reverted:
            assert gas < gas_limit * 64 // 63 + 300_000
            assert not rollup.portal.read("finalizedWithdrawals", leaving.hash())
            assert rollup.balance(TARGET) == 0
            return
        assert rollup.balance(TARGET) == leaving.value
        if succeeded(rollup, outcome):
            # Measured a few hundred gas after the call began.
            assert target.read("gasReceived") + 500 >= gas_limit


def reentries(rollup: Rollup, running: Withdrawal, other: Withdrawal) -> dict[str, bytes]:
    output = output_with(other)
    call = rollup.portal.abi.call_data
    return {
        "finalize itself": call("finalizeWithdrawalTransaction", running.fields()),
        "finalize another": call("finalizeWithdrawalTransaction", other.fields()),
        "prove": call("proveWithdrawalTransaction", other.fields(), 0, output.proof, output.nodes(other)),
        "deposit": call("depositTransaction", BOB, 0, 50_000, False, b""),
        "deposit OPEN": call("depositERC20Transaction", BOB, 0, 0, 50_000, False, b""),
    }


@pytest.mark.parametrize("name", ["finalize itself", "finalize another", "prove", "deposit", "deposit OPEN"])
def test_the_target_cannot_reenter(rollup: Rollup, target: Contract, name: str) -> None:
    running = withdrawal(target=TARGET, data=b"x", gas_limit=1_000_000)
    other = withdrawal(1)
    make_ready(rollup, other)
    make_ready(rollup, running)
    target.send(ALICE, "configure", rollup.at.portal, REPEAT, reentries(rollup, running, other)[name])
    assert succeeded(rollup, finalize(rollup, running))
    assert not target.read("repeatSucceeded")
    error = rollup.portal.abi.decode_error(target.read("repeatOutput"))
    assert error.name == "ReentrancyGuardReentrantCall"
    assert rollup.vault.read("payments") == running.value


def test_a_token_cannot_finalize_while_it_pays(rollup: Rollup) -> None:
    leaving = withdrawal()
    make_ready(rollup, leaving)
    artifact = read_artifact(TEST_ARTIFACTS, "HostileToken")
    rollup.machine.state.set_code(rollup.at.open_token, artifact.deployed_bytecode)
    token = Contract(rollup.machine, rollup.at.open_token, Abi(artifact.abi))
    again = rollup.portal.abi.call_data("finalizeWithdrawalTransaction", leaving.fields())
    token.send(ALICE, "callBackWith", rollup.at.portal, again)
    finalize(rollup, leaving)
    called, succeeded_again, _ = token.read("lastCallBack")
    assert called
    assert not succeeded_again
    assert rollup.vault.read("payments") == leaving.value


def test_an_impossible_payment_undoes_the_finalization(rollup: Rollup) -> None:
    too_much = withdrawal(value=GENESIS_ALLOCATION + 1)
    to_nobody = withdrawal(1, target=Address(bytes(20)))
    for leaving in (too_much, to_nobody):
        make_ready(rollup, leaving)
        with pytest.raises(Reverted):
            finalize(rollup, leaving)
        assert not rollup.portal.read("finalizedWithdrawals", leaving.hash())
    assert rollup.vault.read("payments") == 0


def test_ether_cannot_come_along(rollup: Rollup) -> None:
    leaving = withdrawal()
    make_ready(rollup, leaving)
    rollup.machine.state.set_balance(BOB, 1)
    data = rollup.portal.abi.call_data("finalizeWithdrawalTransaction", leaving.fields())
    assert not rollup.machine.transact(BOB, rollup.at.portal, data, value=1).ok


def test_major_version_is_the_output_oracles(rollup: Rollup) -> None:
    """viem/op-stack asks an output oracle below major version 3 and dispute games from there on."""
    assert rollup.portal.read("version").split(".")[0] == "2"


def test_deposits_and_withdrawals_add_up(rollup: Rollup) -> None:
    rollup.give_open(ALICE, 10 * OPEN_UNIT)
    rollup.approve(ALICE, 10 * OPEN_UNIT)
    rollup.portal.send(ALICE, "depositERC20Transaction", BOB, 10 * OPEN_UNIT, 0, 50_000, False, b"")
    for number in range(3):
        leaving = withdrawal(number, value=(number + 1) * OPEN_UNIT)
        make_ready(rollup, leaving)
        finalize(rollup, leaving)
    held = rollup.vault.read("accountedDeposits") - rollup.vault.read("payments")
    assert held == GENESIS_ALLOCATION + 4 * OPEN_UNIT
    assert rollup.balance(rollup.at.open_vault) == held
    assert rollup.oracle.read("latestBlockNumber") == 3 * SUBMISSION_INTERVAL
