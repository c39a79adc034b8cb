"""L1Block, message passer, fee vaults, treasury, WOPEN and the preinstalls, in the L2's genesis state."""

from dataclasses import dataclass

import pytest
import rlp
from eth_abi.abi import decode, encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from genesis.addresses import (
    BASE_FEE_VAULT,
    CREATE2_FACTORY,
    GOVERNANCE_TIMELOCK,
    L1_ATTRIBUTES_DEPOSITOR,
    L1_BLOCK,
    L1_FEE_VAULT,
    L2_TO_L1_MESSAGE_PASSER,
    MULTICALL3,
    OP_WETH9,
    SEQUENCER_FEE_VAULT,
    TREASURY,
)
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.predeploys import ARTIFACTS
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from tests.contracts.abi import address_of
from tests.contracts.machine import Contract, Machine, Reverted
from tests.contracts.rollup import ALICE, BOB, Rollup, Withdrawal, output_with

SELECTOR = keccak256(b"setL1BlockValuesOpenLedger()")[:4]
RING_SLOT, RING_LENGTH = 9, 8192

u32, u64, u256 = (st.integers(0, 2**bits - 1) for bits in (32, 64, 256))
b32 = st.binary(min_size=32, max_size=32)


@dataclass(frozen=True)
class Attributes:
    """The values of one L1 attributes transaction, and its calldata."""

    base_scalar: int = 1
    blob_scalar: int = 2
    sequence: int = 3
    timestamp: int = 4
    number: int = 5
    base_fee: int = 6
    blob_fee: int = 7
    block_hash: bytes = b"\x08" * 32
    batcher: bytes = b"\x09" * 32
    randomness: bytes = b"\x0a" * 32

    def encode(self) -> bytes:
        scalars = self.base_scalar.to_bytes(4, "big") + self.blob_scalar.to_bytes(4, "big")
        heights = b"".join(value.to_bytes(8, "big") for value in (self.sequence, self.timestamp, self.number))
        fees = self.base_fee.to_bytes(32, "big") + self.blob_fee.to_bytes(32, "big")
        return SELECTOR + scalars + heights + fees + self.block_hash + self.batcher + self.randomness


any_attributes = st.builds(Attributes, u32, u32, u64, u64, u64, u256, u256, b32, b32, b32)


def l1_block(l2: Machine) -> Contract:
    return Contract.at(l2, L1_BLOCK, ARTIFACTS, "L1Block")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_attributes)
def test_l1_block_layout(l2: Machine, values: Attributes) -> None:
    with l2.rolled_back():
        assert l2.transact(L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, values.encode(), gas=1_000_000).ok
        slots = [l2.storage_at(L1_BLOCK, slot) for slot in range(9)]
        assert slots == [
            values.number | values.timestamp << 64,
            values.base_fee,
            int.from_bytes(values.block_hash, "big"),
            values.sequence | values.blob_scalar << 64 | values.base_scalar << 96,
            int.from_bytes(values.batcher, "big"),
            0,
            0,
            values.blob_fee,
            int.from_bytes(values.randomness, "big"),
        ]
        ring = l2.storage_at(L1_BLOCK, RING_SLOT + values.number % RING_LENGTH)
        assert ring == int.from_bytes(values.randomness, "big")


def test_l1_block_getters(l2: Machine) -> None:
    contract = l1_block(l2)
    l2.transact(L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, Attributes().encode())
    expected = {
        "baseFeeScalar": 1,
        "blobBaseFeeScalar": 2,
        "sequenceNumber": 3,
        "timestamp": 4,
        "number": 5,
        "basefee": 6,
        "blobBaseFee": 7,
        "hash": b"\x08" * 32,
        "batcherHash": b"\x09" * 32,
        "prevRandao": b"\x0a" * 32,
        "l1FeeOverhead": 0,
        "l1FeeScalar": 0,
    }
    assert {name: contract.read(name) for name in expected} == expected


def test_only_the_depositor_sets_l1_block_with_whole_values(l2: Machine) -> None:
    contract = l1_block(l2)
    refused = l2.transact(ALICE, L1_BLOCK, Attributes().encode())
    assert contract.abi.decode_error(refused.output).name == "NotDepositor"
    for data in (Attributes().encode()[:-1], Attributes().encode() + b"\0", SELECTOR):
        refused = l2.transact(L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, data)
        assert contract.abi.decode_error(refused.output).name == "MalformedValues"
    assert contract.read("number") == 0


