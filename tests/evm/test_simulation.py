"""Series of simulated blocks: what lasts, what is refused, what is shown."""

from dataclasses import replace
from typing import Any

import pytest

from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.errors import CallError, CallTimeoutError, Refusal, SimulationError
from openledger_node.evm.records import AccountOverride, BlockOverride, Withdrawal
from openledger_node.evm.simulation import Simulated
from openledger_node.evm.simulation_plan import Plan, SimulatedBlock, SimulatedCall
from openledger_node.evm.tracers.transfers import ETHER, TRANSFER_TOPIC
from tests.evm.world import (
    ALICE,
    BOB,
    COINBASE,
    ETHEREUM,
    FUNDS_WEI,
    LOOP_ADDRESS,
    REVERT_ADDRESS,
    SELFDESTRUCT,
    STORE_ADDRESS,
    inputs,
    open_chain,
    word,
)

POOR = Address(b"\x99" * 20)
CODE = Address(b"\xcd" * 20)
IDENTITY = Address((4).to_bytes(20, "big"))
RETURN_BASE_FEE = bytes.fromhex("4860005260206000f3")
RETURN_PARENT_HASH = bytes.fromhex("600143034060005260206000f3")
PASS_VALUE_ON = bytes.fromhex("6000600060006000347399999999999999999999999999999999999999995af100")
"""call(gas, 0x9999…, callvalue, 0, 0, 0, 0)"""


@pytest.fixture(scope="module")
def chain() -> Chain:
    made = open_chain(ETHEREUM)
    made.import_block(inputs(made))
    return made


def simulate(chain: Chain, *blocks: SimulatedBlock, **options: Any) -> list[Simulated]:
    plan = Plan(blocks, **options)
    return chain.engine.simulate(chain.head.header, plan, time_limit_s=5.0)


def block(*calls: SimulatedCall, **fields: Any) -> SimulatedBlock:
    return SimulatedBlock(calls=calls, **fields)


def call(sender: Address = ALICE.address, to: Address | None = BOB.address, **fields: Any) -> SimulatedCall:
    return SimulatedCall(sender, to, **fields)


def refused(chain: Chain, *blocks: SimulatedBlock, **options: Any) -> Refusal:
    with pytest.raises(SimulationError) as caught:
        simulate(chain, *blocks, **options)
    return caught.value.refusal


def test_state_lasts_from_call_to_call_and_block_to_block_but_not_longer(chain: Chain) -> None:
    store = call(to=STORE_ADDRESS, data=word(7))
    first, second = simulate(chain, block(store, call(value_wei=5)), block(call(value_wei=6)))
    assert [result.error for result in (*first.results, *second.results)] == [None] * 3
    assert second.block.header.parent_hash == first.block.header.hash
    assert first.block.header.state_root != second.block.header.state_root
    assert [item.nonce for item in (*first.block.transactions, *second.block.transactions)] == [0, 1, 2]
    assert chain.snapshot().storage_at(STORE_ADDRESS, 0) == 0
    assert chain.snapshot().account(BOB.address).balance_wei == FUNDS_WEI


def test_an_empty_simulated_block_is_the_real_one(chain: Chain) -> None:
    """Same header as the engine builds, given the same inputs and the fees of validation."""
    head = chain.head.header
    (simulated,) = simulate(chain, block(), validate=True)
    built = chain.engine.execute_block(
        head,
        inputs(
            chain,
            timestamp_s=head.timestamp_s + 12,
            prev_randao=Hash32(bytes(32)),
            parent_beacon_block_root=Hash32(bytes(32)),
        ),
    )
    assert simulated.block.header == built.block.header


def test_numbers_and_times_are_filled_in(chain: Chain) -> None:
    head = chain.head.header
    jump = block(block=BlockOverride(number=head.number + 3, timestamp_s=head.timestamp_s + 1_000))
    made = [item.block.header for item in simulate(chain, jump, block())]
    assert [header.number - head.number for header in made] == [1, 2, 3, 4]
    assert [header.timestamp_s - head.timestamp_s for header in made] == [12, 24, 1_000, 1_012]
    later = simulate(chain, block(), interval_s=2)[0].block.header
    assert later.timestamp_s == head.timestamp_s + 2


def test_what_is_out_of_order_or_too_much_is_refused(chain: Chain) -> None:
    head = chain.head.header
    same = block(block=BlockOverride(number=head.number))
    assert refused(chain, same) is Refusal.BLOCK_NUMBER
    assert refused(chain, block(block=BlockOverride(timestamp_s=head.timestamp_s))) is Refusal.BLOCK_TIME
    assert refused(chain, block(block=BlockOverride(number=head.number + 257))) is Refusal.LIMIT
    assert refused(chain, *[block()] * 257) is Refusal.LIMIT
    assert refused(chain, block(*[call()] * 5_001)) is Refusal.LIMIT
    assert refused(chain, *[block(*[call()] * 4_000)] * 3) is Refusal.LIMIT


