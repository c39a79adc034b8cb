"""Native precompiles inside the machine: who reaches them, what a revert takes back, what stays warm."""

from collections.abc import Callable

import pytest
from eth_utils.address import to_checksum_address

from genesis.account import GenesisAccount
from genesis.addresses import POLICY, PRECOMPILE_STUB_CODE, STAKING
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.chain import Chain
from openledger_node.chain.genesis import genesis_block
from openledger_node.evm.engine import Engine
from openledger_node.evm.records import AccountOverride, CallResult
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.contract import PrecompileRevertError
from precompiles.host import Host
from tests.evm import world
from tests.evm.world import ALICE, BOB, ROLLUP

NOT_ALLOWED = keccak256(b"DelegateCallNotAllowed()")[:4]
CALLER = Address(b"\x61" * 20)
_TOPIC = Hash32(b"\x0d" * 32)


def _probe(host: Host, calldata: bytes) -> bytes:
    """First byte chooses what to do; state changes come before the failure they must not survive."""
    host.charge_gas(1_000, "probe")
    action = calldata[:1]
    if action == b"r":
        return b"".join(
            word.to_bytes(32, "big")
            for word in (
                host.chain_id,
                host.block_number,
                host.timestamp_s,
                int.from_bytes(host.caller, "big"),
                host.value_wei,
                int(host.is_static),
                host.load(STAKING, 1),
                host.balance(STAKING),
            )
        )
    host.store(1, host.load(STAKING, 1) + 1)
    host.log((_TOPIC,), b"seen")
    if action == b"p":
        host.transfer(BOB.address, host.value_wei)
    if action == b"x":
        raise PrecompileRevertError(b"refused")
    if action == b"g":
        host.charge_gas(10**12, "too much")
    return b"done"


NATIVES: dict[Address, Callable[[Host, bytes], bytes]] = {STAKING: _probe}


def _chain() -> Chain:
    store = MemoryKeyValue()
    allocation = {
        **world.allocation(),
        STAKING: GenesisAccount(code=PRECOMPILE_STUB_CODE),
        POLICY: GenesisAccount(code=PRECOMPILE_STUB_CODE),
    }
    blocks = BlockStore(store, ROLLUP.chain_id)
    Chain.open(ROLLUP, store, allocation, world.GENESIS_TIME_S)
    engine = Engine(ROLLUP, store, blocks, NATIVES)
    genesis = genesis_block(ROLLUP, allocation, world.GENESIS_TIME_S).block
    return Chain(engine, store, blocks, genesis, 0)


def _relay(opcode: int, data: bytes, value: int = 0) -> AccountOverride:
    """A contract that calls STAKING with `data` by `opcode` and returns status ‖ return data."""
    has_value = opcode in (0xF1, 0xF2)
    code = bytes((0x60 + len(data) - 1,)) + data + bytes.fromhex("600052")
    code += bytes.fromhex("60006000") + bytes((0x60, len(data), 0x60, 32 - len(data)))
    if has_value:
        code += bytes((0x60, value))
    code += b"\x73" + STAKING + bytes.fromhex("620f4240") + bytes((opcode,))
    code += bytes.fromhex("6000523d6000602 03e3d602001 6000f3".replace(" ", ""))
    return AccountOverride(code=code, balance_wei=100)


def _through(opcode: int, data: bytes, value: int = 0) -> tuple[int, bytes, CallResult]:
    request = world.call(CALLER, gas=3_000_000)
    result = _chain().snapshot().call(request, {CALLER: _relay(opcode, data, value)})
    assert result.error is None
    return int.from_bytes(result.output[:32], "big"), result.output[32:], result


CALL, CALLCODE, DELEGATECALL, STATICCALL = 0xF1, 0xF2, 0xF4, 0xFA


def test_what_the_host_tells() -> None:
    status, output, _ = _through(CALL, b"r", value=7)
    words = [int.from_bytes(output[i : i + 32], "big") for i in range(0, 256, 32)]
    assert status == 1
    assert words[:3] == [31338, 0, world.GENESIS_TIME_S]
    assert words[3:] == [int.from_bytes(CALLER, "big"), 7, 0, 0, 7]
    assert _through(STATICCALL, b"r")[1][160:192] == world.word(1)


