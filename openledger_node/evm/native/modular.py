"""Modular exponentiation of integers of any size.

Source: EIP-198.
"""

from gmpy2 import powmod


def power(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    """base^exponent mod modulus, as long as the modulus; 0 for the modulus 0. 0^0 is 1 (0 mod 1)."""
    divisor = int.from_bytes(modulus, "big")
    if not divisor:
        return bytes(len(modulus))
    result = powmod(int.from_bytes(base, "big"), int.from_bytes(exponent, "big"), divisor)
    return int(result).to_bytes(len(modulus), "big")
