"""One way to hash: Keccak-256 over bytes, by the native library."""

import sha3

from genesis.types import Hash32


def keccak256(data: bytes) -> Hash32:
    """Keccak-256 (the pre-standard padding Ethereum uses) of `data`."""
    return Hash32(sha3.keccak_256(data).digest())
