"""What Ethereum's precompiles cost, from the size and head of their input.

Source: EIP-196, 197 and 1108 (alt_bn128), 2565, 7823 and 7883 (MODEXP), 2537 (BLS12-381), 152 (BLAKE2),
4844 (point evaluation), 7951 (P-256).
"""

from dataclasses import dataclass

from eth.precompiles.bls12_381.constants import (
    G1_MSM_DISCOUNTS,
    G1_MSM_MAX_DISCOUNT,
    G2_MSM_DISCOUNTS,
    G2_MSM_MAX_DISCOUNT,
)
from eth.precompiles.modexp import _compute_modexp_gas_fee_eip_198

from openledger_node.evm.native import bls12_381, bn254
from openledger_node.evm.native.errors import InvalidInputError

ECRECOVER = 3_000
BN254_ADD = 150
BN254_MULTIPLY = 6_000
POINT_EVALUATION = 50_000
BLS_ADD_G1 = 375
BLS_ADD_G2 = 600
BLS_MAP_TO_G1 = 5_500
BLS_MAP_TO_G2 = 23_800
P256_VERIFY = 6_900

_MODEXP_HEADER_BYTES = 96
_MODEXP_MAXIMUM_OPERAND_BYTES = 1024
_EXPONENT_HEAD_BYTES = 32
_DISCOUNT_DIVISOR = 1_000


def _words(size: int) -> int:
    return (size + 31) >> 5


def sha256(size: int) -> int:
    """Gas for an input of `size` bytes."""
    return 60 + 12 * _words(size)


def ripemd160(size: int) -> int:
    """Gas for an input of `size` bytes."""
    return 600 + 120 * _words(size)


def identity(size: int) -> int:
    """Gas for an input of `size` bytes."""
    return 15 + 3 * _words(size)


def bn254_pairing(size: int) -> int:
    """Gas for the whole pairs in `size` bytes. Source: EIP-1108."""
    return 45_000 + 34_000 * (size // bn254.PAIR_BYTES)


def bls_multiply_sum_g1(size: int) -> int:
    """Gas for the whole pairs of point and scalar in `size` bytes. Source: EIP-2537."""
    pairs = size // (bls12_381.G1_BYTES + bls12_381.SCALAR_BYTES)
    return _discounted(pairs, 12_000, G1_MSM_DISCOUNTS, G1_MSM_MAX_DISCOUNT)


def bls_multiply_sum_g2(size: int) -> int:
    """Gas for the whole pairs of point and scalar in `size` bytes. Source: EIP-2537."""
    pairs = size // (bls12_381.G2_BYTES + bls12_381.SCALAR_BYTES)
    return _discounted(pairs, 22_500, G2_MSM_DISCOUNTS, G2_MSM_MAX_DISCOUNT)


def bls_pairing(size: int) -> int:
    """Gas for the whole pairs of points in `size` bytes. Source: EIP-2537."""
    return 37_700 + 32_600 * (size // (bls12_381.G1_BYTES + bls12_381.G2_BYTES))


def _discounted(pairs: int, price: int, discounts: list[int], most: int) -> int:
    if not pairs:
        return 0
    discount = discounts[pairs - 1] if pairs <= len(discounts) else most
    return pairs * price * discount // _DISCOUNT_DIVISOR


@dataclass(frozen=True, slots=True)
class ModexpSizes:
    """Lengths of the operands in bytes, as the first three words of the input give them."""

    base: int
    exponent: int
    modulus: int


def modexp_sizes(data: bytes) -> ModexpSizes:
    """The three lengths; what is missing of the input counts as zeros."""
    header = data[:_MODEXP_HEADER_BYTES].ljust(_MODEXP_HEADER_BYTES, b"\0")
    return ModexpSizes(*(int.from_bytes(header[start : start + 32], "big") for start in (0, 32, 64)))


def modexp_bytes(head: bytes) -> int:
    """How much of the input counts."""
    sizes = modexp_sizes(head)
    return _MODEXP_HEADER_BYTES + sizes.base + sizes.exponent + sizes.modulus


def modexp_byzantium(data: bytes) -> int:
    """Source: EIP-198."""
    price: int = _compute_modexp_gas_fee_eip_198(data)
    return price


def modexp(data: bytes) -> int:
    """Source: EIP-2565."""
    sizes = modexp_sizes(data)
    words = -(-max(sizes.base, sizes.modulus) // 8)
    return max(200, words * words * _iterations(data, sizes, gas_per_tail_byte=8) // 3)


def modexp_osaka(data: bytes) -> int:
    """Source: EIP-7823, EIP-7883. Raises `InvalidInputError` for an operand over 1024 bytes."""
    sizes = modexp_sizes(data)
    longest = max(sizes.base, sizes.modulus)
    if max(longest, sizes.exponent) > _MODEXP_MAXIMUM_OPERAND_BYTES:
        raise InvalidInputError("modexp: operand is longer than 1024 bytes")
    complexity = 16 if longest <= 32 else 2 * (-(-longest // 8)) ** 2
    return max(500, complexity * _iterations(data, sizes, gas_per_tail_byte=16))


def _iterations(data: bytes, sizes: ModexpSizes, *, gas_per_tail_byte: int) -> int:
    """Squarings that the exponent takes, estimated from its length and its first 32 bytes."""
    head_size = min(sizes.exponent, _EXPONENT_HEAD_BYTES)
    start = _MODEXP_HEADER_BYTES + sizes.base
    head = int.from_bytes(data[start : start + head_size].ljust(head_size, b"\0"), "big")
    squarings = max(head.bit_length() - 1, 0)
    return max(squarings + gas_per_tail_byte * (sizes.exponent - head_size), 1)
