"""Sums, multi-scalar products, pairings and maps on the curve BLS12-381.

Covered: padding, field bounds, curve and subgroup membership. Points that are only added need not be in the
subgroup; all others must. Source: EIP-2537.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from openledger_node.evm.native.errors import InvalidInputError

FIELD_BYTES = 64
SCALAR_BYTES = 32
G1_BYTES = 2 * FIELD_BYTES
G2_BYTES = 4 * FIELD_BYTES
_PADDING = bytes(16)
_TRUE, _FALSE = (1).to_bytes(32, "big"), bytes(32)


class _Point(Protocol):
    def to_xy_bytes_be(self) -> bytes: ...


_P = TypeVar("_P")


def add_g1(data: bytes) -> bytes:
    """The sum of two points. Raises `InvalidInputError`."""
    first, second = _parts(data, G1_BYTES, 2)
    return _encoded(
        _decoded(G1Point.from_xy_bytes_unchecked_be, first)
        + _decoded(G1Point.from_xy_bytes_unchecked_be, second)
    )


def add_g2(data: bytes) -> bytes:
    """The sum of two points. Raises `InvalidInputError`."""
    first, second = _parts(data, G2_BYTES, 2)
    return _encoded(
        _decoded(G2Point.from_xy_bytes_unchecked_be, first)
        + _decoded(G2Point.from_xy_bytes_unchecked_be, second)
    )


def multiply_sum_g1(data: bytes) -> bytes:
    """The sum of points times scalars, at least one. Raises `InvalidInputError`."""
    pairs = _parts(data, G1_BYTES + SCALAR_BYTES)
    points = [_decoded(G1Point.from_xy_bytes_be, pair[:G1_BYTES]) for pair in pairs]
    return _encoded(G1Point.multiexp_unchecked(points, _scalars(pairs)))


def multiply_sum_g2(data: bytes) -> bytes:
    """The sum of points times scalars, at least one. Raises `InvalidInputError`."""
    pairs = _parts(data, G2_BYTES + SCALAR_BYTES)
    points = [_decoded(G2Point.from_xy_bytes_be, pair[:G2_BYTES]) for pair in pairs]
    return _encoded(G2Point.multiexp_unchecked(points, _scalars(pairs)))


def pairing_is_one(data: bytes) -> bytes:
    """One as a word if the product of the pairings is 1, else zero. Raises `InvalidInputError`."""
    pairs = _parts(data, G1_BYTES + G2_BYTES)
    left = [_decoded(G1Point.from_xy_bytes_be, pair[:G1_BYTES]) for pair in pairs]
    right = [_decoded(G2Point.from_xy_bytes_be, pair[G1_BYTES:]) for pair in pairs]
    return _TRUE if GT.pairing_check(left, right) else _FALSE


def map_to_g1(data: bytes) -> bytes:
    """The point that a field element maps to. Raises `InvalidInputError`."""
    return _encoded(_decoded(G1Point.map_from_fp_be, _parts(data, FIELD_BYTES, 1)[0]))


def map_to_g2(data: bytes) -> bytes:
    """The point that a pair of field elements maps to. Raises `InvalidInputError`."""
    return _encoded(_decoded(G2Point.map_from_fp2_be, _parts(data, 2 * FIELD_BYTES, 1)[0]))


def _parts(data: bytes, size: int, count: int | None = None) -> list[bytes]:
    """`data` cut into `count` parts, or one or more."""
    wanted = count if count is not None else max(len(data) // size, 1)
    if len(data) != wanted * size:
        raise InvalidInputError("bls12-381: wrong input length")
    return [data[start : start + size] for start in range(0, len(data), size)]


def _decoded(read: Callable[[bytes], _P], encoded: bytes) -> _P:
    """What `read` makes of the field elements without their padding."""
    coordinates = []
    for start in range(0, len(encoded), FIELD_BYTES):
        if encoded[start : start + 16] != _PADDING:
            raise InvalidInputError("bls12-381: field element is too large")
        coordinates.append(encoded[start + 16 : start + FIELD_BYTES])
    try:
        return read(b"".join(coordinates))
    except ValueError as error:
        raise InvalidInputError(f"bls12-381: {error}") from None


def _scalars(pairs: list[bytes]) -> list[Scalar]:
    return [Scalar.from_be_bytes_mod_order(pair[-SCALAR_BYTES:]) for pair in pairs]


def _encoded(point: _Point) -> bytes:
    coordinates = point.to_xy_bytes_be()
    return b"".join(_PADDING + coordinates[start : start + 48] for start in range(0, len(coordinates), 48))
