"""Deposits: what they mint stays, whatever their message does."""

import pytest

from genesis.spec import ChainSpec
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.receipts import encode_receipt
from openledger_node.evm.records import Receipt
from openledger_node.evm.rlp_codec import decode_list
from openledger_node.evm.transactions import decode_transaction
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP

NEWCOMER = Address(b"\xaa" * 20)


def _apply(raw: bytes, spec: ChainSpec = ROLLUP) -> tuple[Chain, Receipt]:
    chain = world.open_chain(spec)
    block = chain.import_block(world.inputs(chain, raw))
    return chain, block.receipts[0]


def test_mint_and_value_move() -> None:
    chain, receipt = _apply(world.deposit(NEWCOMER, ALICE.address, mint_wei=100, value_wei=60))
    assert receipt.succeeded
    assert receipt.deposit_nonce == 0
    assert receipt.effective_gas_price_wei == 0
    assert receipt.gas_used == 21_000
    assert world.balance(chain, NEWCOMER) == 40
    assert world.balance(chain, ALICE.address) == world.FUNDS_WEI + 60
    assert chain.snapshot().account(NEWCOMER).nonce == 1
    assert chain.head.supply_change.minted_wei == 100
    assert chain.head.supply_change.burned_wei == 0


@pytest.mark.parametrize(
    ("to", "fields", "gas_used"),
    [
        (world.REVERT_ADDRESS, {"data": b"why"}, None),
        (world.LOOP_ADDRESS, {}, 100_000),
        (ALICE.address, {"value_wei": 1_000}, 100_000),
        (ALICE.address, {"gas": 20_999}, 20_999),
        (ALICE.address, {"is_system": True}, 100_000),
        (None, {"data": b"\0" * 49_153, "gas": 5_000_000}, 5_000_000),
    ],
    ids=["revert", "out of gas", "value above balance", "intrinsic gas", "system", "initcode size"],
)
def test_mint_and_nonce_survive_failure(
    to: Address | None, fields: dict[str, int], gas_used: int | None
) -> None:
    chain, receipt = _apply(world.deposit(NEWCOMER, to, mint_wei=100, **fields))  # type: ignore[arg-type]  # one dict for several parameters
    assert not receipt.succeeded
    assert receipt.logs == ()
    assert gas_used is None or receipt.gas_used == gas_used
    assert world.balance(chain, NEWCOMER) == 100
    assert chain.snapshot().account(NEWCOMER).nonce == 1
    assert chain.supply(1).minted_wei == 100
    assert chain.supply(1).burned_wei == 0


def test_contract_is_created_at_the_nonce_before() -> None:
    # Returns one byte of code: mstore8(0, 0), return(0, 1).
    chain, receipt = _apply(world.deposit(NEWCOMER, None, data=bytes.fromhex("60006000536001 6000f3")))
    assert receipt.succeeded
    assert receipt.contract_address is not None
    assert chain.snapshot().account(receipt.contract_address).code == b"\0"


def test_receipt_carries_nonce_and_version() -> None:
    chain = world.open_chain()
    first = world.deposit(NEWCOMER, ALICE.address)
    second = world.deposit(NEWCOMER, ALICE.address, source=1)
    block = chain.import_block(world.inputs(chain, first, second))
    encoded = encode_receipt(0x7E, block.receipts[1])
    assert encoded[0] == 0x7E
    assert decode_list(encoded[1:])[4:] == [b"\x01", b"\x01"]


def test_equal_deposits_differ_by_source() -> None:
    first, second = (world.deposit(NEWCOMER, ALICE.address, source=source) for source in (1, 2))
    assert decode_transaction(first, 31338).hash != decode_transaction(second, 31338).hash


def test_deposits_beyond_the_block_gas_limit_make_the_block_invalid() -> None:
    chain = world.open_chain()
    with pytest.raises(InvalidBlockError, match="gas limit reached"):
        chain.import_block(world.inputs(chain, world.deposit(NEWCOMER, ALICE.address, gas=30_000_001)))


def test_no_deposit_on_plain_ethereum() -> None:
    with pytest.raises(InvalidBlockError, match="not supported"):
        _apply(world.deposit(NEWCOMER, ALICE.address), world.ETHEREUM)
