"""Whether a proof shows that a commitment is a blob's: the blob's polynomial at a point nobody could choose.

Source: consensus-specs, Deneb, `verify_blob_kzg_proof`.
"""

from functools import lru_cache
from hashlib import sha256

from openledger_node.evm.native.errors import InvalidInputError
from openledger_node.evm.native.kzg import verify_opening

BLOB_BYTES = 131_072
_ELEMENTS = 4_096
_MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_PRIMITIVE_ROOT = 7
_CHALLENGE_DOMAIN = b"FSBLOBVERIFY_V1_"
_VERSION = b"\x01"


def versioned_hash(commitment: bytes) -> bytes:
    """Source: EIP-4844."""
    return _VERSION + sha256(commitment).digest()[1:]


def is_proven(blob: bytes, commitment: bytes, proof: bytes) -> bool:
    """`blob` has 131,072 bytes, `commitment` and `proof` 48 each."""
    elements = [int.from_bytes(blob[start : start + 32], "big") for start in range(0, BLOB_BYTES, 32)]
    if max(elements) >= _MODULUS:
        return False
    seed = _CHALLENGE_DOMAIN + _ELEMENTS.to_bytes(16, "big") + blob + commitment
    point = int.from_bytes(sha256(seed).digest(), "big") % _MODULUS
    value = _evaluate(elements, point)
    opening = point.to_bytes(32, "big") + value.to_bytes(32, "big") + commitment + proof
    try:
        verify_opening(versioned_hash(commitment) + opening)
    except InvalidInputError:
        return False
    return True


@lru_cache(maxsize=1)
def _roots_of_unity() -> tuple[int, ...]:
    """In bit-reversed order, as blobs are."""
    root = pow(_PRIMITIVE_ROOT, (_MODULUS - 1) // _ELEMENTS, _MODULUS)
    powers = [1]
    for _ in range(_ELEMENTS - 1):
        powers.append(powers[-1] * root % _MODULUS)
    bits = _ELEMENTS.bit_length() - 1
    return tuple(powers[int(f"{index:0{bits}b}"[::-1], 2)] for index in range(_ELEMENTS))


def _evaluate(elements: list[int], point: int) -> int:
    """The polynomial with these values at the roots of unity, at `point`: the barycentric formula."""
    roots = _roots_of_unity()
    if point in roots:
        return elements[roots.index(point)]
    inverses = _inverses([(point - root) % _MODULUS for root in roots])
    total = sum(
        element * root % _MODULUS * inverse
        for element, root, inverse in zip(elements, roots, inverses, strict=True)
    )
    scale = (pow(point, _ELEMENTS, _MODULUS) - 1) * pow(_ELEMENTS, -1, _MODULUS)
    return total * scale % _MODULUS


def _inverses(values: list[int]) -> list[int]:
    """All inverses by one inversion: products up to each value, then back."""
    products = [1]
    for value in values:
        products.append(products[-1] * value % _MODULUS)
    inverse = pow(products.pop(), -1, _MODULUS)
    found = []
    for value in reversed(values):
        found.append(inverse * products.pop() % _MODULUS)
        inverse = inverse * value % _MODULUS
    return found[::-1]
