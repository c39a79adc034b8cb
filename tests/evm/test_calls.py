"""Calls and estimates: geth's answers, and a state that stays as it was."""

from typing import Any

import pytest

from genesis.types import Address
from openledger_node.evm.errors import CallError, CallTimeoutError
from openledger_node.evm.records import AccountOverride, Authorization, BlockOverride, CallRequest
from tests.evm import world
from tests.evm.world import ALICE, BOB, GWEI, ROLLUP

# Returns [timestamp, number, base fee, coinbase, origin's balance].
ENVIRONMENT = bytes.fromhex("42600052436020524860405241606052323160805260a06000f3")
CONTRACT = Address(b"\x77" * 20)


def _with_code(code: bytes) -> dict[Address, AccountOverride]:
    return {CONTRACT: AccountOverride(code=code)}


def test_call_returns_output_and_leaves_no_trace() -> None:
    chain = world.open_chain()
    snapshot = chain.snapshot()
    result = snapshot.call(world.call(world.STORE_ADDRESS, world.word(5)))
    assert result.error is None
    assert len(result.logs) == 1
    assert snapshot.storage_at(world.STORE_ADDRESS, 0) == 0


def test_revert_carries_its_data() -> None:
    result = world.open_chain().snapshot().call(world.call(world.REVERT_ADDRESS, b"because"))
    assert result.error == "execution reverted"
    assert result.output == b"because"


def test_free_calls_see_no_base_fee_and_need_no_funds() -> None:
    chain = world.open_chain()
    poor = world.call(CONTRACT, sender=Address(b"\x01" * 20))
    output = chain.snapshot().call(poor, _with_code(ENVIRONMENT)).output
    words = [int.from_bytes(output[i : i + 32], "big") for i in range(0, 160, 32)]
    assert words[0] == world.GENESIS_TIME_S
    assert words[2] == 0


def test_block_and_state_overrides() -> None:
    snapshot = world.open_chain().snapshot()
    changes = {
        **_with_code(ENVIRONMENT),
        ALICE.address: AccountOverride(balance_wei=17),
    }
    block = BlockOverride(number=99, timestamp_s=5, fee_recipient=Address(b"\x0c" * 20))
    output = snapshot.call(world.call(CONTRACT), changes, block).output
    words = [int.from_bytes(output[i : i + 32], "big") for i in range(0, 160, 32)]
    assert words[:2] == [5, 99]
    assert words[3] == int.from_bytes(b"\x0c" * 20, "big")
    assert words[4] == 17
    # sload(0), mstore, return
    load = bytes.fromhex("60005460005260206000f3")
    for override in (
        AccountOverride(code=load, storage={0: 3}),
        AccountOverride(code=load, storage_changes={0: 3}),
    ):
        assert snapshot.call(world.call(CONTRACT), {CONTRACT: override}).output == world.word(3)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"gas": 20_000}, "intrinsic gas too low"),
        ({"value_wei": 10**30}, "insufficient funds for gas"),
        ({"gas_price_wei": 1}, "less than block base fee"),
        ({"gas_price_wei": 10**30}, "insufficient funds for gas"),
    ],
)
def test_calls_that_cannot_start(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(CallError, match=reason):
        world.open_chain().snapshot().call(world.call(BOB.address, **fields))


def test_a_call_past_its_time_limit_is_aborted() -> None:
    request = world.call(world.LOOP_ADDRESS, gas=10**9)
    with pytest.raises(CallTimeoutError):
        world.open_chain().snapshot().call(request, time_limit_s=0.05)
    with pytest.raises(CallTimeoutError):
        world.open_chain().snapshot().estimate_gas(request, time_limit_s=0.05)


@pytest.mark.parametrize(
    "request_",
    [
        world.call(BOB.address),
        world.call(world.STORE_ADDRESS, world.word(7)),
        world.call(None, bytes.fromhex("60006000536001 6000f3")),
        world.call(BOB.address, b"\1" * 500),
    ],
    ids=["transfer", "store", "create", "calldata floor"],
)
def test_estimate_is_the_least_gas_that_works(request_: CallRequest) -> None:
    chain = world.open_chain()
    estimate = chain.snapshot().estimate_gas(request_)
    to = request_.to
    enough = ALICE.sign(ROLLUP, to=to, data=request_.data, gas=estimate, value=0)
    block = chain.import_block(world.inputs(chain, enough))
    assert block.receipts[0].succeeded
    assert block.receipts[0].gas_used == estimate
    short = world.open_chain().open_block(world.inputs(world.open_chain()))
    answer = short.try_transaction(ALICE.sign(ROLLUP, to=to, data=request_.data, gas=estimate - 1, value=0))
    assert not hasattr(answer, "gas_used") or answer.gas_used == estimate - 1


def test_estimate_counts_and_applies_authorizations() -> None:
    chain = world.open_chain()
    signed = BOB.account.sign_authorization(
        {"chainId": ROLLUP.chain_id, "address": "0x" + world.STORE_ADDRESS.hex(), "nonce": 0}
    )
    authorization = Authorization(
        ROLLUP.chain_id, world.STORE_ADDRESS, 0, signed.y_parity, signed.r, signed.s
    )
    request = world.call(BOB.address, world.word(5), authorizations=(authorization,))
    estimate = chain.snapshot().estimate_gas(request)
    fields: dict[str, Any] = {"type": 4, "to": BOB.address, "data": request.data, "value": 0}
    raw = ALICE.sign(ROLLUP, gas=estimate, authorizationList=[signed], **fields)
    block = chain.import_block(world.inputs(chain, raw))
    assert block.receipts[0].succeeded
    assert len(block.receipts[0].logs) == 1
    assert block.receipts[0].gas_used <= estimate


def test_estimate_allows_for_the_64th_that_a_call_keeps_back() -> None:
    snapshot = world.open_chain().snapshot()
    # Calls STORE with a fresh word and at most 60,000 gas, and reverts if that fails.
    code = bytes.fromhex("60016000526000600060206000600073") + world.STORE_ADDRESS
    code += bytes.fromhex("61ea60f1603057600060 00fd5b00")
    estimate = snapshot.estimate_gas(world.call(CONTRACT), _with_code(code))
    assert snapshot.call(world.call(CONTRACT, gas=estimate), _with_code(code)).error is None
    assert snapshot.call(world.call(CONTRACT, gas=estimate - 1), _with_code(code)).error is not None
    assert snapshot.call(world.call(CONTRACT), _with_code(code)).gas_used < estimate


def test_estimate_of_what_always_fails() -> None:
    snapshot = world.open_chain().snapshot()
    with pytest.raises(CallError, match="execution reverted") as caught:
        snapshot.estimate_gas(world.call(world.REVERT_ADDRESS, b"no"))
    assert caught.value.output == b"no"
    with pytest.raises(CallError, match="gas required exceeds allowance"):
        snapshot.estimate_gas(world.call(world.LOOP_ADDRESS))


def test_estimate_is_bounded_by_what_the_sender_can_pay() -> None:
    snapshot = world.open_chain().snapshot()
    poor = {ALICE.address: AccountOverride(balance_wei=21_000 * 2 * GWEI)}
    request = world.call(BOB.address, gas_price_wei=2 * GWEI)
    assert snapshot.estimate_gas(request, poor) == 21_000
    with pytest.raises(CallError):
        snapshot.estimate_gas(world.call(BOB.address, gas_price_wei=3 * GWEI), poor)
