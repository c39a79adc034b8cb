"""Values that find faults: words at the edges, and input for precompiles, right, nearly right and wrong."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from random import Random

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from openledger_node.evm.native import bn254

EDGES = (
    *(0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 96, 255, 256, 257, 1023, 1024, 1025, 2**16, 2**31, 2**32),
    *(2**63, 2**64 - 1, 2**64, 2**127, 2**128 - 1, 2**128, 2**160 - 1, 2**160),
    *(2**254, 2**255 - 1, 2**255, 2**255 + 1, 2**256 - 2, 2**256 - 1),
)
PRECOMPILES: tuple[int, ...] = (*range(1, 18), 0x100)


def number(random: Random) -> int:
    """A word as an integer."""
    kind = random.randrange(6)
    if kind < 2:
        return random.choice(EDGES)
    if kind < 4:
        return random.randrange(256)
    return random.getrandbits(random.choice((16, 64, 160, 256)))


def small(random: Random) -> int:
    """An offset or a length that usually costs little."""
    if random.random() < 0.01:
        return random.choice(EDGES)
    return random.choice((0, 0, 1, 4, 31, 32, 33, 64, 100, 320))


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def precompile_input(random: Random, address: int) -> bytes:
    """Input for the precompile, mostly good, sometimes cut, lengthened or changed in a byte."""
    data = _INPUTS[address](random)
    kind = random.randrange(10)
    if kind == 0 and data:
        place = random.randrange(len(data))
        return data[:place] + bytes((data[place] ^ 1 << random.randrange(8),)) + data[place + 1 :]
    if kind == 1:
        return data[: random.randrange(len(data) + 1)]
    if kind == 2:
        return data + random.randbytes(random.randrange(1, 40))
    return data


def _any_bytes(random: Random) -> bytes:
    return random.randbytes(small(random) % 500)


def _ecrecover(random: Random) -> bytes:
    digest = random.randbytes(32)
    signature = PrivateKey(word(1 + random.randrange(2**200))).sign_recoverable(digest, hasher=None)
    return digest + word(27 + signature[64]) + signature[:64]


def _modexp(random: Random) -> bytes:
    sizes = [random.choice((0, 1, 2, 31, 32, 33, 64, 65, 100)) for _ in range(3)]
    if random.random() < 0.05:
        sizes[random.randrange(3)] = random.choice((1023, 1024, 1025, 2**20, 2**64, 2**255))
    return b"".join(map(word, sizes)) + b"".join(random.randbytes(min(size, 1025)) for size in sizes)


@lru_cache(maxsize=64)
def _bn_g1(scalar: int) -> bytes:
    return bn254.multiply(word(1) + word(2) + word(scalar))


_BN_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617
_BN_G2 = b"".join(
    map(
        word,
        (
            11559732032986387107991004021392285783925812861821192530917403151452391805634,
            10857046999023057135944570762232829481370756359578518086990519993285655852781,
            4082367875863433681332203403145435568316851327593401208105741076214120093531,
            8495653923123431417604973247489272438418190587263600148770280649306958101930,
        ),
    )
)


def _scalar(random: Random) -> int:
    return random.choice((0, 1, 2, 3, 7, _BN_ORDER - 1, _BN_ORDER, 2**255))


def _bn_add(random: Random) -> bytes:
    return _bn_g1(_scalar(random)) + _bn_g1(_scalar(random))


def _bn_multiply(random: Random) -> bytes:
    return _bn_g1(_scalar(random)) + word(random.choice((number(random), _scalar(random))))


def _bn_pairing(random: Random) -> bytes:
    if random.random() < 0.3:
        return b""
    return _bn_g1(1) + _BN_G2 + _bn_g1(random.choice((_BN_ORDER - 1, 5))) + _BN_G2


def _blake(random: Random) -> bytes:
    rounds = random.choice((0, 1, 2, 12, 100)).to_bytes(4, "big")
    return rounds + random.randbytes(208) + bytes((random.choice((0, 1, 1, 2)),))


def _point_evaluation(random: Random) -> bytes:
    value = random.randrange(1, 1000)
    commitment = (G1Point() * Scalar(value)).to_compressed_bytes()
    claimed = value if random.random() < 0.7 else value + 1
    hashed = b"\1" + sha256(commitment).digest()[1:]
    return hashed + word(random.getrandbits(250)) + word(claimed) + commitment + b"\xc0" + bytes(47)


def _padded(raw: bytes) -> bytes:
    return b"".join(bytes(16) + raw[start : start + 48] for start in range(0, len(raw), 48))


@lru_cache(maxsize=64)
def _bls_g1(scalar: int) -> bytes:
    return _padded((G1Point() * Scalar(scalar)).to_xy_bytes_be())


@lru_cache(maxsize=64)
def _bls_g2(scalar: int) -> bytes:
    return _padded((G2Point() * Scalar(scalar)).to_xy_bytes_be())


_OUTSIDE_G1 = _padded(bytes(48) + (2).to_bytes(48, "big"))
"""On the curve, of order three."""


def _g1(random: Random) -> bytes:
    return _OUTSIDE_G1 if random.random() < 0.1 else _bls_g1(random.randrange(8))


def _g2(random: Random) -> bytes:
    return _bls_g2(random.randrange(8))


def _sum_g1(random: Random) -> bytes:
    return b"".join(_g1(random) + word(number(random)) for _ in range(random.randrange(1, 4)))


def _sum_g2(random: Random) -> bytes:
    return b"".join(_g2(random) + word(number(random)) for _ in range(random.randrange(1, 3)))


def _bls_pairing(random: Random) -> bytes:
    return b"".join(_g1(random) + _g2(random) for _ in range(random.randrange(1, 3)))


def _field(random: Random) -> bytes:
    return bytes(16) + random.randbytes(48) if random.random() < 0.3 else number(random).to_bytes(64, "big")


@lru_cache(maxsize=8)
def _p256(seed: int) -> bytes:
    key = ec.derive_private_key(seed + 12345, ec.SECP256R1())
    digest = sha256(word(seed)).digest()
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
    public = key.public_key().public_numbers()
    return digest + b"".join(map(word, (r, s, public.x, public.y)))


_INPUTS: dict[int, Callable[[Random], bytes]] = {
    1: _ecrecover,
    2: _any_bytes,
    3: _any_bytes,
    4: _any_bytes,
    5: _modexp,
    6: _bn_add,
    7: _bn_multiply,
    8: _bn_pairing,
    9: _blake,
    10: _point_evaluation,
    11: lambda random: _g1(random) + _g1(random),
    12: _sum_g1,
    13: lambda random: _g2(random) + _g2(random),
    14: _sum_g2,
    15: _bls_pairing,
    16: _field,
    17: lambda random: _field(random) + _field(random),
    0x100: lambda random: _p256(random.randrange(4)),
}
