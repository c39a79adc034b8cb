"""P-256 signatures against arithmetic written out, and what must be refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from openledger_node.evm.native import secp256r1

FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
GOOD = (1).to_bytes(32, "big")
Point = tuple[int, int] | None


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def add(first: Point, second: Point) -> Point:
    if first is None or second is None:
        return first or second
    (x1, y1), (x2, y2) = first, second
    if x1 == x2 and (y1 + y2) % FIELD == 0:
        return None
    if first == second:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, FIELD)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, FIELD)
    x = (slope * slope - x1 - x2) % FIELD
    return x, (slope * (x1 - x) - y1) % FIELD


def times(scalar: int, point: Point) -> Point:
    total: Point = None
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def sign(secret: int, nonce: int, digest: int) -> tuple[int, int]:
    point = times(nonce, GENERATOR)
    assert point is not None
    r = point[0] % ORDER
    return r, (digest + r * secret) * pow(nonce, -1, ORDER) % ORDER


def public(secret: int) -> tuple[int, int]:
    point = times(secret, GENERATOR)
    assert point is not None
    return point


def encoded(digest: int, r: int, s: int, key: tuple[int, int]) -> bytes:
    return b"".join(map(word, (digest, r, s, *key)))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1), st.integers(0, 2**256 - 1))
def test_signatures(secret: int, nonce: int, digest: int) -> None:
    r, s = sign(secret, nonce, digest)
    key = public(secret)
    assert secp256r1.verify(encoded(digest, r, s, key)) == GOOD
    assert secp256r1.verify(encoded(digest, r, ORDER - s, key)) == GOOD
    assert secp256r1.verify(encoded(digest ^ 1, r, s, key)) == b""
    assert secp256r1.verify(encoded(digest, r, s, public(secret % (ORDER - 1) + 1))) == b""


@settings(max_examples=20, deadline=None)
@given(st.integers(1, ORDER - 1), st.binary(min_size=32, max_size=32))
def test_signatures_of_a_library(secret: int, digest: bytes) -> None:
    private = ec.derive_private_key(secret, ec.SECP256R1())
    r, s = decode_dss_signature(private.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
    numbers = private.public_key().public_numbers()
    assert secp256r1.verify(encoded(int.from_bytes(digest, "big"), r, s, (numbers.x, numbers.y))) == GOOD


def test_digests_at_the_edges() -> None:
    for digest in (0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1):
        r, s = sign(12345, 67890, digest)
        assert secp256r1.verify(encoded(digest, r, s, public(12345))) == GOOD


def test_the_sum_at_infinity_is_refused() -> None:
    # u1·G + u2·Q is infinity for Q = -(u1/u2)·G: choose r, s and digest, then the key that cancels.
    r, s, digest = 5, 7, 11
    secret = -digest * pow(r, -1, ORDER) % ORDER
    assert secp256r1.verify(encoded(digest, r, s, public(secret))) == b""


def test_r_above_the_order_wraps() -> None:
    # A point whose x is at least the order: r is x less the order. Such points exist but are rare to find by
    # chance, so take an x there and solve for the key: Q = (s·R - digest·G) / r.
    x = next(x for x in range(ORDER, ORDER + 100) if _y(x) is not None)
    y = _y(x)
    assert y is not None
    r, s, digest = x - ORDER, 17, 23
    if r == 0:
        pytest.skip("the first such x is the order itself")
    minus = times(ORDER - digest, GENERATOR)
    key = times(pow(r, -1, ORDER), add(times(s, (x, y)), minus))
    assert key is not None
    assert secp256r1.verify(encoded(digest, r, s, key)) == GOOD


def _y(x: int) -> int | None:
    square = (x**3 - 3 * x + B) % FIELD
    root = pow(square, (FIELD + 1) // 4, FIELD)
    return root if root * root % FIELD == square else None


R, S = sign(1, 2, 3)
KEY = GENERATOR


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encoded(3, R, S, KEY)[:-1],
        encoded(3, R, S, KEY) + b"\0",
        encoded(3, 0, S, KEY),
        encoded(3, R, 0, KEY),
        encoded(3, ORDER, S, KEY),
        encoded(3, R, ORDER, KEY),
        encoded(3, R + ORDER if R + ORDER < 2**256 else 2**256 - 1, S, KEY),
        encoded(3, R, S, (0, 0)),
        encoded(3, R, S, (KEY[0], KEY[1] ^ 1)),
        encoded(3, R, S, (FIELD, KEY[1])),
        encoded(3, R, S, (KEY[0], FIELD)),
        encoded(3, R, S, (2**256 - 1, 2**256 - 1)),
        bytes(160),
    ],
)
def test_a_wrong_signature_or_key_verifies_as_nothing(data: bytes) -> None:
    assert secp256r1.verify(encoded(3, R, S, KEY)) == GOOD
    assert secp256r1.verify(data) == b""


def test_a_key_with_an_unreduced_coordinate_is_refused() -> None:
    # The same point, its x written plus the field's size where that fits a word.
    x = next(x for x in range(2**256 - FIELD) if _y(x) is not None)
    y = _y(x)
    assert y is not None
    r, s, digest = _forge((x, y))
    assert secp256r1.verify(encoded(digest, r, s, (x, y))) == GOOD
    assert secp256r1.verify(encoded(digest, r, s, (x + FIELD, y))) == b""


def _forge(key: tuple[int, int]) -> tuple[int, int, int]:
    """r, s and a digest that a key of unknown secret signs: R = 3·G + 5·Q."""
    point = add(times(3, GENERATOR), times(5, key))
    assert point is not None
    r = point[0] % ORDER
    s = r * pow(5, -1, ORDER) % ORDER
    return r, s, 3 * s % ORDER