def test_overrides_of_one_block_reach_the_next_where_headers_pass_them_on(chain: Chain) -> None:
    randao = Hash32(b"\x01" * 32)
    first = block(block=BlockOverride(fee_recipient=POOR, gas_limit=1_000_000, prev_randao=randao))
    made = [item.block.header for item in simulate(chain, first, block())]
    assert [header.coinbase for header in made] == [POOR, POOR]
    assert [header.gas_limit for header in made] == [1_000_000, 1_000_000]
    assert [header.prev_randao for header in made] == [randao, bytes(32)]


def test_without_validation_gas_is_free_and_nonces_do_not_count(chain: Chain) -> None:
    (made,) = simulate(chain, block(call(POOR), call(POOR, nonce=77), call(POOR, nonce=0)))
    assert made.block.header.base_fee_wei == 0
    assert [item.nonce for item in made.block.transactions] == [0, 77, 0]
    overridden = BlockOverride(base_fee_wei=10)
    accounts = {CODE: AccountOverride(code=RETURN_BASE_FEE)}
    (made,) = simulate(chain, block(call(POOR, CODE), block=overridden, accounts=accounts))
    assert made.results[0].output == word(10), "the base fee is there, if nobody pays it"
    assert refused(chain, block(call(POOR, max_fee_wei=5), block=overridden)) is Refusal.FEE_TOO_LOW


def test_the_highest_nonce_wraps_without_validation(chain: Chain) -> None:
    highest = {POOR: AccountOverride(nonce=2**64 - 1)}
    (made,) = simulate(chain, block(call(POOR), call(POOR), accounts=highest))
    assert [item.nonce for item in made.block.transactions] == [2**64 - 1, 0]
    assert refused(chain, block(call(POOR), accounts=highest), validate=True) is Refusal.OTHER


def test_validation_refuses_what_a_block_would(chain: Chain) -> None:
    fee: dict[str, Any] = {"max_fee_wei": 10**10}
    assert refused(chain, block(call()), validate=True) is Refusal.FEE_TOO_LOW
    assert refused(chain, block(call(nonce=1, **fee)), validate=True) is Refusal.NONCE_TOO_HIGH
    used = block(call(**fee), call(nonce=0, **fee))
    assert refused(chain, used, validate=True) is Refusal.NONCE_TOO_LOW
    tip = call(max_fee_wei=10**10, max_priority_fee_wei=10**11)
    assert refused(chain, block(tip), validate=True) is Refusal.FEES_INVALID
    assert refused(chain, block(call(POOR, **fee)), validate=True) is Refusal.FUNDS
    assert refused(chain, block(call(gas=20_000))) is Refusal.INTRINSIC_GAS
    assert refused(chain, block(call(gas=21_500, data=b"\1" * 100))) is Refusal.INTRINSIC_GAS
    assert refused(chain, block(call(to=None, data=bytes(49_153)))) is Refusal.INITCODE_SIZE
    assert refused(chain, block(call(gas=30_000_001))) is Refusal.BLOCK_GAS
    assert refused(chain, block(call(POOR, value_wei=1))) is Refusal.FUNDS


def test_gas_is_capped_over_all_calls(chain: Chain) -> None:
    first, second = simulate(chain, block(call()), block(call(gas=1_000_000)), gas_cap=50_000)
    assert first.block.transactions[0].gas == 50_000
    assert second.block.transactions[0].gas == 29_000
    assert refused(chain, block(call(), call(), call()), gas_cap=50_000) is Refusal.INTRINSIC_GAS


def test_types_follow_from_the_fields(chain: Chain) -> None:
    blob = call(blob_hashes=(Hash32(b"\1" + bytes(31)),))
    (made,) = simulate(chain, block(call(), call(gas_price_wei=0), blob))
    assert [item.type for item in made.block.transactions] == [2, 0, 3]
    assert made.block.header.blob_gas_used == 131_072
    for transaction in made.block.transactions:
        assert (transaction.r, transaction.s, transaction.v) == (0, 0, 0)
    wrong = call(blob_hashes=(Hash32(bytes(32)),))
    for bad in (wrong, call(blob_hashes=()), replace(blob, to=None), call(authorizations=())):
        assert refused(chain, block(bad)) is Refusal.OTHER
    seven = call(blob_hashes=(Hash32(b"\1" + bytes(31)),) * 10)
    assert refused(chain, block(seven)) is Refusal.OTHER, "more than a block holds"


def test_blob_fees_may_be_overridden(chain: Chain) -> None:
    blob = call(blob_hashes=(Hash32(b"\1" + bytes(31)),), max_blob_fee_wei=5, max_fee_wei=10**10)
    dear = BlockOverride(blob_base_fee_wei=6)
    assert refused(chain, block(blob, block=dear), validate=True) is Refusal.OTHER
    simulate(chain, block(blob, block=BlockOverride(blob_base_fee_wei=5)), validate=True)


def test_blocks_know_their_simulated_ancestors(chain: Chain) -> None:
    accounts = {CODE: AccountOverride(code=RETURN_PARENT_HASH)}
    first, second = simulate(chain, block(call(to=CODE), accounts=accounts), block(call(to=CODE)))
    assert first.results[0].output == chain.head.header.hash
    assert second.results[0].output == first.block.header.hash


