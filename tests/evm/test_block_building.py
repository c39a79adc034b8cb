"""Blocks build and re-execute alike, whatever is thrown at them, and no coin appears or disappears."""

from dataclasses import replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import BASE_FEE_VAULT, HISTORY_STORAGE, L1_FEE_VAULT, SEQUENCER_FEE_VAULT
from genesis.fees.l1_cost import L1FeeInputs, l1_data_fee
from genesis.spec import ChainSpec
from genesis.types import Address
from openledger_node.evm.block_building import BlockExecution
from openledger_node.evm.errors import InvalidBlockError, TransactionError
from openledger_node.evm.transactions import decode_transaction
from openledger_node.storage.keyvalue import MemoryKeyValue
from sequencer.ports import Included, Rejected
from tests.evm import world
from tests.evm.world import ALICE, BOB, CAROL, COINBASE, ETHEREUM, GWEI, ROLLUP

SPECS = pytest.mark.parametrize("spec", [ROLLUP, ETHEREUM], ids=["rollup", "ethereum"])


@SPECS
def test_transfer_pays_and_is_stored(spec: ChainSpec) -> None:
    chain = world.open_chain(spec)
    raw = ALICE.sign(spec, to=BOB.address, value=5)
    block = chain.import_block(world.inputs(chain, raw))
    assert block.receipts[0].succeeded
    assert block.receipts[0].gas_used == 21_000
    assert world.balance(chain, BOB.address) == world.FUNDS_WEI + 5
    assert chain.snapshot().account(ALICE.address).nonce == 1


def test_fees_of_a_rollup_all_go_to_vaults() -> None:
    chain = world.open_chain()
    before = world.balance(chain, ALICE.address)
    raw = ALICE.sign(ROLLUP)
    inputs = world.inputs(chain, raw, fee_recipient=SEQUENCER_FEE_VAULT)
    block = chain.import_block(inputs)
    receipt = block.receipts[0]
    assert receipt.l1_fee is not None
    prices = L1FeeInputs(30 * GWEI, GWEI, 5_000, 800_000)
    assert receipt.l1_fee.fee_wei == l1_data_fee(raw, prices) == chain.snapshot().l1_data_fee_wei(raw) > 0
    paid = before - 1 - world.balance(chain, ALICE.address)
    vaults = {
        vault: world.balance(chain, vault) for vault in (BASE_FEE_VAULT, L1_FEE_VAULT, SEQUENCER_FEE_VAULT)
    }
    assert sum(vaults.values()) == paid
    assert vaults[BASE_FEE_VAULT] == 21_000 * block.header.base_fee_wei
    assert vaults[L1_FEE_VAULT] == receipt.l1_fee.fee_wei
    assert vaults[SEQUENCER_FEE_VAULT] == 21_000 * GWEI
    assert block.supply_change.burned_wei == 0


def test_base_fee_of_ethereum_is_burned() -> None:
    chain = world.open_chain(ETHEREUM)
    block = chain.import_block(world.inputs(chain, ALICE.sign(ETHEREUM)))
    assert block.supply_change.burned_wei == 21_000 * block.header.base_fee_wei
    assert world.balance(chain, BASE_FEE_VAULT) == 0
    assert chain.supply(1).total_wei == 5 * world.FUNDS_WEI - block.supply_change.burned_wei


def test_system_contracts_hear_of_every_block_built_or_imported() -> None:
    chain = world.open_chain()
    opened = chain.open_block(world.inputs(chain))
    opened.seal()
    assert chain.snapshot().storage_at(HISTORY_STORAGE, 0) == int.from_bytes(chain.genesis.header.hash, "big")
    chain.import_block(world.inputs(chain))
    first = chain.block_by_number(1)
    assert first is not None
    assert chain.snapshot().storage_at(HISTORY_STORAGE, 1) == int.from_bytes(first.header.hash, "big")


def _initcode(size: int) -> bytes:
    return b"\0" * size


