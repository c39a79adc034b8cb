"""BLAKE2, modular powers and signer recovery against independent implementations."""

from hashlib import blake2b

import pytest
from coincurve import PrivateKey
from eth._utils.blake2.compression import blake2b_compress
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.keccak import keccak256
from openledger_node.evm.native import blake2, modular, secp256k1
from openledger_node.evm.native.errors import InvalidInputError

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


# -- BLAKE2 ------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), st.binary(min_size=208, max_size=208), st.booleans())
def test_compression(rounds: int, body: bytes, final: bool) -> None:
    words = tuple(int.from_bytes(body[start : start + 8], "little") for start in range(0, 208, 8))
    expected = blake2b_compress(rounds, words[:8], words[8:24], words[24:], final)
    assert blake2.compress_block(rounds.to_bytes(4, "big") + body + bytes((final,))) == expected


def test_compression_makes_the_hash() -> None:
    state = [0x6A09E667F3BCC908 ^ 0x01010040, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1]
    state += [0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179]
    data = (12).to_bytes(4, "big") + b"".join(part.to_bytes(8, "little") for part in state)
    data += b"abc".ljust(128, b"\0") + (3).to_bytes(16, "little") + b"\1"
    assert blake2.compress_block(data) == blake2b(b"abc").digest()


@pytest.mark.parametrize("data", [b"", bytes(212), bytes(214), bytes(212) + b"\2", bytes(212) + b"\xff"])
def test_bad_blocks(data: bytes) -> None:
    for run in (blake2.compress_block, blake2.rounds_of):
        with pytest.raises(InvalidInputError):
            run(data)


# -- modular powers ----------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(min_size=1, max_size=80))
def test_a_power_is_pythons(base: bytes, exponent: bytes, modulus: bytes) -> None:
    numbers = [int.from_bytes(operand, "big") for operand in (base, exponent, modulus)]
    expected = pow(*numbers) if numbers[2] else 0
    assert modular.power(base, exponent, modulus) == expected.to_bytes(len(modulus), "big")


def test_power_of_edges() -> None:
    assert modular.power(b"", b"", b"\2") == b"\1"
    assert modular.power(b"", b"", b"\1") == b"\0"
    assert modular.power(b"\5", b"\2", b"\0\0") == b"\0\0"
    assert modular.power(b"\5", b"\2", b"") == b""


# -- recovery ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(1, ORDER - 1), st.binary(min_size=32, max_size=32))
def test_a_signer_is_recovered_with_low_and_high_s(secret: int, digest: bytes) -> None:
    key = PrivateKey(word(secret))
    signature = key.sign_recoverable(digest, hasher=None)
    signer = keccak256(key.public_key.format(compressed=False)[1:])[12:].rjust(32, b"\0")
    r, s, parity = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    assert secp256k1.recover(digest + word(27 + parity) + r + word(s)) == signer
    assert secp256k1.recover(digest + word(27 + parity) + r + word(s) + b"more") == signer
    # The same signature with high s and the other parity is good here, unlike in transactions.
    assert secp256k1.recover(digest + word(28 - parity) + r + word(ORDER - s)) == signer
    assert secp256k1.recover(digest + word(28 - parity) + r + word(s)) != signer


@pytest.mark.parametrize(
    ("v", "r", "s"),
    [
        (26, 1, 1),
        (29, 1, 1),
        (0, 1, 1),
        (27 << 8, 1, 1),
        (27 + (1 << 248), 1, 1),
        (27, 0, 1),
        (27, 1, 0),
        (27, ORDER, 1),
        (27, 1, ORDER),
        (27, 2**256 - 1, 1),
        # No point of the curve has this x.
        (27, 5, 1),
    ],
)
def test_signatures_of_nobody(v: int, r: int, s: int) -> None:
    assert secp256k1.recover(word(1) + word(v) + word(r) + word(s)) == b""


def test_recovery_of_short_input() -> None:
    assert secp256k1.recover(b"") == b""
    assert secp256k1.recover(bytes(127)) == b""
