"""Osaka through the engine: the fork's first block, instructions, precompiles, transactions and sizes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.account import GenesisAccount
from genesis.forks import TRANSACTION_GAS_CAP, Fork
from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.blob_fees import excess_blob_gas_after
from openledger_node.evm.block_size import LARGEST_FRAME_BYTES, MOST_BLOCK_BYTES, block_bytes
from openledger_node.evm.blocks import decode_block, encode_block
from openledger_node.evm.errors import CallError, InvalidBlockError, TransactionError
from openledger_node.evm.records import AccountOverride, Header, Withdrawal
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.evm import world
from tests.evm.world import ALICE, ETHEREUM, GENESIS_TIME_S, ROLLUP, word

OSAKA_TIME_S = GENESIS_TIME_S + 4
SPEC = replace(ETHEREUM, osaka_time_s=OSAKA_TIME_S)
OSAKA = replace(ETHEREUM, osaka_time_s=0)
MODEXP = Address((5).to_bytes(20, "big"))
P256_VERIFY = Address((256).to_bytes(20, "big"))
CODE = Address(b"\x77" * 20)
# calldataload(0), clz, mstore(0), return(0, 32).
CLZ_CODE = bytes.fromhex("5f351e5f5260205ff3")


@pytest.fixture(scope="module")
def chain() -> Chain:
    return world.open_chain(OSAKA)


def _clz(chain: Chain, value: int) -> bytes | None:
    result = chain.snapshot().call(
        world.call(CODE, word(value)), overrides={CODE: AccountOverride(code=CLZ_CODE)}
    )
    return result.output if result.error is None else None


def test_clz_of_edges(chain: Chain) -> None:
    cases = {0: 256, 1: 255, 2**255: 0, 2**256 - 1: 0, 2**255 - 1: 1, 2**254: 1, 2**128: 127, 2**248 - 1: 8}
    for value, expected in cases.items():
        assert _clz(chain, value) == word(expected)


@given(st.integers(0, 2**256 - 1))
def test_clz_is_what_the_bits_say(chain: Chain, value: int) -> None:
    assert _clz(chain, value) == word(len(f"{value:0256b}") - len(f"{value:b}") + (value == 0))


def test_clz_costs_five(chain: Chain) -> None:
    def gas(code: str) -> int:
        overrides = {CODE: AccountOverride(code=bytes.fromhex(code))}
        return chain.snapshot().call(world.call(CODE), overrides=overrides).gas_used

    # push0, clz, pop beside push0, pop.
    assert gas("5f1e50") - gas("5f50") == 5
    assert gas("1e") == 1_000_000


def test_rules_change_in_the_first_block_after_the_time() -> None:
    chain = world.open_chain(SPEC)
    before = chain.engine.begin_block(chain.head.header, world.inputs(chain, timestamp_s=OSAKA_TIME_S - 1))
    after = chain.engine.begin_block(chain.head.header, world.inputs(chain, timestamp_s=OSAKA_TIME_S))
    assert (before.context.fork, after.context.fork) == (Fork.PRAGUE, Fork.OSAKA)
    create = ALICE.sign(SPEC, to=None, value=0, data=CLZ_CODE, gas=100_000)
    assert not before.add(create).succeeded
    assert after.add(create).succeeded


# -- precompiles -------------------------------------------------------------------------------------------


def _modexp_input(base: int, exponent: bytes, modulus: int) -> bytes:
    return b"".join(map(word, (base, len(exponent), modulus))) + b"\1" * base + exponent + b"\1" * modulus


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "gas"),
    [
        # 16 per iteration for operands of at most 32 bytes, at least 500.
        (1, b"\1", 1, 500),
        (32, b"\xff" * 4, 32, 16 * 31),
        (32, b"\xff" * 32, 32, 16 * 255),
        # Twice the square of the words above that; not divided by three.
        (33, b"\3", 1, 2 * 25 * 1),
        (64, b"\xff" * 32, 64, 2 * 64 * 255),
        (1, b"\3", 1024, 2 * 128**2),
        # Sixteen for each byte of the exponent after the 32nd.
        (32, b"\1" + bytes(32), 32, 16 * (16 + 248)),
        (64, b"\0" * 40, 64, 2 * 64 * 16 * 8),
        (256, b"\xff" * 256, 256, 2 * 32**2 * (16 * 224 + 255)),
    ],
)
def test_modexp_price(chain: Chain, base: int, exponent: bytes, modulus: int, gas: int) -> None:
    data = _modexp_input(base, exponent, modulus)
    assert _precompile_gas(chain, MODEXP, data) == max(gas, 500)


def _precompile_gas(chain: Chain, target: Address, data: bytes) -> int:
    """What the precompile itself takes, measured by a contract around the call."""
    # calldatacopy(0, 0, size), gas, staticcall(gas, target, 0, size, 0, 0), pop, gas, and their difference.
    code = (
        bytes.fromhex("365f5f37" + "5a" + "5f5f365f73")
        + target
        + bytes.fromhex("5afa505a9003" + "5f5260205ff3")
    )
    request = world.call(CODE, data, gas=16_000_000)
    result = chain.snapshot().call(request, overrides={CODE: AccountOverride(code=code)})
    around = 4 * 2 + 3 + 2 + 100 + 2 + 2
    return int.from_bytes(result.output, "big") - around


@pytest.mark.parametrize("sizes", [(1025, 1, 1), (1, 1025, 1), (1, 1, 1025), (2**255, 0, 0), (0, 2**255, 0)])
def test_modexp_limits(chain: Chain, sizes: tuple[int, int, int]) -> None:
    data = b"".join(map(word, sizes))
    result = chain.snapshot().call(world.call(MODEXP, data))
    assert result.error is not None
    assert result.gas_used == 1_000_000
    prague = (
        world.open_chain(ETHEREUM).snapshot().call(world.call(MODEXP, b"".join(map(word, (0, 2**255, 0)))))
    )
    assert prague.error is None


def test_modexp_at_its_limit(chain: Chain) -> None:
    data = b"".join(map(word, (1024, 1, 1024))) + b"\2" * 1024 + b"\3" + b"\xff" * 1024
    result = chain.snapshot().call(world.call(MODEXP, data, gas=5_000_000))
    expected = pow(int.from_bytes(b"\2" * 1024, "big"), 3, 2 ** (8 * 1024) - 1)
    assert (result.error, result.output) == (None, expected.to_bytes(1024, "big"))


def test_p256_is_there_and_warm(chain: Chain) -> None:
    assert chain.snapshot().call(world.call(P256_VERIFY, b"short")).output == b""
    assert _precompile_gas(chain, P256_VERIFY, b"") == 6_900
    # The generator signs for the secret 1: r is the generator's x for the nonce 1.
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    digest = int.from_bytes(keccak256(b"message"), "big")
    data = b"".join(map(word, (digest, x, (digest + x) % order, x, y)))
    assert chain.snapshot().call(world.call(P256_VERIFY, data)).output == word(1)
    prague = world.open_chain(ETHEREUM)
    assert prague.snapshot().call(world.call(P256_VERIFY, data)).output == b""


# -- transactions ------------------------------------------------------------------------------------------


def test_transaction_gas_cap(chain: Chain) -> None:
    block = chain.engine.begin_block(chain.head.header, world.inputs(chain))
    with pytest.raises(TransactionError, match="gas limit too high"):
        block.add(ALICE.sign(OSAKA, gas=TRANSACTION_GAS_CAP + 1))
    assert block.add(ALICE.sign(OSAKA, gas=TRANSACTION_GAS_CAP)).succeeded


def test_deposits_and_calls_have_no_cap() -> None:
    chain = world.open_chain(replace(ROLLUP, osaka_time_s=0))
    block = chain.engine.begin_block(chain.head.header, world.inputs(chain))
    deposit = world.deposit(ALICE.address, world.STORE_ADDRESS, gas=20_000_000, data=word(1))
    assert block.add(deposit).succeeded
    call = world.call(world.STORE_ADDRESS, word(1), gas=20_000_000)
    assert chain.snapshot().call(call).error is None


def test_an_estimate_stays_under_the_cap(chain: Chain) -> None:
    with pytest.raises(CallError, match=f"gas required exceeds allowance .{TRANSACTION_GAS_CAP}"):
        chain.snapshot().estimate_gas(world.call(world.LOOP_ADDRESS, gas=30_000_000))


def _header(**changes: int) -> Header:
    header = world.open_chain(ETHEREUM).head.header
    return replace(header, **changes)  # type: ignore[arg-type]  # the fields are ints


@pytest.mark.parametrize(
    ("excess", "used", "base_fee", "prague", "osaka"),
    [
        (0, 0, 10**9, 0, 0),
        (0, 786_431, 10**9, 0, 0),
        (0, 1_179_648, 10**9, 393_216, 393_216),
        # The floor: execution of 8,192 gas is dearer than a blob, so the excess grows by a third of what was
        # used, whatever the target.
        (786_432, 0, 10**9, 0, 786_432),
        (786_432, 1_179_648, 10**9, 1_179_648, 786_432 + 393_216),
        (786_432, 1_179_648, 16, 1_179_648, 1_179_648),
        (786_432, 0, 16, 0, 0),
    ],
)
def test_excess_blob_gas(excess: int, used: int, base_fee: int, prague: int, osaka: int) -> None:
    parent = _header(excess_blob_gas=excess, blob_gas_used=used, base_fee_wei=base_fee)
    assert excess_blob_gas_after(parent, Fork.PRAGUE) == prague
    assert excess_blob_gas_after(parent, Fork.OSAKA) == osaka


# -- sizes -------------------------------------------------------------------------------------------------


@given(
    st.lists(st.binary(min_size=1, max_size=300).map(lambda data: b"\2" + data), max_size=6),
    st.lists(st.integers(0, 2**64 - 1), max_size=3),
    st.binary(max_size=32),
)
def test_block_bytes_are_counted_right(typed: list[bytes], amounts: list[int], extra: bytes) -> None:
    legacy = ALICE.sign(OSAKA, type=None, maxFeePerGas=None, maxPriorityFeePerGas=None, gasPrice=7)
    withdrawals = tuple(Withdrawal(1, 2, ALICE.address, amount) for amount in amounts)
    header = replace(world.open_chain(OSAKA).head.header, extra_data=extra)
    encoded = encode_block(header, (legacy, *typed), withdrawals)
    assert block_bytes(decode_block(encoded)) == len(encoded)


def test_a_block_over_the_limit_is_refused() -> None:
    spec = replace(OSAKA, block_gas_limit=2**62)
    rich = {ALICE.address: GenesisAccount(balance_wei=10**30)}
    chain = Chain.open(spec, MemoryKeyValue(), rich, GENESIS_TIME_S)
    inputs = world.inputs(chain, gas_limit=2**62)
    block = chain.engine.begin_block(chain.head.header, inputs)
    nonce, size, step = 0, 0, 400_000
    while True:
        raw = ALICE.sign(spec, nonce=nonce, gas=TRANSACTION_GAS_CAP, data=bytes(step))
        if not block.has_room_for(raw):
            break
        block.add(raw)
        nonce, size = nonce + 1, size + len(raw)
    assert MOST_BLOCK_BYTES - LARGEST_FRAME_BYTES - 2 * step < size < MOST_BLOCK_BYTES
    block.add(raw)
    with pytest.raises(InvalidBlockError, match="over the limit"):
        block.seal()


def test_prague_has_no_size_limit(chain: Chain) -> None:
    prague = world.open_chain(ETHEREUM)
    block = prague.engine.begin_block(prague.head.header, world.inputs(prague))
    assert block.has_room_for(b"\2" + bytes(MOST_BLOCK_BYTES))
    osaka = chain.engine.begin_block(chain.head.header, world.inputs(chain))
    assert not osaka.has_room_for(b"\2" + bytes(MOST_BLOCK_BYTES))
    assert osaka.has_room_for(b"\2" + bytes(MOST_BLOCK_BYTES - LARGEST_FRAME_BYTES - 5))
