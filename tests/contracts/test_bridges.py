"""Messages and ERC-20 tokens between an L1 and an L2 in two bare EVMs, carried by what the portal logs."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_abi.abi import decode, encode

from genesis.addresses import (
    CREATE2_FACTORY,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    MINTABLE_ERC20_FACTORY,
    OP_WETH9,
)
from genesis.alloc import l2_allocation
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.predeploys import ARTIFACTS as L2_ARTIFACTS
from genesis.predeploys import bridge_storage
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Wei
from openledger_node.client.token_bridge import l1_stand_in
from rollup_bridge.deploy import ARTIFACTS, contract_address
from rollup_bridge.deposits.alias import alias
from tests.contracts.abi import address_of
from tests.contracts.machine import Contract, Machine, Outcome, Reverted
from tests.contracts.rollup import (
    ALICE,
    BOB,
    DEPLOYER,
    FINALIZATION_PERIOD_S,
    Rollup,
    Withdrawal,
    account,
    output_with,
)

TARGETS = Path(__file__).with_name("artifacts")
MINIMUM_GAS = 300_000
CAROL = account(0xCA401)
RELAYED, FAILED = keccak256(b"RelayedMessage(bytes32)"), keccak256(b"FailedRelayedMessage(bytes32)")


@dataclass
class Chains:
    """Both ends, and whoever carries between them."""

    l1: Rollup
    l2: Machine
    l2_messenger: Contract
    l2_bridge: Contract

    def up(self, outcome: Outcome, gas: int | None = None) -> Outcome:
        """The deposit that an L1 transaction logged, carried out on L2."""
        [log] = [log for log in outcome.logs if log.address == self.l1.at.portal]
        [opaque] = decode(["bytes"], log.data)
        sender, to = (Address(topic[12:]) for topic in log.topics[1:3])
        bought = int.from_bytes(opaque[64:72], "big")
        data = opaque[73:]
        return self.l2.transact(sender, to, data, gas=gas or bought - 21_000 - 40 * len(data))

    def down(self, outcome: Outcome) -> Outcome:
        """The withdrawal that an L2 transaction logged, proven and finalized on L1."""
        [log] = [log for log in outcome.logs if log.address == L2_TO_L1_MESSAGE_PASSER]
        value, gas_limit, data, _ = decode(["uint256", "uint256", "bytes", "bytes32"], log.data)
        sender, target = (Address(topic[12:]) for topic in log.topics[2:4])
        leaving = Withdrawal(int.from_bytes(log.topics[1], "big"), sender, target, value, gas_limit, data)
        output = output_with(leaving)
        index = self.l1.propose(output.root)
        prove = (leaving.fields(), index, output.proof, output.nodes(leaving))
        self.l1.portal.send(BOB, "proveWithdrawalTransaction", *prove)
        self.l1.machine.advance(FINALIZATION_PERIOD_S + 1)
        return self.l1.portal.send(BOB, "finalizeWithdrawalTransaction", leaving.fields())

    def token_on_l1(self) -> Contract:
        """A token of its own, all of it the deployer's."""
        code = read_artifact(ARTIFACTS, "OpenToken").bytecode + encode(["address"], [DEPLOYER])
        outcome = self.l1.machine.transact(DEPLOYER, None, code)
        assert outcome.created
        return Contract.at(self.l1.machine, outcome.created, ARTIFACTS, "OpenToken")

    def stand_in_on_l2(self, remote: Address) -> Contract:
        factory = Contract.at(self.l2, MINTABLE_ERC20_FACTORY, L2_ARTIFACTS, "OptimismMintableERC20Factory")
        outcome = factory.send(ALICE, "createOptimismMintableERC20", remote, "Token", "TKN")
        [event] = factory.events(outcome)
        made = Address(address_of(event.arguments["localToken"]))
        return Contract.at(self.l2, made, L2_ARTIFACTS, "OptimismMintableERC20")

    def deposit(self, token: Contract, stand_in: Contract, amount: int) -> Outcome:
        token.send(DEPLOYER, "transfer", ALICE, amount)
        token.send(ALICE, "approve", self.l1.at.l1_bridge, amount)
        return self.l1.bridge.send(
            ALICE, "depositERC20", token.address, stand_in.address, amount, MINIMUM_GAS, b"note"
        )