def _set_code_fields(spec: ChainSpec) -> dict[str, Any]:
    signed = BOB.account.sign_authorization(
        {"chainId": spec.chain_id, "address": "0x" + "11" * 20, "nonce": 0}
    )
    return {"type": 4, "authorizationList": [signed]}


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "nonce too low": ({"nonce": 0}, "nonce too low"),
    "nonce too high": ({"nonce": 7}, "nonce too high"),
    "funds for fee and value": ({"value": world.FUNDS_WEI - 100_000 * GWEI}, "insufficient funds for gas"),
    "tip above fee": ({"maxPriorityFeePerGas": 11 * GWEI}, "max priority fee per gas higher"),
    "fee below base fee": ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 0}, "less than block base fee"),
    "intrinsic gas": ({"gas": 20_999}, "intrinsic gas too low"),
    "calldata floor": ({"gas": 21_000 + 16 * 100, "data": b"\1" * 100}, "floor data gas"),
    "initcode size": ({"to": None, "data": _initcode(49_153), "gas": 5_000_000}, "max initcode size"),
    "block gas limit": ({"gas": 30_000_001}, "gas limit reached"),
}


@SPECS
@pytest.mark.parametrize(("fields", "reason"), REJECTED.values(), ids=REJECTED)
def test_rejected_transactions_leave_no_trace(spec: ChainSpec, fields: dict[str, Any], reason: str) -> None:
    chain = world.open_chain(spec)
    chain.import_block(world.inputs(chain, ALICE.sign(spec)))
    good = [BOB.sign(spec, to=world.STORE_ADDRESS, data=world.word(9)), ALICE.sign(spec, nonce=1)]
    opened = chain.open_block(world.inputs(chain))
    assert isinstance(opened.try_transaction(good[0]), Included)
    answer = opened.try_transaction(ALICE.sign(spec, **{"nonce": 1, **fields}))
    assert isinstance(answer, Rejected)
    assert reason in answer.reason
    assert isinstance(opened.try_transaction(good[1]), Included)
    sealed = opened.seal()
    clean = world.open_chain(spec)
    clean.import_block(world.inputs(clean, ALICE.sign(spec)))
    assert clean.import_block(world.inputs(clean, *good)).header.hash == sealed


@SPECS
def test_import_refuses_what_building_refuses(spec: ChainSpec) -> None:
    chain = world.open_chain(spec)
    for fields, reason in REJECTED.values():
        raw = ALICE.sign(spec, **{"nonce": 1, **fields})
        with pytest.raises(InvalidBlockError, match=reason):
            chain.import_block(world.inputs(chain, ALICE.sign(spec, maxFeePerGas=2 * GWEI), raw))
    assert chain.head.header.number == 0


def test_sender_with_code_is_refused_but_a_delegated_one_is_not() -> None:
    chain = world.open_chain()
    delegate = ALICE.sign(
        ROLLUP, gas=200_000, to=to_checksum_address(CAROL.address), **_set_code_fields(ROLLUP)
    )
    chain.import_block(world.inputs(chain, delegate))
    assert chain.snapshot().account(BOB.address).code == bytes.fromhex("ef0100" + "11" * 20)
    chain.import_block(world.inputs(chain, BOB.sign(ROLLUP, nonce=1)))
    alloc = world.allocation()
    alloc[ALICE.address] = replace(alloc[ALICE.address], code=b"\x60\x00")
    coded = type(chain).open(ROLLUP, MemoryKeyValue(), alloc, world.GENESIS_TIME_S)
    with pytest.raises(InvalidBlockError, match="sender not an eoa"):
        coded.import_block(world.inputs(coded, ALICE.sign(ROLLUP)))


def test_wrong_chain_and_wrong_types_are_refused() -> None:
    chain = world.open_chain()
    for raw, reason in (
        (ALICE.sign(ETHEREUM), "invalid chain id for signer: have 31337 want 31338"),
        (b"\x05\xc0", "transaction type not supported"),
        (b"", "typed transaction too short"),
        (b"\x02\xc1\x80", "expected 12 transaction fields"),
    ):
        answer = chain.open_block(world.inputs(chain)).try_transaction(raw)
        assert isinstance(answer, Rejected)
        assert reason in answer.reason
        assert answer.permanent
    plain = world.open_chain(ETHEREUM)
    answer = plain.open_block(world.inputs(plain)).try_transaction(world.deposit(ALICE.address, None))
    assert isinstance(answer, Rejected)
    assert answer.reason == "transaction type not supported"


