"""KZG openings against c-kzg: good and bad ones, and every odd encoding of a point."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import ckzg
import pytest
from eth.precompiles.point_evaluation import TRUSTED_SETUP_PATH

from openledger_node.evm.native import kzg
from openledger_node.evm.native.errors import InvalidInputError

MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
FIELD = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
INFINITY = b"\xc0" + bytes(47)


@dataclass(frozen=True)
class Opening:
    z: bytes
    y: bytes
    commitment: bytes
    proof: bytes

    def encode(self) -> bytes:
        versioned = b"\1" + sha256(self.commitment).digest()[1:]
        return versioned + self.z + self.y + self.commitment + self.proof


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


@pytest.fixture(scope="module")
def setup() -> Any:
    return ckzg.load_trusted_setup(TRUSTED_SETUP_PATH, 0)


@pytest.fixture(scope="module")
def good(setup: Any) -> Opening:
    blob = b"".join(word(i**40 % MODULUS) for i in range(4096))
    z = word(12345)
    proof, y = ckzg.compute_kzg_proof(blob, z, setup)
    return Opening(z, y, ckzg.blob_to_kzg_commitment(blob, setup), proof)


def ours(opening: Opening) -> bool:
    try:
        kzg.verify_opening(opening.encode())
    except InvalidInputError:
        return False
    return True


def theirs(opening: Opening, setup: Any) -> bool:
    try:
        return bool(ckzg.verify_kzg_proof(opening.commitment, opening.z, opening.y, opening.proof, setup))
    except RuntimeError:
        return False


def test_a_good_opening_verifies(good: Opening) -> None:
    assert ours(good)


def test_openings_at_and_around_the_edges(setup: Any) -> None:
    blob = b"".join(word(i + 1) for i in range(4096))
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    # 1 is a root of unity: the opening there is a special case of the prover.
    for z in (0, 1, 2, MODULUS - 1):
        proof, y = ckzg.compute_kzg_proof(blob, word(z), setup)
        assert ours(Opening(word(z), y, commitment, proof))
        assert not ours(Opening(word((z + 1) % MODULUS), y, commitment, proof))


def test_scalars_out_of_the_field(good: Opening, setup: Any) -> None:
    for value in (MODULUS, MODULUS + 12345, 2**256 - 1):
        for opening in (replace(good, z=word(value)), replace(good, y=word(value))):
            assert not ours(opening)
            assert not theirs(opening, setup)


def test_constant_polynomials(setup: Any) -> None:
    for value in (0, 1, 7):
        commitment = ckzg.blob_to_kzg_commitment(word(value) * 4096, setup)
        opening = Opening(word(99), word(value), commitment, INFINITY)
        assert ours(opening)
        assert theirs(opening, setup)
        assert not ours(replace(opening, y=word(value + 1)))


@pytest.mark.parametrize(
    "point",
    [
        INFINITY,
        b"\xe0" + bytes(47),
        b"\xc0" + bytes(46) + b"\1",
        b"\xc1" + bytes(47),
        b"\x40" + bytes(47),
        bytes(48),
        b"\x80" + bytes(47),
        b"\xa0" + bytes(47),
        b"\x80" + bytes(46) + b"\4",
        (FIELD | 1 << 383).to_bytes(48, "big"),
        (FIELD + 4 | 1 << 383).to_bytes(48, "big"),
        b"\x9f" + b"\xff" * 47,
        b"\xff" * 48,
    ],
)
def test_odd_points(good: Opening, setup: Any, point: bytes) -> None:
    for opening in (
        replace(good, commitment=point),
        replace(good, proof=point),
        Opening(word(5), word(0), point, INFINITY),
        Opening(word(5), word(0), INFINITY, point),
        Opening(word(5), word(0), point, point),
    ):
        assert ours(opening) == theirs(opening, setup)


def test_flag_bits_of_good_points(good: Opening, setup: Any) -> None:
    for bits in range(8):
        for name in ("commitment", "proof"):
            encoded: bytes = getattr(good, name)
            changed = bytes((encoded[0] & 0x1F | bits << 5,)) + encoded[1:]
            opening = replace(good, **{name: changed})
            assert ours(opening) == theirs(opening, setup)


def test_an_opening_of_another_length_or_hash_is_refused(good: Opening) -> None:
    data = good.encode()
    for bad in (b"", data[:-1], data + b"\0", b"\2" + data[1:], data[:31] + b"\0" + data[32:]):
        with pytest.raises(InvalidInputError):
            kzg.verify_opening(bad)