@pytest.fixture
def chains(rollup: Rollup) -> Chains:
    balances = {who: Wei(1_000 * OPEN_UNIT) for who in (ALICE, BOB)}
    l2 = Machine(l2_allocation(balances, bridge_storage(rollup.at.l1_messenger, rollup.at.l1_bridge)))
    return Chains(
        rollup,
        l2,
        Contract.at(l2, L2_CROSS_DOMAIN_MESSENGER, L2_ARTIFACTS, "L2CrossDomainMessenger"),
        Contract.at(l2, L2_STANDARD_BRIDGE, L2_ARTIFACTS, "L2StandardBridge"),
    )


def topics(outcome: Outcome) -> set[bytes]:
    return {log.topics[0] for log in outcome.logs if log.topics}


def test_both_ends_name_each_other(chains: Chains) -> None:
    at = chains.l1.at
    assert address_of(chains.l2_messenger.read("otherMessenger")) == at.l1_messenger
    assert address_of(chains.l2_bridge.read("otherBridge")) == at.l1_bridge
    assert address_of(chains.l1.messenger.read("otherMessenger")) == L2_CROSS_DOMAIN_MESSENGER
    assert address_of(chains.l1.bridge.read("otherBridge")) == L2_STANDARD_BRIDGE
    assert address_of(chains.l1.bridge.read("messenger")) == at.l1_messenger
    assert address_of(chains.l2_bridge.read("messenger")) == L2_CROSS_DOMAIN_MESSENGER


def test_a_token_of_l1_goes_to_l2_and_comes_back(chains: Chains) -> None:
    token = chains.token_on_l1()
    stand_in = chains.stand_in_on_l2(token.address)
    there = chains.up(chains.deposit(token, stand_in, 100))
    assert RELAYED in topics(there)
    assert stand_in.read("balanceOf", ALICE) == stand_in.read("totalSupply") == 100
    assert token.read("balanceOf", chains.l1.at.l1_bridge) == 100

    back = chains.l2_bridge.send(ALICE, "withdrawTo", stand_in.address, CAROL, 40, MINIMUM_GAS, b"")
    assert stand_in.read("totalSupply") == 60
    assert RELAYED in topics(chains.down(back))
    assert token.read("balanceOf", CAROL) == 40
    assert chains.l1.bridge.read("deposits", token.address, stand_in.address) == 60


def test_a_token_of_l2_goes_to_l1_and_comes_back(chains: Chains) -> None:
    wrapped = Contract.at(chains.l2, OP_WETH9, L2_ARTIFACTS, "WOPEN")
    planned = l1_stand_in(chains.l1.at.l1_bridge, OP_WETH9, "Wrapped OPEN", "WOPEN", 18)
    made = planned.address
    on_l1 = Contract.at(chains.l1.machine, made, L2_ARTIFACTS, "OptimismMintableERC20")
    chains.l1.machine.transact(BOB, CREATE2_FACTORY, planned.factory_calldata)
    assert (on_l1.read("name"), on_l1.read("symbol"), on_l1.read("decimals")) == ("Wrapped OPEN", "WOPEN", 18)

    wrapped.send(ALICE, "deposit", value=50)
    wrapped.send(ALICE, "approve", L2_STANDARD_BRIDGE, 50)
    sent = chains.l2_bridge.send(ALICE, "bridgeERC20", OP_WETH9, made, 50, MINIMUM_GAS, b"")
    chains.down(sent)
    assert on_l1.read("balanceOf", ALICE) == 50
    assert wrapped.read("balanceOf", L2_STANDARD_BRIDGE) == 50

    back = chains.l1.bridge.send(ALICE, "bridgeERC20To", made, OP_WETH9, BOB, 20, MINIMUM_GAS, b"")
    chains.up(back)
    assert (on_l1.read("totalSupply"), wrapped.read("balanceOf", BOB)) == (30, 20)