@pytest.mark.parametrize("opcode", [CALLCODE, DELEGATECALL])
def test_foreign_storage_contexts_are_refused(opcode: int) -> None:
    status, output, _ = _through(opcode, b"r")
    assert (status, output) == (0, NOT_ALLOWED)


def test_effects_of_a_call() -> None:
    chain = _chain()
    raw = ALICE.sign(ROLLUP, to=STAKING, data=b"p", value=9, gas=200_000)
    block = chain.import_block(world.inputs(chain, raw))
    assert block.receipts[0].succeeded
    assert block.receipts[0].logs[0].address == STAKING
    assert block.receipts[0].logs[0].topics == (_TOPIC,)
    assert chain.snapshot().storage_at(STAKING, 1) == 1
    assert world.balance(chain, BOB.address) == world.FUNDS_WEI + 9
    assert block.supply_change.burned_wei == 0


@pytest.mark.parametrize(("action", "error"), [(b"x", "execution reverted"), (b"g", "out of gas")])
def test_a_failure_leaves_no_trace(action: bytes, error: str) -> None:
    chain = _chain()
    raw = ALICE.sign(ROLLUP, to=STAKING, data=action, value=9, gas=200_000)
    block = chain.import_block(world.inputs(chain, raw))
    receipt = block.receipts[0]
    assert not receipt.succeeded
    assert receipt.logs == ()
    assert chain.snapshot().storage_at(STAKING, 1) == 0
    assert world.balance(chain, STAKING) == 0
    result = chain.snapshot().call(world.call(STAKING, action))
    assert result.error == error
    assert result.output == (b"refused" if action == b"x" else b"")
    # A revert returns the gas that is left, running out takes it all.
    assert (receipt.gas_used < 30_000) == (action == b"x")


def test_state_changes_inside_a_static_call_are_refused() -> None:
    assert _through(STATICCALL, b"s")[0] == 0


def test_a_delegation_to_a_precompile_is_refused() -> None:
    chain = _chain()
    signed = BOB.account.sign_authorization(
        {"chainId": ROLLUP.chain_id, "address": to_checksum_address(STAKING), "nonce": 0}
    )
    delegate = ALICE.sign(ROLLUP, type=4, gas=200_000, authorizationList=[signed])
    chain.import_block(world.inputs(chain, delegate))
    result = chain.snapshot().call(world.call(BOB.address, b"p"))
    assert (result.error, result.output) == ("execution reverted", NOT_ALLOWED)


def test_slots_of_precompiles_are_not_warmed_and_give_no_refund() -> None:
    chain = _chain()
    first = ALICE.sign(ROLLUP, to=STAKING, data=b"p", gas=200_000, value=0)
    second = ALICE.sign(ROLLUP, to=STAKING, data=b"p", gas=200_000, value=0, nonce=1)
    used = [receipt.gas_used for receipt in chain.import_block(world.inputs(chain, first, second)).receipts]
    # The floor of one calldata byte is lower than 21,000 + 16 + the probe's own price.
    assert used == [21_000 + 16 + 1_000] * 2


def test_precompile_without_entry_runs_its_stub() -> None:
    result = _chain().snapshot().call(world.call(POLICY, b"abcd"))
    assert (result.error, result.output) == ("execution reverted", b"")


def test_recover_answers_only_to_valid_signatures() -> None:
    answers: list[Address | None] = []
    digest = Hash32(keccak256(b"message"))
    signed = ALICE.account.unsafe_sign_hash(digest)
    good = signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big") + bytes((signed.v,))

    def probe(host: Host, calldata: bytes) -> bytes:
        answers.extend(host.recover(digest, signature) for signature in (good, good[:64], good[:64] + b"\0"))
        return b""

    chain = _chain()
    Engine(ROLLUP, MemoryKeyValue(), BlockStore(MemoryKeyValue(), 1), {})
    natives = {STAKING: probe}
    store = chain._store
    engine = Engine(ROLLUP, store, BlockStore(store, ROLLUP.chain_id), natives)
    engine.snapshot(chain.head.header).call(world.call(STAKING))
    assert answers == [ALICE.address, None, None]