def test_randomness_is_kept_for_a_ring_of_origins(l2: Machine) -> None:
    contract = l1_block(l2)
    first, last = 100, 100 + RING_LENGTH

    def see(origin: int) -> bytes:
        randomness = keccak256(origin.to_bytes(8, "big"))
        l2.transact(
            L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, Attributes(number=origin, randomness=randomness).encode()
        )
        return randomness

    seen = {origin: see(origin) for origin in (first, first + 1)}
    assert {origin: contract.read("prevRandaoOf", origin) for origin in seen} == seen
    for unknown in (first - 1, first + 2):
        with pytest.raises(Reverted, match="OriginNotKept"):
            contract.read("prevRandaoOf", unknown)
    see(last)
    with pytest.raises(Reverted, match="OriginNotKept"):
        contract.read("prevRandaoOf", first)
    assert contract.read("prevRandaoOf", first + 1) == seen[first + 1]


def passer(l2: Machine) -> Contract:
    return Contract.at(l2, L2_TO_L1_MESSAGE_PASSER, ARTIFACTS, "L2ToL1MessagePasser")


def initiate(l2: Machine, value: int, target: Address, gas_limit: int, data: bytes) -> Withdrawal:
    """Start a withdrawal and read it back from its log."""
    outcome = passer(l2).send(ALICE, "initiateWithdrawal", target, gas_limit, data, value=value)
    [event] = passer(l2).events(outcome)
    fields = event.arguments
    started = Withdrawal(
        fields["nonce"],
        Address(address_of(fields["sender"])),
        Address(address_of(fields["target"])),
        fields["value"],
        fields["gasLimit"],
        fields["data"],
    )
    assert started.hash() == fields["withdrawalHash"]
    return started


def test_withdrawals_are_marked_in_ops_layout(own_l2: Machine) -> None:
    started = [initiate(own_l2, 3 + number, BOB, 4, b"five") for number in range(3)]
    assert [each.nonce for each in started] == [(1 << 240) | number for number in range(3)]
    expected = HexaryTrie({})
    expected[keccak256((1).to_bytes(32, "big"))] = rlp.encode(3)
    for each in started:
        assert passer(own_l2).read("sentMessages", each.hash())
        assert own_l2.storage_at(L2_TO_L1_MESSAGE_PASSER, int.from_bytes(each.slot(), "big")) == 1
        expected[keccak256(each.slot())] = rlp.encode(1)
    assert own_l2.storage_at(L2_TO_L1_MESSAGE_PASSER, 1) == 3
    assert own_l2.storage_root(L2_TO_L1_MESSAGE_PASSER) == expected.root_hash
    assert own_l2.balance(L2_TO_L1_MESSAGE_PASSER) == 3 + 4 + 5


def test_sending_open_is_withdrawing_it(l2: Machine) -> None:
    outcome = l2.transact(ALICE, L2_TO_L1_MESSAGE_PASSER, b"", OPEN_UNIT)
    [event] = passer(l2).events(outcome)
    assert (address_of(event.arguments["target"]), event.arguments["value"]) == (ALICE, OPEN_UNIT)
    assert (event.arguments["gasLimit"], event.arguments["data"]) == (100_000, b"")


def test_what_the_l2_marks_the_l1_pays(own_l2: Machine, rollup: Rollup) -> None:
    leaving = initiate(own_l2, 2 * OPEN_UNIT, BOB, 0, b"")
    output = output_with(leaving, others=0)
    assert output.proof[2] == own_l2.storage_root(L2_TO_L1_MESSAGE_PASSER)
    index = rollup.propose(output.root)
    rollup.portal.send(
        BOB, "proveWithdrawalTransaction", leaving.fields(), index, output.proof, output.nodes(leaving)
    )
    rollup.machine.advance(10**6)
    rollup.portal.send(BOB, "finalizeWithdrawalTransaction", leaving.fields())
    assert rollup.balance(BOB) == 2 * OPEN_UNIT


@pytest.mark.parametrize("vault", [SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT])
def test_fees_go_to_the_treasury(l2: Machine, vault: Address) -> None:
    contract = Contract.at(l2, vault, ARTIFACTS, "FeeVault")
    with pytest.raises(Reverted, match="BelowMinimum"):
        contract.send(BOB, "withdraw")
    l2.transact(ALICE, vault, b"", OPEN_UNIT)
    [event] = contract.events(contract.send(BOB, "withdraw"))
    assert event.arguments["value"] == OPEN_UNIT
    assert (l2.balance(vault), l2.balance(TREASURY)) == (0, OPEN_UNIT)
    assert contract.read("totalProcessed") == OPEN_UNIT