def test_only_the_other_bridge_through_the_messenger_pays_out(chains: Chains) -> None:
    token = chains.token_on_l1()
    stand_in = chains.stand_in_on_l2(token.address)
    payout = (stand_in.address, token.address, BOB, BOB, 5, b"")
    for caller in (BOB, L2_CROSS_DOMAIN_MESSENGER, alias(chains.l1.at.l1_messenger)):
        with pytest.raises(Reverted):
            chains.l2_bridge.send(caller, "finalizeBridgeERC20", *payout)
    forged = chains.l2_bridge.abi.call_data("finalizeBridgeERC20", *payout)
    sent = chains.l1.messenger.send(BOB, "sendMessage", L2_STANDARD_BRIDGE, forged, MINIMUM_GAS)
    assert FAILED in topics(chains.up(sent)), "a message of anybody else fails"
    assert stand_in.read("totalSupply") == 0


def test_a_token_that_lies_about_what_it_stands_for_gets_nothing(chains: Chains) -> None:
    token = chains.token_on_l1()
    honest = chains.stand_in_on_l2(token.address)
    chains.up(chains.deposit(token, honest, 100))
    code = read_artifact(TARGETS, "LyingToken").bytecode
    liar_at = chains.l2.transact(BOB, None, code).created
    assert liar_at
    liar = Contract.at(chains.l2, liar_at, TARGETS, "LyingToken")
    liar.send(BOB, "pretend", L2_STANDARD_BRIDGE, token.address)
    sent = chains.l2_bridge.send(BOB, "withdraw", liar_at, 100, MINIMUM_GAS, b"")
    assert FAILED in topics(chains.down(sent))
    assert token.read("balanceOf", BOB) == 0
    assert token.read("balanceOf", chains.l1.at.l1_bridge) == 100


def test_of_a_token_that_takes_a_fee_counts_what_arrived(chains: Chains) -> None:
    token = chains.token_on_l1()
    stand_in = chains.stand_in_on_l2(token.address)
    token.send(DEPLOYER, "transfer", ALICE, 1_000)
    token.send(ALICE, "approve", chains.l1.at.l1_bridge, 1_000)
    hostile = read_artifact(TARGETS, "HostileToken").deployed_bytecode
    chains.l1.machine.state.set_code(token.address, hostile)
    sent = chains.l1.bridge.send(
        ALICE, "depositERC20", token.address, stand_in.address, 1_000, MINIMUM_GAS, b""
    )
    chains.up(sent)
    assert stand_in.read("balanceOf", ALICE) == 990
    assert chains.l1.bridge.read("deposits", token.address, stand_in.address) == 990


