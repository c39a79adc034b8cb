"""Whose signature this is: secp256k1 recovery with the checks Ethereum makes.

Covered: range of r and s, low s, recovery. Not covered: what was signed.
"""

from genesis.types import Address, Hash32
from openledger_node.evm.native.recovery import recover_address

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def recover_signer(digest: Hash32, y_parity: int, r: int, s: int) -> Address | None:
    """Address that signed `digest`, or None if the signature is not valid or s is high (EIP-2)."""
    if y_parity not in (0, 1) or not 0 < r < SECP256K1_ORDER or not 0 < s <= SECP256K1_ORDER // 2:
        return None
    return recover_address(digest, y_parity, r, s)
