"""Whose signature this is: secp256k1 recovery with the checks Ethereum makes.

Covered: range of r and s, low s, recovery. Not covered: what was signed.
"""

from coincurve import PublicKey

from genesis.keccak import keccak256
from genesis.types import Address, Hash32

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def recover_signer(digest: Hash32, y_parity: int, r: int, s: int) -> Address | None:
    """Address that signed `digest`, or None if the signature is not valid or s is high (EIP-2)."""
    if y_parity not in (0, 1) or not 0 < r < SECP256K1_ORDER or not 0 < s <= SECP256K1_ORDER // 2:
        return None
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((y_parity,))
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError:
        return None
    return Address(keccak256(key.format(compressed=False)[1:])[12:])
