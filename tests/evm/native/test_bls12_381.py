"""BLS12-381 against py_ecc: random points, points outside the subgroup, edges, bad encodings."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bls12_381
from py_ecc.bls.hash_to_curve import clear_cofactor_G1, clear_cofactor_G2, map_to_curve_G1, map_to_curve_G2

from openledger_node.evm.native import bls12_381
from openledger_node.evm.native.errors import InvalidInputError

curve: Any = optimized_bls12_381  # its names are not typed exports
FIELD: int = curve.field_modulus
ORDER: int = curve.curve_order
scalars = st.integers(0, 2**256 - 1) | st.sampled_from([0, 1, 2, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1])
field_elements = st.integers(0, FIELD - 1) | st.sampled_from([0, 1, FIELD - 1])


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def element(value: int) -> bytes:
    return value.to_bytes(64, "big")


def encoded_g1(point: Any) -> bytes:
    if curve.is_inf(point):
        return bytes(128)
    return b"".join(element(int(c)) for c in curve.normalize(point))


def encoded_g2(point: Any) -> bytes:
    if curve.is_inf(point):
        return bytes(256)
    return b"".join(element(int(c)) for coordinate in curve.normalize(point) for c in coordinate.coeffs)


def g1(scalar: int) -> bytes:
    return encoded_g1(curve.multiply(curve.G1, scalar % ORDER))


def g2(scalar: int) -> bytes:
    return encoded_g2(curve.multiply(curve.G2, scalar % ORDER))


# On the curve, not in the subgroup: maps to the curve before the cofactor is cleared.
OUTSIDE_G1 = map_to_curve_G1(curve.FQ(7))
OUTSIDE_G2 = map_to_curve_G2(curve.FQ2([7, 9]))


@settings(max_examples=20, deadline=None)
@given(scalars, scalars)
def test_add(a: int, b: int) -> None:
    assert bls12_381.add_g1(g1(a) + g1(b)) == g1(a + b)
    assert bls12_381.add_g2(g2(a) + g2(b)) == g2(a + b)


def test_add_of_edges() -> None:
    for add, point, size in ((bls12_381.add_g1, g1, 128), (bls12_381.add_g2, g2, 256)):
        infinity = bytes(size)
        assert add(point(3) + point(-3)) == infinity
        assert add(point(3) + point(3)) == point(6)
        assert add(point(3) + infinity) == add(infinity + point(3)) == point(3)
        assert add(infinity + infinity) == infinity


def test_points_outside_the_subgroup_are_added() -> None:
    twice = encoded_g1(curve.double(OUTSIDE_G1))
    assert bls12_381.add_g1(encoded_g1(OUTSIDE_G1) * 2) == twice
    assert bls12_381.add_g1(encoded_g1(OUTSIDE_G1) + g1(1)) == encoded_g1(curve.add(OUTSIDE_G1, curve.G1))
    assert bls12_381.add_g1(encoded_g1(OUTSIDE_G1) + encoded_g1(curve.neg(OUTSIDE_G1))) == bytes(128)
    assert bls12_381.add_g2(encoded_g2(OUTSIDE_G2) + g2(1)) == encoded_g2(curve.add(OUTSIDE_G2, curve.G2))


def test_points_outside_the_subgroup_are_refused_elsewhere() -> None:
    for run, data in (
        (bls12_381.multiply_sum_g1, encoded_g1(OUTSIDE_G1) + word(1)),
        (bls12_381.multiply_sum_g1, g1(1) + word(1) + encoded_g1(OUTSIDE_G1) + word(0)),
        (bls12_381.multiply_sum_g2, encoded_g2(OUTSIDE_G2) + word(1)),
        (bls12_381.pairing_is_one, encoded_g1(OUTSIDE_G1) + g2(1)),
        (bls12_381.pairing_is_one, encoded_g1(OUTSIDE_G1) + bytes(256)),
        (bls12_381.pairing_is_one, g1(1) + encoded_g2(OUTSIDE_G2)),
        (bls12_381.pairing_is_one, bytes(128) + encoded_g2(OUTSIDE_G2)),
    ):
        with pytest.raises(InvalidInputError):
            run(data)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(scalars, scalars), min_size=1, max_size=5))
def test_multiply_sum(pairs: list[tuple[int, int]]) -> None:
    total = sum(a * b for a, b in pairs)
    assert bls12_381.multiply_sum_g1(b"".join(g1(a) + word(b) for a, b in pairs)) == g1(total)
    assert bls12_381.multiply_sum_g2(b"".join(g2(a) + word(b) for a, b in pairs)) == g2(total)


def test_multiply_sum_of_many() -> None:
    pairs = b"".join(g1(i) + word(i) for i in range(1, 41))
    assert bls12_381.multiply_sum_g1(pairs) == g1(sum(i * i for i in range(1, 41)))


def test_pairing() -> None:
    assert bls12_381.pairing_is_one(g1(1) + g2(1)) == word(0)
    assert bls12_381.pairing_is_one(bytes(384)) == word(1)
    assert bls12_381.pairing_is_one(g1(1) + bytes(256)) == word(1)
    assert bls12_381.pairing_is_one(bytes(128) + g2(1)) == word(1)
    assert bls12_381.pairing_is_one(g1(6) + g2(7) + g1(-42) + g2(1)) == word(1)
    assert bls12_381.pairing_is_one(g1(6) + g2(7) + g1(-41) + g2(1)) == word(0)


@settings(max_examples=10, deadline=None)
@given(field_elements, field_elements)
def test_field_elements_map_to_the_same_points(a: int, b: int) -> None:
    expected = encoded_g1(clear_cofactor_G1(map_to_curve_G1(curve.FQ(a))))
    assert bls12_381.map_to_g1(element(a)) == expected
    twisted = encoded_g2(clear_cofactor_G2(map_to_curve_G2(curve.FQ2([a, b]))))
    assert bls12_381.map_to_g2(element(a) + element(b)) == twisted


@pytest.mark.parametrize(
    "bad",
    [
        element(FIELD),
        element(FIELD + 1),
        element(1 << 384),
        element(1 << 511),
        b"\xff" * 64,
        # What compressed formats mark infinity and sign with.
        bytes(16) + b"\x40" + bytes(47),
        bytes(16) + b"\x80" + bytes(47),
    ],
)
def test_elements_out_of_the_field(bad: bytes) -> None:
    for run, data in (
        (bls12_381.add_g1, bad + g1(1)[64:] + g1(1)),
        (bls12_381.add_g1, g1(1) + g1(1)[:64] + bad),
        (bls12_381.add_g2, bad + g2(1)[64:] + g2(1)),
        (bls12_381.add_g2, g2(1) + g2(1)[:192] + bad),
        (bls12_381.multiply_sum_g1, bad + g1(1)[64:] + word(1)),
        (bls12_381.multiply_sum_g2, g2(1)[:64] + bad + g2(1)[128:] + word(1)),
        (bls12_381.pairing_is_one, g1(1)[:64] + bad + g2(1)),
        (bls12_381.pairing_is_one, g1(1) + g2(1)[:192] + bad),
        (bls12_381.map_to_g1, bad),
        (bls12_381.map_to_g2, bad + element(1)),
        (bls12_381.map_to_g2, element(1) + bad),
    ):
        with pytest.raises(InvalidInputError):
            run(data)


def test_points_off_the_curve() -> None:
    for run, data in (
        (bls12_381.add_g1, element(1) + element(1) + g1(1)),
        (bls12_381.add_g1, element(0) + element(1) + g1(1)),
        (bls12_381.add_g2, g2(1) + g2(1)[:192] + element(1)),
        (bls12_381.multiply_sum_g1, element(1) + element(1) + word(1)),
        (bls12_381.pairing_is_one, element(1) + element(1) + g2(1)),
    ):
        with pytest.raises(InvalidInputError):
            run(data)


@pytest.mark.parametrize(
    ("run", "size"),
    [
        (bls12_381.add_g1, 256),
        (bls12_381.add_g2, 512),
        (bls12_381.multiply_sum_g1, 160),
        (bls12_381.multiply_sum_g2, 288),
        (bls12_381.pairing_is_one, 384),
        (bls12_381.map_to_g1, 64),
        (bls12_381.map_to_g2, 128),
    ],
)
def test_inputs_of_another_length_are_refused(run: Callable[[bytes], bytes], size: int) -> None:
    assert run(bytes(size))
    for wrong in (0, 1, size - 1, size + 1):
        with pytest.raises(InvalidInputError):
            run(bytes(wrong))
