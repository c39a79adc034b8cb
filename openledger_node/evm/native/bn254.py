"""Sums, products and pairings on the curve alt_bn128.

Covered: padding of short input, field bounds, curve and subgroup membership. Products and pairings are
revm's where it has a wheel (CPython below 3.12), py-evm's elsewhere: the same results, much slower.
Source: EIP-196, EIP-197.
"""

from gmpy2 import invert

from openledger_node.evm.native.errors import InvalidInputError

try:
    from openledger_node.evm.native import bn254_revm as _backend
except ImportError:
    from openledger_node.evm.native import bn254_portable as _backend  # type: ignore[no-redef]  # same names

PAIR_BYTES = 192
_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_INFINITY = (0, 0)

Point = tuple[int, int]


def add(data: bytes) -> bytes:
    """The sum of two points. Raises `InvalidInputError`."""
    data = data[:128].ljust(128, b"\0")
    x, y = _sum(_point(data[:64]), _point(data[64:]))
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def multiply(data: bytes) -> bytes:
    """A point times a scalar. Raises `InvalidInputError`."""
    return _backend.multiply(data[:96].ljust(96, b"\0"))


def pairing_is_one(data: bytes) -> bytes:
    """One as a word if the product of the pairings is 1, else zero. Raises `InvalidInputError`."""
    if len(data) % PAIR_BYTES:
        raise InvalidInputError("alt_bn128: wrong input length")
    return _backend.pairing_is_one(data)


def _point(encoded: bytes) -> Point:
    x, y = int.from_bytes(encoded[:32], "big"), int.from_bytes(encoded[32:], "big")
    if x >= _FIELD or y >= _FIELD:
        raise InvalidInputError("alt_bn128: coordinate is not in the field")
    if (x, y) != _INFINITY and (y * y - x * x * x - 3) % _FIELD:
        raise InvalidInputError("alt_bn128: point is not on the curve")
    return x, y


def _sum(first: Point, second: Point) -> Point:
    if first == _INFINITY:
        return second
    if second == _INFINITY:
        return first
    (x1, y1), (x2, y2) = first, second
    if x1 != x2:
        slope = (y2 - y1) * int(invert(x2 - x1, _FIELD))
    elif y1 == y2:
        # No point of the curve has y = 0: its order is odd.
        slope = 3 * x1 * x1 * int(invert(2 * y1, _FIELD))
    else:
        return _INFINITY
    x = (slope * slope - x1 - x2) % _FIELD
    return x, (slope * (x1 - x) - y1) % _FIELD
