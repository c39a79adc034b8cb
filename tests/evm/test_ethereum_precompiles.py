"""Ethereum's precompiles where ours replace py-evm's, through calls."""

import time
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.types import Address
from openledger_node.chain.chain import Chain
from tests.evm import world

MODEXP = Address((5).to_bytes(20, "big"))
POINT_EVALUATION = Address((10).to_bytes(20, "big"))
# The identity polynomial's commitment is the point at infinity: p(z) = 0 everywhere, proved by infinity.
INFINITY = b"\xc0" + bytes(47)


@pytest.fixture(scope="module")
def chain() -> Chain:
    return world.open_chain()


def _modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    sizes = b"".join(len(operand).to_bytes(32, "big") for operand in (base, exponent, modulus))
    return sizes + base + exponent + modulus


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "expected"),
    [
        (b"", b"", b"\2", b"\1"),
        (b"", b"\0", b"\2", b"\1"),
        (b"", b"\1", b"\2", b"\0"),
        (b"\3", b"\2", b"\0\5", b"\0\4"),
        (b"\3", b"\2", b"", b""),
        (b"\3", b"\2", b"\0", b"\0"),
        (b"\3", b"", b"\1", b"\0"),
    ],
)
def test_modexp_of_edges(chain: Chain, base: bytes, exponent: bytes, modulus: bytes, expected: bytes) -> None:
    result = chain.snapshot().call(world.call(MODEXP, _modexp_input(base, exponent, modulus)))
    assert (result.error, result.output) == (None, expected)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(min_size=1, max_size=40))
def test_modexp_is_pow(chain: Chain, base: bytes, exponent: bytes, modulus: bytes) -> None:
    result = chain.snapshot().call(world.call(MODEXP, _modexp_input(base, exponent, modulus)))
    numbers = [int.from_bytes(operand, "big") for operand in (base, exponent, modulus)]
    expected = pow(*numbers) if numbers[2] else 0
    assert result.output == expected.to_bytes(len(modulus), "big")


def _opening(y: int) -> bytes:
    versioned = b"\1" + sha256(INFINITY).digest()[1:]
    return versioned + world.word(7) + world.word(y) + INFINITY + INFINITY


def test_point_evaluation(chain: Chain) -> None:
    good = chain.snapshot().call(world.call(POINT_EVALUATION, _opening(0)))
    assert good.error is None
    assert int.from_bytes(good.output[:32], "big") == 4096
    for bad in (_opening(1), _opening(0)[:-1], b"\2" + _opening(0)[1:], _opening(2**255)):
        result = chain.snapshot().call(world.call(POINT_EVALUATION, bad))
        assert result.error is not None
        assert result.gas_used == 1_000_000


def test_point_evaluation_does_not_load_its_setup_each_time(chain: Chain) -> None:
    chain.snapshot().call(world.call(POINT_EVALUATION, _opening(0)))
    start = time.perf_counter()
    for _ in range(5):
        chain.snapshot().call(world.call(POINT_EVALUATION, _opening(0)))
    # Reading the setup takes about two seconds.
    assert time.perf_counter() - start < 1.0