def test_a_transaction_past_the_time_limit_leaves_no_trace() -> None:
    chain = world.open_chain()
    execution = chain.engine.begin_block(chain.head.header, world.inputs(chain))
    slow = ALICE.sign(ROLLUP, to=world.LOOP_ADDRESS, gas=29_000_000)
    with pytest.raises(TransactionError, match="longer than a block may"):
        execution.add(slow, time_limit_s=0.05)
    after = execution.add(ALICE.sign(ROLLUP))
    assert after.cumulative_gas_used == 21_000
    clean = chain.engine.execute_block(chain.head.header, world.inputs(chain, ALICE.sign(ROLLUP)))
    assert execution.seal().block.header.hash == clean.block.header.hash


_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from([ALICE, BOB, CAROL]),
        st.sampled_from(
            [
                "transfer",
                "store",
                "revert",
                "selfdestruct",
                "create",
                "loop",
                "skip nonce",
                "too poor",
                "junk",
            ]
        ),
        st.integers(0, 10**18),
    ),
    max_size=12,
)


def _signed(spec: ChainSpec, actor: world.Wallet, nonce: int, action: str, amount: int) -> bytes:
    targets: dict[str, dict[str, Any]] = {
        "store": {"to": world.STORE_ADDRESS, "data": world.word(amount)},
        "revert": {"to": world.REVERT_ADDRESS, "data": world.word(amount)},
        "selfdestruct": {"to": world.SELFDESTRUCT_ADDRESS},
        # Creates a contract that destroys itself in its own constructor, burning nothing or its value.
        "create": {"to": None, "data": bytes.fromhex("30ff")},
        "loop": {"to": world.LOOP_ADDRESS},
        "skip nonce": {"nonce": nonce + 1},
        "too poor": {"value": 10**30},
    }
    fields: dict[str, Any] = {"nonce": nonce, "value": amount, **targets.get(action, {})}
    raw = actor.sign(spec, **fields)
    return raw[:-1] if action == "junk" else raw


@SPECS
@settings(max_examples=25, deadline=None)
@given(blocks=st.lists(_ACTIONS, min_size=1, max_size=3))
def test_building_equals_importing_and_supply_holds(
    spec: ChainSpec, blocks: list[list[tuple[world.Wallet, str, int]]]
) -> None:
    """`seal` executes again and compares; a second chain imports; balances sum up to the supply."""
    chain, follower = world.open_chain(spec), world.open_chain(spec)
    nonces: dict[Address, int] = {}
    for actions in blocks:
        opened = chain.open_block(world.inputs(chain))
        included = []
        for actor, action, amount in actions:
            raw = _signed(spec, actor, nonces.get(actor.address, 0), action, amount)
            if isinstance(opened.try_transaction(raw), Included):
                included.append(raw)
                nonces[actor.address] = nonces.get(actor.address, 0) + 1
        inputs = world.inputs(follower, *included)
        assert opened.seal() == follower.import_block(inputs).header.hash
    _check_supply(chain, spec)


def _check_supply(chain: Any, spec: ChainSpec) -> None:
    head = chain.head.header.number
    known = {*world.allocation(), COINBASE, BASE_FEE_VAULT, L1_FEE_VAULT, Address(b"\xee" * 20)}
    for number in range(1, head + 1):
        for transaction, receipt in zip(
            chain.block_by_number(number).transactions, chain.block_by_number(number).receipts, strict=True
        ):
            known.update(filter(None, [transaction.to, receipt.contract_address]))
    assert sum(world.balance(chain, address) for address in known) == chain.supply(head).total_wei


@SPECS
def test_decoding_twice_gives_the_same_transaction(spec: ChainSpec) -> None:
    raw = ALICE.sign(spec)
    assert decode_transaction(raw, spec.chain_id) is decode_transaction(raw, spec.chain_id)


def test_inputs_that_can_make_no_block_are_refused() -> None:
    chain = world.open_chain()
    for changes in ({"timestamp_s": world.GENESIS_TIME_S}, {"extra_data": b"x" * 33}):
        with pytest.raises(InvalidBlockError):
            chain.import_block(world.inputs(chain, **changes))


def test_block_execution_is_what_the_engine_opens() -> None:
    chain = world.open_chain()
    assert isinstance(chain.engine.begin_block(chain.head.header, world.inputs(chain)), BlockExecution)
