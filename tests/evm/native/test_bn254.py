"""alt_bn128 against py_ecc and against py-evm's own precompiles: random points, edges, bad encodings."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bn128

from openledger_node.evm.native import bn254, bn254_portable
from openledger_node.evm.native.errors import InvalidInputError

curve: Any = optimized_bn128  # its names are not typed exports
FIELD: int = curve.field_modulus
ORDER: int = curve.curve_order
INFINITY = bytes(64)
scalars = st.integers(0, 2**256 - 1) | st.sampled_from([0, 1, 2, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1])


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def g1(scalar: int) -> bytes:
    point = curve.multiply(curve.G1, scalar % ORDER)
    return b"".join(word(int(c)) for c in curve.normalize(point)) if scalar % ORDER else INFINITY


def g2(scalar: int) -> bytes:
    if not scalar % ORDER:
        return bytes(128)
    x, y = curve.normalize(curve.multiply(curve.G2, scalar % ORDER))
    return b"".join(word(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def outside_subgroup() -> bytes:
    """A point of the twist that is not in the subgroup: its curve's order has a cofactor."""
    for candidate in range(1, 100):
        x = curve.FQ2([candidate, 1])
        square = x * x * x + curve.b2
        root = _square_root(square)
        if root is None:
            continue
        assert curve.is_on_curve((x, root, curve.FQ2.one()), curve.b2)
        if curve.multiply((x, root, curve.FQ2.one()), ORDER)[-1] != curve.FQ2.zero():
            return b"".join(word(int(c)) for c in (x.coeffs[1], x.coeffs[0], root.coeffs[1], root.coeffs[0]))
    raise AssertionError("no such point")


def _square_root(value: Any) -> Any:
    """In the field extended by i, or None. The field has 3 mod 4 elements."""
    real, imaginary = (int(c) for c in value.coeffs)
    norm = pow(real * real + imaginary * imaginary, (FIELD + 1) // 4, FIELD)
    for sign in (1, -1):
        half = (real + sign * norm) * pow(2, -1, FIELD) % FIELD
        first = pow(half, (FIELD + 1) // 4, FIELD)
        root = curve.FQ2([first, imaginary * pow(2 * first, -1, FIELD) % FIELD])
        if root * root == value:
            return root
    return None


@settings(max_examples=60, deadline=None)
@given(scalars, scalars)
def test_add(a: int, b: int) -> None:
    assert bn254.add(g1(a) + g1(b)) == g1(a + b)


@pytest.mark.parametrize("scalar", [1, 2, 12345, ORDER - 1])
def test_add_of_edges(scalar: int) -> None:
    point, opposite = g1(scalar), g1(-scalar)
    assert bn254.add(point + opposite) == INFINITY
    assert bn254.add(point + point) == g1(2 * scalar)
    assert bn254.add(point + INFINITY) == bn254.add(INFINITY + point) == bn254.add(point) == point
    assert bn254.add(point + INFINITY + b"more") == point
    assert bn254.add(b"") == INFINITY


@settings(max_examples=25, deadline=None)
@given(scalars, scalars)
def test_multiply(a: int, b: int) -> None:
    data = g1(a) + word(b)
    assert bn254.multiply(data) == bn254_portable.multiply(data) == g1(a * b)


def test_multiply_of_short_and_long_input() -> None:
    assert bn254.multiply(b"") == INFINITY
    assert bn254.multiply(g1(5)) == INFINITY
    assert bn254.multiply(g1(5) + b"\x01") == g1(5 << 248)
    assert bn254.multiply(g1(5) + word(3) + b"more") == g1(15)


@pytest.mark.parametrize(
    "point",
    [
        word(1) + word(3),
        word(FIELD) + word(0),
        word(0) + word(FIELD),
        word(1 + FIELD) + word(2),
        word(1) + word(2 + FIELD),
        word(2**256 - 1) * 2,
        word(0) + word(1),
    ],
)
def test_bad_points(point: bytes) -> None:
    for data in (point, point + g1(1), g1(1) + point):
        with pytest.raises(InvalidInputError):
            bn254.add(data)
    with pytest.raises(InvalidInputError):
        bn254.multiply(point + word(1))
    with pytest.raises(InvalidInputError):
        bn254_portable.multiply(point + word(1))
    for pairing in (bn254.pairing_is_one, bn254_portable.pairing_is_one):
        with pytest.raises(InvalidInputError):
            pairing(point + g2(1))


def test_pairing() -> None:
    assert bn254.pairing_is_one(b"") == word(1)
    assert bn254.pairing_is_one(g1(1) + g2(1)) == word(0)
    assert bn254.pairing_is_one(INFINITY + g2(1)) == word(1)
    assert bn254.pairing_is_one(g1(1) + bytes(128)) == word(1)
    assert bn254.pairing_is_one(g1(6) + g2(7) + g1(-42) + g2(1)) == word(1)
    assert bn254.pairing_is_one(g1(6) + g2(7) + g1(-41) + g2(1)) == word(0)


def test_pairing_is_the_portable_one() -> None:
    for data in (g1(3) + g2(5) + g1(-15) + g2(1), g1(3) + g2(5), b""):
        assert bn254.pairing_is_one(data) == bn254_portable.pairing_is_one(data)


@pytest.mark.parametrize(
    "twist_point",
    [
        word(FIELD) + g2(1)[32:],
        g2(1)[:96] + word(FIELD),
        g2(1)[:96] + word(1),
        word(1) + bytes(96),
        outside_subgroup(),
    ],
)
def test_bad_twist_points(twist_point: bytes) -> None:
    for point in (g1(1), INFINITY):
        with pytest.raises(InvalidInputError):
            bn254.pairing_is_one(point + twist_point)
    with pytest.raises(InvalidInputError):
        bn254_portable.pairing_is_one(g1(1) + twist_point)


@pytest.mark.parametrize("size", [1, 191, 193, 383])
def test_pairing_of_a_wrong_length(size: int) -> None:
    with pytest.raises(InvalidInputError):
        bn254.pairing_is_one(bytes(size))