def test_the_treasury_obeys_the_timelock_only(l2: Machine) -> None:
    treasury = Contract.at(l2, TREASURY, ARTIFACTS, "Treasury")
    l2.transact(ALICE, TREASURY, b"", 10)
    with pytest.raises(Reverted, match="NotTimelock"):
        treasury.send(ALICE, "pay", ALICE, 1)
    before = l2.balance(BOB)
    treasury.send(GOVERNANCE_TIMELOCK, "pay", BOB, 7)
    assert l2.balance(BOB) == before + 7
    with pytest.raises(Reverted):
        treasury.send(GOVERNANCE_TIMELOCK, "pay", BOB, 4)


def test_wopen_wraps_and_unwraps(l2: Machine) -> None:
    wopen = Contract.at(l2, OP_WETH9, ARTIFACTS, "WOPEN")
    assert (wopen.read("name"), wopen.read("symbol"), wopen.read("decimals")) == ("Wrapped OPEN", "WOPEN", 18)
    wopen.send(ALICE, "deposit", value=5)
    l2.transact(ALICE, OP_WETH9, b"", 2)
    assert (wopen.read("balanceOf", ALICE), wopen.read("totalSupply")) == (7, 7)
    wopen.send(ALICE, "transfer", BOB, 3)
    before = l2.balance(BOB)
    wopen.send(BOB, "withdraw", 3)
    assert (l2.balance(BOB), l2.balance(OP_WETH9)) == (before + 3, 4)
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        wopen.send(BOB, "withdraw", 1)


def test_multicall_carries_results_failures_and_values(l2: Machine) -> None:
    multicall = Contract.at(l2, MULTICALL3, ARTIFACTS, "Multicall3")
    wopen = Contract.at(l2, OP_WETH9, ARTIFACTS, "WOPEN")
    good = wopen.abi.call_data("decimals")
    bad = wopen.abi.call_data("withdraw", 1)
    [(ok, output), (failed, _)] = multicall.read(
        "aggregate3", [(OP_WETH9, False, good), (OP_WETH9, True, bad)]
    )
    assert (ok, decode(["uint256"], output), failed) == (True, (18,), False)
    with pytest.raises(Reverted, match="Multicall3: call failed"):
        multicall.read("aggregate3", [(OP_WETH9, False, bad)])
    deposit = wopen.abi.call_data("deposit")
    multicall.send(ALICE, "aggregate3Value", [(OP_WETH9, False, 4, deposit)], value=4)
    assert wopen.read("balanceOf", MULTICALL3) == 4
    with pytest.raises(Reverted, match="value mismatch"):
        multicall.send(ALICE, "aggregate3Value", [(OP_WETH9, False, 4, deposit)], value=5)
    number, outputs = multicall.read("aggregate", [(OP_WETH9, good)])
    assert (number, outputs) == (l2.block_number, (encode(["uint256"], [18]),))
    assert multicall.read("tryAggregate", False, [(OP_WETH9, bad)])[0][0] is False
    assert multicall.read("getEthBalance", ALICE) == l2.balance(ALICE)
    assert multicall.read("getChainId") == 31337


def test_multicall_has_the_selectors_clients_know() -> None:
    known = {
        "aggregate((address,bytes)[])": "252dba42",
        "aggregate3((address,bool,bytes)[])": "82ad56cb",
        "aggregate3Value((address,bool,uint256,bytes)[])": "174dea71",
        "blockAndAggregate((address,bytes)[])": "c3077fa9",
        "tryAggregate(bool,(address,bytes)[])": "bce38bd7",
        "tryBlockAndAggregate(bool,(address,bytes)[])": "399542e9",
        "getEthBalance(address)": "4d2301cc",
        "getBasefee()": "3e64a696",
        "getChainId()": "3408e470",
        "getCurrentBlockTimestamp()": "0f28c97d",
    }
    code = read_artifact(ARTIFACTS, "Multicall3").deployed_bytecode
    for signature, selector in known.items():
        assert keccak256(signature.encode())[:4].hex() == selector
        assert bytes.fromhex(selector) in code, signature


def test_create2_factory_creates_where_it_says(l2: Machine) -> None:
    init_code = bytes.fromhex("6001600c60003960016000f3") + b"\xfe"
    salt = bytes(31) + b"\x07"
    outcome = l2.transact(ALICE, CREATE2_FACTORY, salt + init_code)
    expected = keccak256(b"\xff" + CREATE2_FACTORY + salt + keccak256(init_code))[12:]
    assert outcome.output == expected
    assert l2.state.get_code(expected) == b"\xfe"