def test_reverts_and_halts_are_results(chain: Chain) -> None:
    revert = call(to=REVERT_ADDRESS, data=b"no")
    endless = call(to=LOOP_ADDRESS, gas=30_000)
    (made,) = simulate(chain, block(revert, endless))
    assert [result.error for result in made.results] == ["execution reverted", "out of gas"]
    assert made.results[0].output == b"no"
    assert [receipt.succeeded for receipt in made.block.receipts] == [False, False]


def test_time_is_limited(chain: Chain) -> None:
    plan = Plan((block(call(to=LOOP_ADDRESS)),))
    with pytest.raises(CallTimeoutError):
        chain.engine.simulate(chain.head.header, plan, time_limit_s=0.05)
    many = Plan((block(*[call()] * 2_000),))
    with pytest.raises(CallTimeoutError):
        chain.engine.simulate(chain.head.header, many, time_limit_s=0.01)


def test_peak_gas_is_before_refunds(chain: Chain) -> None:
    fill, clear = call(to=STORE_ADDRESS, data=word(1)), call(to=STORE_ADDRESS, data=word(0))
    (made,) = simulate(chain, block(fill, clear))
    assert made.results[0].gas_used == made.results[0].peak_gas
    assert made.results[1].gas_used + 4_800 == made.results[1].peak_gas


def test_precompiles_move_and_give_way_for_one_block(chain: Chain) -> None:
    ask = call(to=IDENTITY, data=b"x")
    moved = {IDENTITY: AccountOverride(code=RETURN_BASE_FEE, move_precompile_to=CODE)}
    with_move = block(ask, replace(ask, to=CODE), accounts=moved)
    first, second = simulate(chain, with_move, block(ask))
    assert [result.output for result in first.results] == [word(0), b"x"]
    assert second.results[0].output == b"x", "the next block has its precompiles back"


@pytest.mark.parametrize(
    "accounts",
    [
        {POOR: AccountOverride(move_precompile_to=CODE)},
        {IDENTITY: AccountOverride(move_precompile_to=CODE), CODE: AccountOverride()},
        {IDENTITY: AccountOverride(move_precompile_to=IDENTITY)},
    ],
)
def test_moves_that_make_no_sense_are_refused(chain: Chain, accounts: dict[Address, AccountOverride]) -> None:
    with pytest.raises(CallError):
        simulate(chain, block(accounts=accounts))


def test_transfers_are_logs_that_receipts_do_not_have(chain: Chain) -> None:
    accounts = {
        CODE: AccountOverride(code=PASS_VALUE_ON),
        COINBASE: AccountOverride(code=SELFDESTRUCT, balance_wei=9),
    }
    through = call(to=CODE, value_wei=3)
    gone = call(to=COINBASE)
    failing = call(to=REVERT_ADDRESS, value_wei=4)
    plain = call(value_wei=1)
    calls = block(failing, through, gone, plain, accounts=accounts)
    (made,) = simulate(chain, calls, trace_transfers=True)
    shown = [
        [(log.topics[1][12:], log.topics[2][12:], int.from_bytes(log.data), log.index) for log in result.logs]
        for result in made.results
    ]
    alice = ALICE.address
    assert shown == [
        [],
        [(alice, CODE, 3, 1), (CODE, POOR, 3, 2)],
        [(COINBASE, alice, 9, 3)],
        [(alice, BOB.address, 1, 4)],
    ], "a log that was taken back still has its number"
    assert all(log.address == ETHER and log.topics[0] == TRANSFER_TOPIC for log in made.results[1].logs)
    assert [receipt.logs for receipt in made.block.receipts] == [()] * 4
    (quiet,) = simulate(chain, calls)
    assert quiet.block.header.hash == made.block.header.hash
    assert [result.logs for result in quiet.results] == [()] * 4


def test_withdrawals_and_beacon_root_are_taken(chain: Chain) -> None:
    withdrawal = Withdrawal(1, 2, POOR, 3)
    (made,) = simulate(chain, block(withdrawals=(withdrawal,), beacon_root=Hash32(b"\2" * 32)))
    assert made.block.withdrawals == (withdrawal,)
    assert made.block.header.parent_beacon_block_root == b"\2" * 32


def test_overridden_accounts_stay_though_empty(chain: Chain) -> None:
    """geth does not clear what an override made, only what a transaction touched."""
    (plain,) = simulate(chain, block())
    (pretended,) = simulate(chain, block(accounts={POOR: AccountOverride(balance_wei=0)}))
    (touched,) = simulate(chain, block(call(POOR), accounts={POOR: AccountOverride(balance_wei=0)}))
    assert plain.block.header.state_root != pretended.block.header.state_root
    assert touched.results[0].error is None


def test_a_rollup_simulates_too() -> None:
    rollup = open_chain()
    (made,) = simulate(rollup, block(call(value_wei=5), call(ZERO_ADDRESS)))
    assert [result.error for result in made.results] == [None, None]
    assert made.block.receipts[0].l1_fee is None, "calls pay no L1 fee"