class TestMessages:
    def target(self, machine: Machine, portal: Address) -> Contract:
        made = machine.transact(BOB, None, read_artifact(TARGETS, "Target").bytecode).created
        assert made
        target = Contract.at(machine, made, TARGETS, "Target")
        target.send(BOB, "configure", portal, 1, b"")
        return target

    def test_one_that_failed_is_relayed_again_by_anyone_and_succeeds_once(self, chains: Chains) -> None:
        token = chains.token_on_l1()
        later = contract_address(ALICE, chains.l2.state.get_nonce(ALICE))
        token.send(DEPLOYER, "transfer", ALICE, 100)
        token.send(ALICE, "approve", chains.l1.at.l1_bridge, 100)
        sent = chains.l1.bridge.send(ALICE, "depositERC20", token.address, later, 100, MINIMUM_GAS, b"")
        assert FAILED in topics(chains.up(sent)), "there is no such token yet"

        code = read_artifact(L2_ARTIFACTS, "OptimismMintableERC20").bytecode
        types = ["address", "address", "string", "string", "uint8"]
        arguments = encode(types, [L2_STANDARD_BRIDGE, token.address, "Token", "TKN", 18])
        assert chains.l2.transact(ALICE, None, code + arguments).created == later
        [log] = [log for log in sent.logs if log.address == chains.l1.at.portal]
        call = decode(["bytes"], log.data)[0][73:]
        assert RELAYED in topics(chains.l2.transact(CAROL, L2_CROSS_DOMAIN_MESSENGER, call))
        stand_in = Contract.at(chains.l2, later, L2_ARTIFACTS, "OptimismMintableERC20")
        assert stand_in.read("balanceOf", ALICE) == 100
        assert not chains.l2.transact(CAROL, L2_CROSS_DOMAIN_MESSENGER, call).ok, "once"
        assert not chains.up(sent).ok, "nor does the other messenger's word help"
        assert stand_in.read("totalSupply") == 100

    def test_with_too_little_gas_nothing_is_lost(self, chains: Chains) -> None:
        token = chains.token_on_l1()
        stand_in = chains.stand_in_on_l2(token.address)
        sent = chains.deposit(token, stand_in, 100)
        assert FAILED in topics(chains.up(sent, gas=150_000))
        [log] = [log for log in sent.logs if log.address == chains.l1.at.portal]
        call = decode(["bytes"], log.data)[0][73:]
        assert RELAYED in topics(chains.l2.transact(CAROL, L2_CROSS_DOMAIN_MESSENGER, call))
        assert stand_in.read("balanceOf", ALICE) == 100

    def test_nobody_passes_for_the_other_messenger(self, chains: Chains) -> None:
        nonce = (1 << 240) | 7
        message = (nonce, chains.l1.at.l1_bridge, L2_STANDARD_BRIDGE, 0, 1_000, b"")
        for caller in (BOB, chains.l1.at.l1_messenger, alias(BOB)):
            with pytest.raises(Reverted, match="NeitherOtherMessenger"):
                chains.l2_messenger.send(caller, "relayMessage", *message)
        with pytest.raises(Reverted, match="NeitherOtherMessenger"):
            chains.l1.messenger.send(BOB, "relayMessage", *message)
        with pytest.raises(Reverted, match="NoMessageIsRunning"):
            chains.l2_messenger.read("xDomainMessageSender")

    @pytest.mark.parametrize("target", [L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER])
    def test_what_trusts_the_messenger_cannot_be_called_by_a_message(
        self, chains: Chains, target: Address
    ) -> None:
        call = bytes.fromhex("00")
        sent = chains.l1.messenger.send(BOB, "sendMessage", target, call, MINIMUM_GAS)
        assert not chains.up(sent).ok

    def test_a_message_with_value_or_of_another_version_is_refused(self, chains: Chains) -> None:
        other = alias(chains.l1.at.l1_messenger)
        with pytest.raises(Reverted, match="MessageWithValue"):
            chains.l2_messenger.send(other, "relayMessage", 1 << 240, BOB, BOB, 1, 0, b"")
        with pytest.raises(Reverted, match="UnknownVersion"):
            chains.l2_messenger.send(other, "relayMessage", 0, BOB, BOB, 0, 0, b"")

    def test_a_failing_target_fails_and_a_long_answer_costs_nothing(self, chains: Chains) -> None:
        target = self.target(chains.l2, chains.l1.at.portal)
        sent = chains.l1.messenger.send(BOB, "sendMessage", target.address, b"", MINIMUM_GAS)
        assert chains.up(sent).ok
        failing = chains.l1.messenger.send(BOB, "sendMessage", target.address, b"\x01" * 4, MINIMUM_GAS)
        assert FAILED in topics(chains.up(failing))
